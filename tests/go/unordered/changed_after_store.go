// SPDX-License-Identifier: MIT

package main

import (
	"sync/atomic"

	"gomaptop/tests/service"
)

func init() {
	add("changed_after_store", "published through an atomic pointer, then changed", changedAfterStore)
}

func changedAfterStore(t *service.Task) {
	var now atomic.Pointer[map[string]int]
	now.Store(&map[string]int{})
	t.Every(func(d *service.Dice) {
		next := map[string]int{d.Key(): 1}
		now.Store(&next)
		d.Between(10000, 20000)
		apart(d, 0, 2)
		next[d.Key()] = 2 // RACE: w
		d.Between(10000, 20000)
	})
	t.Requests(func(d *service.Dice) {
		apart(d, 1, 2)
		_ = (*now.Load())[d.Key()] // RACE: r
	})
}
