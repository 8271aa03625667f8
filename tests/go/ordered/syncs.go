// SPDX-License-Identifier: MIT

// The rest of package sync, and what is commonly built from it.
package main

import (
	"sync"
	"time"

	"gomaptop/tests/service"
)

func init() {
	service.Add("once", "set up by whoever comes first, read by all", once)
	service.Add("once_race", "many come at the same time, those who are late wait", onceRace)
	service.Add("waitgroup", "each fills a map of its own, all are read after Wait", waitgroup)
	service.Add("waitgroup_rounds", "one group used again and again", waitgroupRounds)
	service.Add("waitgroup_two", "two goroutines wait for the same group", waitgroupTwo)
	service.Add("errgroup", "first error by Once, results after Wait", errgroup)
	service.Add("cond_signal", "a queue with a condition", condSignal)
	service.Add("cond_broadcast", "all wait for a generation; the map is left alone after it", condBroadcast)
	service.Add("cond_rlocker", "the condition's lock is the read side", condRLocker)
	service.Add("barrier", "three goroutines meet between phases; who writes changes", barrier)
	service.Add("pool", "maps from a sync.Pool", pool)
	service.Add("syncmap_frozen", "a sync.Map of maps that nobody changes once they are in it", syncmapFrozen)
	service.Add("syncmap_taken", "a sync.Map of maps: who takes one out owns it", syncmapTaken)
	service.Add("syncmap_guarded", "a sync.Map of maps with a lock each", syncmapGuarded)
}

func once(t *service.Task) {
	type config struct {
		once sync.Once
		m    map[string]int
	}
	load := func(c *config, d *service.Dice) map[string]int {
		c.once.Do(func() {
			c.m = map[string]int{}
			for i := 0; i < 8; i++ {
				c.m[d.Key()] = i
			}
		})
		return c.m
	}
	t.Every(func(d *service.Dice) {
		c := &config{}
		for i := 0; i < 3; i++ {
			go func() {
				own := service.NewDice()
				for i := 0; i < 3; i++ {
					own.Wait()
					_ = load(c, own)[own.Key()]
				}
			}()
		}
		d.Wait()
		_ = load(c, d)[d.Key()]
	})
}

func onceRace(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var once sync.Once
		var m map[string]int
		for i := 0; i < 4; i++ {
			go func() {
				own := service.NewDice()
				once.Do(func() {
					m = map[string]int{own.Key(): 1}
					own.Wait()
					m[own.Key()] = 2
				})
				_ = m[own.Key()]
			}()
		}
		d.Wait()
	})
}

func waitgroup(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var group sync.WaitGroup
		var parts [3]map[string]int
		for i := range parts {
			group.Add(1)
			go func(i int) {
				defer group.Done()
				own := service.NewDice()
				parts[i] = map[string]int{own.Key(): 1}
				own.Wait()
				parts[i][own.Key()]++
			}(i)
		}
		group.Wait()
		for _, part := range parts {
			part[d.Key()]++
		}
	})
}

func waitgroupRounds(t *service.Task) {
	var group sync.WaitGroup
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		m[d.Key()]++
		readers := 1 + d.N(3)
		group.Add(readers)
		for i := 0; i < readers; i++ {
			go func() {
				own := service.NewDice()
				_ = m[own.Key()]
				own.Between(100, 1500)
				_ = m[own.Key()]
				group.Done()
			}()
		}
		group.Wait()
		delete(m, d.Key())
	})
}

func waitgroupTwo(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var work, read sync.WaitGroup
		m := map[string]int{}
		work.Add(1)
		read.Add(2)
		for i := 0; i < 2; i++ {
			go func() {
				own := service.NewDice()
				work.Wait()
				_ = m[own.Key()]
				read.Done()
			}()
		}
		m[d.Key()]++
		d.Wait()
		m[d.Key()]++
		work.Done()
		read.Wait()
		m[d.Key()]++
	})
}

func errgroup(t *service.Task) {
	type failure struct{ at map[string]int }
	t.Every(func(d *service.Dice) {
		var group sync.WaitGroup
		var once sync.Once
		var first *failure
		for i := 0; i < 4; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				own := service.NewDice()
				at := map[string]int{own.Key(): 1}
				own.Wait()
				if own.N(2) == 0 {
					once.Do(func() {
						at[own.Key()]++
						first = &failure{at}
					})
				}
			}()
		}
		group.Wait()
		if first != nil {
			first.at[d.Key()]++
		}
	})
}

