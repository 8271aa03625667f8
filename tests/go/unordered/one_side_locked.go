// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("one_side_locked", "who writes takes the lock, who reads does not", oneSideLocked)
}

func oneSideLocked(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	t.Requests(func(d *service.Dice) {
		apart(d, 0, 2)
		mu.Lock()
		m[d.Key()]++ // RACE: w
		mu.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		apart(d, 1, 2)
		_ = m[d.Key()] // RACE: r
	})
}
