// SPDX-License-Identifier: MIT

// Mutex and RWMutex, in the forms in which programs write them.
package main

import (
	"runtime"
	"sync"

	"gomaptop/tests/service"
)

func init() {
	service.Add("mutex", "a mutex, handlers", mutex)
	service.Add("rwmutex", "read lock and write lock", rwmutex)
	service.Add("mutex_passed", "locked by one goroutine, unlocked by one that it starts", mutexPassed)
	service.Add("mutex_worker", "locked by a handler, unlocked by a worker that lives on", mutexWorker)
	service.Add("locker", "through the interface, also of the read side", locker)
	service.Add("embedded", "an embedded mutex, deferred unlock, method values", embedded)
	service.Add("unlock_panic", "unlocked by a deferred call while a panic passes", unlockPanic)
	service.Add("unlock_goexit", "unlocked by a deferred call when the goroutine ends itself", unlockGoexit)
	service.Add("trylock", "TryLock until it succeeds", trylock)
	service.Add("try_rlock", "TryRLock, else nothing", tryRLock)
	service.Add("two_locks", "writers hold both locks, readers one of them, no matter which", twoLocks)
	service.Add("stripes", "one of sixteen locks, by hash", stripes)
	service.Add("migrating", "the map goes from shard to shard, each with a lock of its own", migrating)
	service.Add("starving", "held so long that the mutex is handed over by its unlock", starving)
	service.Add("upgrade", "looked up under the read lock, again and written under the write lock", upgrade)
	service.Add("downgrade", "written under the write lock, then read by who was let in before", downgrade)
	service.Add("generic_lock", "guarded by a generic type", genericLock)
	service.Add("unlock_closure", "the lock function returns what unlocks", unlockClosure)
	service.Add("lock_chain", "hand over hand along a list, each node with lock and map", lockChain)
	service.Add("lock_flag", "a flag under a lock says who owns the map, which is used outside it", lockFlag)
}

func mutex(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	t.Requests(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		mu.Unlock()
		d.Wait()
		mu.Lock()
		_ = m[d.Key()]
		mu.Unlock()
	})
	t.Every(func(d *service.Dice) {
		mu.Lock()
		for key, n := range m {
			if n > 5 {
				delete(m, key)
			}
		}
		mu.Unlock()
	})
}

func rwmutex(t *service.Task) {
	var mu sync.RWMutex
	m := map[int]string{}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.RLock()
			_ = m[d.N(50)]
			d.Between(50, 300)
			_ = m[d.N(50)]
			mu.RUnlock()
		})
	}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[d.N(50)] = d.Key()
		mu.Unlock()
	})
}

func mutexPassed(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		go func() {
			own := service.NewDice()
			own.Between(100, 600)
			m[own.Key()]++
			mu.Unlock()
		}()
	})
	t.Every(func(d *service.Dice) {
		mu.Lock()
		_ = m[d.Key()]
		mu.Unlock()
	})
}

func mutexWorker(t *service.Task) {
	type job struct {
		mu *sync.Mutex
		m  map[string]int
	}
	jobs := make(chan job, 8)
	shards := [3]job{}
	for i := range shards {
		shards[i] = job{&sync.Mutex{}, map[string]int{}}
	}
	go func() {
		d := service.NewDice()
		for j := range jobs {
			d.Between(50, 500)
			j.m[d.Key()] += len(j.m)
			j.mu.Unlock()
		}
	}()
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			s := shards[d.N(3)]
			s.mu.Lock()
			s.m[d.Key()] = d.N(100)
			jobs <- s
		})
	}
}

func locker(t *service.Task) {
	var rw sync.RWMutex
	m := map[string]int{}
	under := func(l sync.Locker, f func()) {
		l.Lock()
		f()
		l.Unlock()
	}
	t.Requests(func(d *service.Dice) {
		under(&rw, func() { m[d.Key()]++ })
		d.Wait()
		under(rw.RLocker(), func() { _ = m[d.Key()] })
	})
	t.Every(func(d *service.Dice) {
		under(rw.RLocker(), func() {
			for range m {
				continue
			}
		})
	})
}

type ledger struct {
	name string
	sync.Mutex
	rows map[string]int
}

func (l *ledger) put(key string) {
	l.Lock()
	defer l.Unlock()
	l.rows[key]++
}

func (l *ledger) get(key string) (n int) {
	lock, unlock := l.Lock, l.Unlock
	lock()
	defer unlock()
	return l.rows[key]
}

func embedded(t *service.Task) {
	l := &ledger{rows: map[string]int{}}
	t.Requests(func(d *service.Dice) {
		l.put(d.Key())
		d.Wait()
		l.get(d.Key())
	})
	t.Every(func(d *service.Dice) { l.get(d.Key()) })
}

func unlockPanic(t *service.Task) {
	l := &ledger{rows: map[string]int{}}
	t.Requests(func(d *service.Dice) {
		defer func() { _ = recover() }()
		l.Lock()
		defer l.Unlock()
		l.rows[d.Key()]++
		if d.N(2) == 0 {
			panic("as in a handler")
		}
		_ = l.rows[d.Key()]
	})
	t.Every(func(d *service.Dice) { l.get(d.Key()) })
}

