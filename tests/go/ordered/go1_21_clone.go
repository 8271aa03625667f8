// SPDX-License-Identifier: MIT

//go:build go1.21

// Clones have the seed of what they were cloned from. Where the memory of an old one is used again
// by a clone of its successor, the two are told apart by neither address nor seed.
package main

import (
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"gomaptop/tests/service"
)

func init() {
	service.Add("clone_cow", "copy on write by maps.Clone under a lock, published by an atomic; often collected", cloneCow)
	service.Add("clone_rwmutex", "clones change places under a lock; readers use what they took outside of it", cloneRWMutex)
	service.Add("clone_private", "each request clones the defaults and changes its own", clonePrivate)
}

func cloneCow(t *service.Task) {
	var now atomic.Pointer[map[string]int]
	now.Store(&map[string]int{"a": 1, "b": 2, "c": 3})
	var mu sync.Mutex
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.Lock()
			defer mu.Unlock()
			next := maps.Clone(*now.Load())
			next[d.Key()]++
			delete(next, d.Key())
			now.Store(&next)
		})
		t.Requests(func(d *service.Dice) {
			m := *now.Load()
			_ = m[d.Key()]
			d.Wait()
			_ = m[d.Key()]
		})
	}
}

func cloneRWMutex(t *service.Task) {
	var mu sync.RWMutex
	now := map[string]int{"a": 1, "b": 2}
	for i := 0; i < 3; i++ {
		t.Every(func(d *service.Dice) {
			mu.RLock()
			m := now
			mu.RUnlock()
			_ = m[d.Key()]
			d.Wait()
			_ = m[d.Key()]
		})
	}
	t.Every(func(d *service.Dice) {
		mu.RLock()
		next := maps.Clone(now)
		mu.RUnlock()
		next[d.Key()]++
		delete(next, d.Key())
		mu.Lock()
		now = next
		mu.Unlock()
	})
}

func clonePrivate(t *service.Task) {
	defaults := map[string]int{"a": 1, "b": 2, "c": 3}
	for i := 0; i < 4; i++ {
		t.Every(func(d *service.Dice) {
			for i := 0; i < 6; i++ {
				own := maps.Clone(defaults)
				own[d.Key()]++
				_ = own[d.Key()]
			}
		})
	}
	t.Every(func(d *service.Dice) {
		d.Between(2000, 10000)
		runtime.GC()
	})
}
