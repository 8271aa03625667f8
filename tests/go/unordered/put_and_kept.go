// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("put_and_kept", "put back into a pool and still used", putAndKept)
}

func putAndKept(t *service.Task) {
	pool := sync.Pool{New: func() interface{} { return map[string]int{} }}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			m := pool.Get().(map[string]int)
			apart(d, 0, 2)
			m[d.Key()]++ // RACE: w
			pool.Put(m)
			d.Wait()
			apart(d, 1, 2)
			_ = m[d.Key()] // RACE: r
		})
	}
}