func unlockGoexit(t *service.Task) {
	l := &ledger{rows: map[string]int{}}
	t.Every(func(d *service.Dice) {
		go func() {
			own := service.NewDice()
			l.Lock()
			defer l.Unlock()
			l.rows[own.Key()]++
			runtime.Goexit()
		}()
	})
	t.Every(func(d *service.Dice) { l.get(d.Key()) })
}

func trylock(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Every(func(d *service.Dice) {
			for !mu.TryLock() {
				d.Between(50, 400)
			}
			m[d.Key()]++
			d.Between(50, 600)
			mu.Unlock()
		})
	}
}

func tryRLock(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	for i := 0; i < 2; i++ {
		t.Every(func(d *service.Dice) {
			if mu.TryRLock() {
				_ = m[d.Key()]
				mu.RUnlock()
			}
		})
	}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		d.Between(50, 600)
		mu.Unlock()
	})
}

func twoLocks(t *service.Task) {
	var a, b sync.Mutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		a.Lock()
		b.Lock()
		m[d.Key()]++
		b.Unlock()
		a.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		a.Lock()
		_ = m[d.Key()]
		a.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		b.Lock()
		for range m {
			continue
		}
		b.Unlock()
	})
}

func stripes(t *service.Task) {
	var locks [16]sync.Mutex
	var maps [16]map[string]int
	for i := range maps {
		maps[i] = map[string]int{}
	}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			k := d.N(16)
			locks[k].Lock()
			maps[k][d.Key()]++
			locks[k].Unlock()
			d.Wait()
			k = d.N(4)
			locks[k].Lock()
			_ = maps[k][d.Key()]
			locks[k].Unlock()
		})
	}
}

func migrating(t *service.Task) {
	type shard struct {
		mu   sync.Mutex
		rows map[string]int
	}
	shards := [2]*shard{{rows: map[string]int{}}, {rows: map[string]int{}}}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			s := shards[d.N(2)]
			s.mu.Lock()
			s.rows[d.Key()]++
			s.mu.Unlock()
		})
	}
	t.Every(func(d *service.Dice) {
		d.Wait()
		shards[0].mu.Lock()
		shards[1].mu.Lock()
		shards[0].rows, shards[1].rows = shards[1].rows, shards[0].rows
		shards[1].mu.Unlock()
		shards[0].mu.Unlock()
	})
}

func starving(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	for i := 0; i < 4; i++ {
		t.Every(func(d *service.Dice) {
			for i := 0; i < 3; i++ {
				mu.Lock()
				m[d.Key()]++
				d.Between(1100, 1500)
				m[d.Key()]++
				mu.Unlock()
			}
		})
	}
}

func upgrade(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			key := d.Key()
			mu.RLock()
			_, ok := m[key]
			mu.RUnlock()
			if ok {
				return
			}
			d.Between(50, 500)
			mu.Lock()
			if _, ok = m[key]; !ok {
				m[key] = 1
			}
			if len(m) > 40 {
				for key := range m {
					delete(m, key)
				}
			}
			mu.Unlock()
		})
	}
}

// Readers take over from the writer while they hold the read lock and wait.
func downgrade(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		mu.Unlock()
		mu.RLock()
		d.Between(200, 1000)
		_ = m[d.Key()]
		mu.RUnlock()
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.RLock()
			d.Between(200, 1000)
			_ = m[d.Key()]
			mu.RUnlock()
		})
	}
}

type guarded[K comparable, V any] struct {
	mu sync.RWMutex
	m  map[K]V
}

func (g *guarded[K, V]) set(key K, value V) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.m[key] = value
}

func (g *guarded[K, V]) get(key K) V {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.m[key]
}

func genericLock(t *service.Task) {
	g := &guarded[string, [3]int]{m: map[string][3]int{}}
	h := &guarded[int, string]{m: map[int]string{}}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			g.set(d.Key(), [3]int{d.N(5)})
			d.Wait()
			h.set(g.get(d.Key())[0], h.get(d.N(5)))
		})
	}
}

func unlockClosure(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	hold := func() func() {
		mu.Lock()
		return mu.Unlock
	}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			defer hold()()
			m[d.Key()]++
		})
	}
}

func lockChain(t *service.Task) {
	type node struct {
		mu   sync.Mutex
		rows map[string]int
		next *node
	}
	var head *node
	for i := 0; i < 4; i++ {
		head = &node{rows: map[string]int{}, next: head}
	}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			n := head
			n.mu.Lock()
			for n.next != nil && d.N(3) != 0 {
				n.next.mu.Lock()
				n.rows[d.Key()]++
				next := n.next
				n.mu.Unlock()
				n = next
			}
			n.rows[d.Key()]++
			n.mu.Unlock()
		})
	}
}

func lockFlag(t *service.Task) {
	var mu sync.Mutex
	busy := false
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Every(func(d *service.Dice) {
			mu.Lock()
			mine := !busy
			busy = true
			mu.Unlock()
			if !mine {
				return
			}
			m[d.Key()]++
			d.Between(100, 1500)
			m[d.Key()]++
			mu.Lock()
			busy = false
			mu.Unlock()
		})
	}
}