func condSignal(t *service.Task) {
	var mu sync.Mutex
	some := sync.NewCond(&mu)
	var queue []map[string]int
	for i := 0; i < 2; i++ {
		t.Every(func(d *service.Dice) {
			m := map[string]int{d.Key(): 1}
			mu.Lock()
			queue = append(queue, m)
			mu.Unlock()
			some.Signal()
		})
		go func() {
			d := service.NewDice()
			for {
				mu.Lock()
				for len(queue) == 0 {
					some.Wait()
				}
				m := queue[0]
				queue = queue[1:]
				mu.Unlock()
				m[d.Key()]++
				d.Between(100, 1500)
			}
		}()
	}
}

func condBroadcast(t *service.Task) {
	var mu sync.Mutex
	next := sync.NewCond(&mu)
	generation := 0
	var m map[string]int
	t.Every(func(d *service.Dice) {
		fresh := map[string]int{}
		for i := 0; i < 4; i++ {
			fresh[d.Key()] = i
		}
		mu.Lock()
		m = fresh
		generation++
		next.Broadcast()
		mu.Unlock()
	})
	for i := 0; i < 3; i++ {
		go func() {
			d := service.NewDice()
			for seen := 0; ; {
				mu.Lock()
				for generation == seen {
					next.Wait()
				}
				seen = generation
				own := m
				mu.Unlock()
				_ = own[d.Key()]
				d.Wait()
				_ = own[d.Key()]
			}
		}()
	}
}

func condRLocker(t *service.Task) {
	var mu sync.RWMutex
	changed := sync.NewCond(mu.RLocker())
	m := map[string]int{}
	for i := 0; i < 2; i++ {
		go func() {
			d := service.NewDice()
			for {
				mu.RLock()
				changed.Wait()
				_ = m[d.Key()]
				d.Between(50, 500)
				_ = m[d.Key()]
				mu.RUnlock()
			}
		}()
	}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		mu.Unlock()
		changed.Broadcast()
	})
}

func barrier(t *service.Task) {
	const sides = 3
	var mu sync.Mutex
	all := sync.NewCond(&mu)
	here, phase := 0, 0
	meet := func() {
		mu.Lock()
		defer mu.Unlock()
		mine := phase
		if here++; here == sides {
			here = 0
			phase++
			all.Broadcast()
		}
		for phase == mine {
			all.Wait()
		}
	}
	m := map[string]int{}
	for i := 0; i < sides; i++ {
		me := i
		go func() {
			d := service.NewDice()
			for round := 0; ; round++ {
				if round%sides == me {
					m[d.Key()]++
					d.Between(200, 2000)
				}
				meet()
				_ = m[d.Key()]
				d.Between(200, 2000)
				meet()
				t.Turn()
			}
		}()
	}
}

func pool(t *service.Task) {
	maps := sync.Pool{New: func() interface{} { return map[string]int{} }}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			m := maps.Get().(map[string]int)
			m[d.Key()]++
			d.Between(0, 800)
			for key := range m {
				delete(m, key)
			}
			maps.Put(m)
		})
	}
}

func syncmapFrozen(t *service.Task) {
	var all sync.Map
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			key := d.N(20)
			v, ok := all.Load(key)
			if !ok {
				m := map[string]int{d.Key(): 1}
				d.Between(50, 500)
				m[d.Key()] = 2
				v, _ = all.LoadOrStore(key, m)
			}
			m := v.(map[string]int)
			_ = m[d.Key()]
			d.Wait()
			for range m {
				continue
			}
			if d.N(4) == 0 {
				all.Delete(key)
			}
		})
	}
}

func syncmapTaken(t *service.Task) {
	var all sync.Map
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			key := d.N(5)
			m := map[string]int{}
			if v, ok := all.LoadAndDelete(key); ok {
				m = v.(map[string]int)
			}
			m[d.Key()]++
			d.Between(100, 1500)
			m[d.Key()]++
			all.LoadOrStore(key, m)
		})
	}
}

func syncmapGuarded(t *service.Task) {
	type row struct {
		mu sync.Mutex
		m  map[string]int
	}
	var all sync.Map
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			v, _ := all.LoadOrStore(d.N(5), &row{m: map[string]int{}})
			r := v.(*row)
			r.mu.Lock()
			r.m[d.Key()]++
			r.mu.Unlock()
		})
	}
	t.Every(func(d *service.Dice) {
		all.Range(func(_, v interface{}) bool {
			r := v.(*row)
			r.mu.Lock()
			_ = r.m[d.Key()]
			r.mu.Unlock()
			return true
		})
		time.Sleep(time.Millisecond)
	})
}
