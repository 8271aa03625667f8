// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("two_mutexes", "each side has a lock, but not the same", twoMutexes)
}

func twoMutexes(t *service.Task) {
	var a, b sync.Mutex
	m := map[string]int{}
	t.Requests(func(d *service.Dice) {
		apart(d, 0, 2)
		a.Lock()
		m[d.Key()]++ // RACE: w
		a.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		apart(d, 1, 2)
		b.Lock()
		_ = m[d.Key()] // RACE: r
		b.Unlock()
	})
}
