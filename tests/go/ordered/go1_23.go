// SPDX-License-Identifier: MIT

//go:build go1.23

package main

import (
	"iter"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"unique"

	"gomaptop/tests/service"
)

func init() {
	service.Add("iter_pull", "a coroutine and who pulls share a map", iterPull)
	service.Add("iter_pull_passed", "a coroutine that several goroutines pull, one after the other", iterPullPassed)
	service.Add("iter_maps", "maps.Collect and maps.Insert under a lock", iterMaps)
	service.Add("atomic_and_or", "a lock made of a bit, by Or and And", atomicAndOr)
	service.Add("unique", "canonical keys of a guarded map", uniqueKeys)
	service.Add("syncmap_clear", "a sync.Map of maps that nobody changes, cleared now and then", syncmapClear)
}

func iterPull(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{}
		var seq iter.Seq[int] = func(yield func(int) bool) {
			own := service.NewDice()
			for i := 0; ; i++ {
				m[own.Key()]++
				own.Between(50, 500)
				if !yield(i) {
					m[own.Key()]++
					return
				}
			}
		}
		next, stop := iter.Pull(seq)
		for i := 0; i < 4; i++ {
			m[d.Key()]++
			next()
			_ = m[d.Key()]
			d.Between(50, 500)
		}
		stop()
		m[d.Key()]++
	})
}

func iterPullPassed(t *service.Task) {
	m := map[string]int{}
	next, _ := iter.Pull(func(yield func(int) bool) {
		own := service.NewDice()
		for i := 0; yield(i); i++ {
			m[own.Key()]++
		}
	})
	var mu sync.Mutex
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			mu.Lock()
			m[d.Key()]++
			next()
			m[d.Key()]++
			mu.Unlock()
		})
	}
}

func iterMaps(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		own := map[string]int{d.Key(): 1, d.Key(): 2}
		mu.Lock()
		maps.Insert(m, maps.All(own))
		mu.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		mu.RLock()
		own := maps.Collect(maps.All(m))
		mu.RUnlock()
		delete(own, d.Key())
	})
}

func atomicAndOr(t *service.Task) {
	var bits atomic.Uint32
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			for bits.Or(4)&4 != 0 {
				d.Between(50, 300)
			}
			m[d.Key()]++
			bits.And(^uint32(4))
		})
	}
}

func uniqueKeys(t *service.Task) {
	var mu sync.Mutex
	m := map[unique.Handle[string]]int{}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			key := unique.Make(d.Key() + "-" + d.Key())
			mu.Lock()
			m[key]++
			if len(m) > 200 {
				m = map[unique.Handle[string]]int{}
			}
			mu.Unlock()
		})
	}
	t.Every(func(d *service.Dice) {
		d.Between(10000, 40000)
		runtime.GC()
	})
}

func syncmapClear(t *service.Task) {
	var all sync.Map
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			m := map[string]int{d.Key(): 1}
			d.Between(50, 500)
			m[d.Key()]++
			if v, ok := all.Swap(d.N(9), m); ok {
				_ = v.(map[string]int)[d.Key()]
			}
		})
	}
	t.Every(func(d *service.Dice) {
		d.Wait()
		all.Clear()
	})
}
