// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("checked_before_lock", "looked up without the lock, which is taken only to write", checkedBeforeLock)
}

func checkedBeforeLock(t *service.Task) {
	var mu sync.Mutex
	m := map[int]string{}
	t.Requests(func(d *service.Dice) {
		id := d.N(200)
		apart(d, 0, 2)
		_, ok := m[id] // RACE: r
		if ok && d.N(2) == 0 {
			return
		}
		apart(d, 1, 2)
		mu.Lock()
		if ok {
			delete(m, id) // RACE: d
		} else {
			m[id] = d.Key() // RACE: w
		}
		mu.Unlock()
	})
}
