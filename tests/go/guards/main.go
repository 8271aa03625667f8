// SPDX-License-Identifier: MIT

// Guards: maps that several goroutines use, all of them correctly: eight under locks of every kind,
// one that is handed over through a channel and so is under no lock at all, and one that is handed
// over likewise, of whose two users one takes a lock all the same.
//
//	guards [-every 2ms] [-for 1h]
//
// Two goroutines use each map, every so often. The first line of output says where the maps are:
// "guarded", "handed" and "partly". It checks what is in them, and says so in its last line.
package main

import (
	"encoding/json"
	"flag"
	"os"
	"sync"
	"time"
	"unsafe"
)

type table map[uint64]uint64

func address(m table) uintptr { return *(*uintptr)(unsafe.Pointer(&m)) }

func say(v interface{}) { _ = json.NewEncoder(os.Stdout).Encode(v) }

// store is a map and what guards it, taken and dropped in a way of its own.
type store struct {
	name string
	m    table
	use  func(s *store, key uint64)
	pad  byte
	mu   sync.Mutex
	rw   sync.RWMutex
	lock sync.Locker
}

func (s *store) change(key uint64) { s.m[key%8]++ }

func (s *store) sum() (n uint64) {
	for _, v := range s.m {
		n += v
	}
	return n
}

var global sync.Mutex

type embedded struct {
	sync.Mutex
	n uint64
}

var shared embedded

func inlined(s *store, key uint64) {
	s.mu.Lock()
	s.change(key)
	s.mu.Unlock()
}

func deferred(s *store, key uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(key)
}

func writer(s *store, key uint64) {
	s.rw.Lock()
	s.change(key)
	s.rw.Unlock()
}

func readers(s *store, key uint64) {
	s.rw.RLock()
	n := s.m[key%8]
	s.rw.RUnlock()
	s.rw.Lock()
	s.m[key%8] = n + (s.m[key%8] - n) + 1
	s.rw.Unlock()
}

func through(s *store, key uint64) {
	s.lock.Lock()
	s.change(key)
	s.lock.Unlock()
}

func tried(s *store, key uint64) {
	for !s.mu.TryLock() {
		time.Sleep(50 * time.Microsecond)
	}
	s.change(key)
	s.mu.Unlock()
}

func sometimes(s *store, key uint64) {
	s.mu.Lock()
	s.change(key)
	s.mu.Unlock()
}

func fixed(s *store, key uint64) {
	global.Lock()
	s.change(key)
	global.Unlock()
}

func promoted(s *store, key uint64) {
	shared.Lock()
	s.change(key)
	shared.n++
	shared.Unlock()
}

// hand gives the map to and fro: a send orders what was done before it.
func hand(s *store, get, give chan struct{}, every time.Duration, ops uint64) {
	for n := uint64(0); n < ops; n++ {
		<-get
		s.use(s, n)
		time.Sleep(every)
		give <- struct{}{}
	}
}

//go:noinline
func unlocked(s *store, key uint64) { s.m[key%8]++ }

func handOver(all *sync.WaitGroup, one, other *store, every time.Duration, ops uint64) {
	there, back := make(chan struct{}, 1), make(chan struct{}, 1)

	all.Add(2)
	go func() { defer all.Done(); hand(one, there, back, every, ops) }()
	go func() { defer all.Done(); hand(other, back, there, every, ops) }()
	there <- struct{}{}
}

func run(stores []*store, handed, partly table, every time.Duration, ops uint64) {
	var all sync.WaitGroup

	for _, s := range stores {
		for side := 0; side < 2; side++ {
			all.Add(1)
			go func(s *store) {
				defer all.Done()
				for n := uint64(0); n < ops; n++ {
					s.use(s, n)
					time.Sleep(every)
				}
			}(s)
		}
	}
	handed1, handed2 := &store{m: handed, use: unlocked}, &store{m: handed, use: unlocked}
	handOver(&all, handed1, handed2, every, ops)
	partly1, partly2 := &store{m: partly, use: sometimes}, &store{m: partly, use: unlocked}
	handOver(&all, partly1, partly2, every, ops)
	all.Wait()
}

func main() {
	every := flag.Duration("every", 2*time.Millisecond, "between two uses")
	length := flag.Duration("for", time.Hour, "how long")
	flag.Parse()
	stores := []*store{{name: "inlined", use: inlined}, {name: "deferred", use: deferred},
		{name: "writer", use: writer}, {name: "readers", use: readers},
		{name: "through", use: through}, {name: "tried", use: tried},
		{name: "fixed", use: fixed}, {name: "promoted", use: promoted}}
	handed, partly := table{}, table{}
	guarded := map[string]uintptr{}
	for _, s := range stores {
		s.m = table{}
		s.lock = &s.rw
		guarded[s.name] = address(s.m)
	}
	ops := uint64(*length / *every)
	say(map[string]interface{}{"ready": true, "pid": os.Getpid(), "guarded": guarded,
		"handed": address(handed), "partly": address(partly)})
	run(stores, handed, partly, *every, ops)
	right := (&store{m: handed}).sum() == 2*ops && (&store{m: partly}).sum() == 2*ops
	for _, s := range stores {
		right = right && s.sum() == 2*ops
	}
	say(map[string]bool{"right": right})
}
