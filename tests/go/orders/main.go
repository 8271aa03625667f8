// SPDX-License-Identifier: MIT
//
// Orders has one small function for each way in which goroutines are ordered, for tests that look
// for the instructions: what each holds is in tests/unit/target/test_order_site.c. It runs each
// once and ends.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

var (
	global  sync.Mutex
	rw      sync.RWMutex
	counter int64
	flag    uint32
	total   int
	locks   [4]sync.Mutex
)

type account struct {
	name string
	sync.Mutex
	sum int
}

type table struct {
	mu   sync.RWMutex
	rows map[string]int
}

type store struct {
	inner *table
	_     [40]byte
	mu    sync.Mutex
	n     int
}

//go:noinline
func lockGlobal() {
	global.Lock()
	total++
	global.Unlock()
}

//go:noinline
func lockField(s *store) {
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
}

//go:noinline
func lockEmbedded(a *account, by int) {
	a.Lock()
	a.sum += by
	a.Unlock()
}

//go:noinline
func lockDeferred(s *store, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.n++
}

//go:noinline
func lockTwo(a, b *account) {
	a.Lock()
	b.Lock()
	a.sum, b.sum = b.sum, a.sum
	b.Unlock()
	a.Unlock()
}

//go:noinline
func lockOfArray(i int) {
	locks[i&3].Lock()
	total++
	locks[i&3].Unlock()
}

//go:noinline
func unlockEarly(s *store, n int) int {
	s.mu.Lock()
	if n > s.n {
		s.mu.Unlock()
		return 0
	}
	n += s.n
	s.mu.Unlock()
	return n
}

//go:noinline
func readGlobal() int {
	rw.RLock()
	n := total
	rw.RUnlock()
	return n
}

//go:noinline
func readField(t *table, key string) int {
	t.mu.RLock()
	n := t.rows[key]
	t.mu.RUnlock()
	return n
}

//go:noinline
func writeField(t *table, key string) {
	t.mu.Lock()
	t.rows[key]++
	t.mu.Unlock()
}

//go:noinline
func tryField(s *store) bool {
	if s.mu.TryLock() {
		s.n++
		s.mu.Unlock()
		return true
	}
	return false
}

//go:noinline
func tryReader(t *table, key string) int {
	if !t.mu.TryRLock() {
		return -1
	}
	n := t.rows[key]
	t.mu.RUnlock()
	return n
}

//go:noinline
func tryWriter(t *table, key string) bool {
	if !t.mu.TryLock() {
		return false
	}
	t.rows[key]++
	t.mu.Unlock()
	return true
}

//go:noinline
func lockInterface(l sync.Locker) {
	l.Lock()
	total++
	l.Unlock()
}

type guarded[T any] struct {
	mu    sync.Mutex
	value T
}

//go:noinline
func (g *guarded[T]) set(value T) {
	g.mu.Lock()
	g.value = value
	g.mu.Unlock()
}

//go:noinline
func addGlobal() {
	atomic.AddInt64(&counter, 1)
}

//go:noinline
func swapFlag(to uint32) bool {
	return atomic.CompareAndSwapUint32(&flag, to^1, to)
}

//go:noinline
func storeFlag(to uint32) {
	atomic.StoreUint32(&flag, to)
}

//go:noinline
func loadFlag() uint32 {
	return atomic.LoadUint32(&flag)
}

//go:noinline
func byValue(add func(*int64, int64) int64) int64 {
	return add(&counter, 1)
}

//go:noinline
func channels(c chan int, done chan struct{}) int {
	go func() { c <- total; close(done) }()
	n := <-c
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	return n
}

//go:noinline
func groups() {
	var group sync.WaitGroup
	var ready bool
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	group.Add(1)
	go func() {
		defer group.Done()
		mu.Lock()
		for !ready {
			cond.Wait()
		}
		mu.Unlock()
	}()
	mu.Lock()
	ready = true
	cond.Signal()
	cond.Broadcast()
	mu.Unlock()
	group.Wait()
}

func main() {
	var once sync.Once
	pool := sync.Pool{New: func() any { return new(int) }}
	s, a, b := &store{}, &account{}, &account{}
	t := &table{rows: map[string]int{}}

	once.Do(lockGlobal)
	lockField(s)
	lockEmbedded(a, 1)
	lockDeferred(s, lockGlobal)
	lockTwo(a, b)
	lockOfArray(len(a.name))
	unlockEarly(s, 0)
	writeField(t, "a")
	tryField(s)
	tryReader(t, "a")
	tryWriter(t, "a")
	lockInterface(a)
	lockInterface(&rw)
	lockInterface(rw.RLocker())
	(&guarded[int]{}).set(1)
	(&guarded[string]{}).set("a")
	addGlobal()
	storeFlag(1)
	swapFlag(0)
	byValue(atomic.AddInt64)
	pool.Put(pool.Get())
	time.AfterFunc(time.Hour, addGlobal).Stop()
	groups()
	time.Sleep(time.Microsecond)
	fmt.Println(channels(make(chan int), make(chan struct{})), readGlobal(), readField(t, "a"),
		loadFlag(), s.n)
}
