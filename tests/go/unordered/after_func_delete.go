// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"

	"gomaptop/tests/service"
)

func init() {
	add("after_func_delete", "a timer's function deletes without the lock", afterFuncDelete)
}

func afterFuncDelete(t *service.Task) {
	var mu sync.Mutex
	m := map[int]int{}
	t.Every(func(d *service.Dice) {
		d.Between(10000, 40000)
		id := d.N(100000)
		apart(d, 0, 2)
		mu.Lock()
		m[id] = 1 // RACE: w
		mu.Unlock()
		time.AfterFunc(10*time.Millisecond, func() {
			apart(service.NewDice(), 1, 2)
			delete(m, id) // RACE: d
		})
	})
	t.Requests(func(d *service.Dice) {
		apart(d, 0, 2)
		mu.Lock()
		_ = m[d.N(100000)] // RACE: r
		mu.Unlock()
	})
}
