// SPDX-License-Identifier: MIT

//go:build go1.24

package main

import (
	"runtime"
	"sync"
	"weak"

	"gomaptop/tests/service"
)

func init() {
	service.Add("cleanup", "handed over to a cleanup, back through a channel", cleanup)
	service.Add("weak", "a cache of weak pointers under a lock to maps that nobody changes", weakCache)
}

type cleanBox struct {
	name string
	next *cleanBox
}

func cleanup(t *service.Task) {
	back := make(chan map[string]int, 64)
	t.Every(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		d.Between(0, 500)
		m[d.Key()]++ // nothing after AddCleanup is before the cleanup
		b := &cleanBox{name: d.Key()}
		runtime.AddCleanup(b, func(m map[string]int) {
			m[service.NewDice().Key()]++
			select {
			case back <- m:
			default:
			}
		}, m)
		runtime.KeepAlive(b)
	})
	t.Every(func(d *service.Dice) {
		d.Between(5000, 30000)
		runtime.GC()
	})
	go func() {
		d := service.NewDice()
		for m := range back {
			m[d.Key()]++
		}
	}()
}

func weakCache(t *service.Task) {
	type entry struct {
		m    map[string]int
		next *entry
	}
	var mu sync.Mutex
	cache := map[int]weak.Pointer[entry]{}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			key := d.N(10)
			mu.Lock()
			e := cache[key].Value()
			mu.Unlock()
			if e == nil {
				e = &entry{m: map[string]int{d.Key(): 1}}
				d.Between(50, 500)
				e.m[d.Key()]++
				mu.Lock()
				cache[key] = weak.Make(e)
				mu.Unlock()
			}
			_ = e.m[d.Key()]
			d.Wait()
			_ = e.m[d.Key()]
		})
	}
	t.Every(func(d *service.Dice) {
		d.Between(5000, 30000)
		runtime.GC()
	})
}
