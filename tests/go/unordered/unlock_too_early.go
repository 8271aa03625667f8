// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("unlock_too_early", "unlocked before the last write", unlockTooEarly)
}

func unlockTooEarly(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		apart(d, 0, 2)
		mu.Lock()
		m[d.Key()]++
		full := len(m) > 3
		mu.Unlock()
		if full {
			delete(m, d.Key()) // RACE: d
		}
	})
	t.Requests(func(d *service.Dice) {
		apart(d, 1, 2)
		mu.Lock()
		_ = m[d.Key()] // RACE: r
		mu.Unlock()
	})
}
