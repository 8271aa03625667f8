// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("rlock_write", "two goroutines write while they hold the read lock", rlockWrite)
}

func rlockWrite(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		apart(d, 0, 2)
		mu.RLock()
		m[d.Key()] = 1 // RACE: w
		mu.RUnlock()
	})
	t.Every(func(d *service.Dice) {
		apart(d, 1, 2)
		mu.RLock()
		delete(m, d.Key()) // RACE: d
		mu.RUnlock()
	})
}
