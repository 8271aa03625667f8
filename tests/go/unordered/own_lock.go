// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("own_lock", "each call makes the lock that it takes", ownLock)
}

func ownLock(t *service.Task) {
	m := map[string]int{}
	put := func(key string) {
		mu := new(sync.Mutex)
		mu.Lock()
		defer mu.Unlock()
		m[key]++ // RACE: w
	}
	for i := 0; i < 2; i++ {
		side := i
		t.Every(func(d *service.Dice) {
			apart(d, side, 2)
			put(d.Key())
		})
	}
}
