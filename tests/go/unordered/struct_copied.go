// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("struct_copied", "a structure is copied under the lock, the map in it is not", structCopied)
}

type order struct {
	id    int
	items map[string]int
}

func structCopied(t *service.Task) {
	var mu sync.Mutex
	now := order{items: map[string]int{}}
	t.Requests(func(d *service.Dice) {
		apart(d, 0, 2)
		mu.Lock()
		now.id++
		now.items[service.Keys[d.N(8)]]++ // RACE: w
		mu.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		mu.Lock()
		own := now
		mu.Unlock()
		d.Wait()
		apart(d, 1, 2)
		own.id = 0
		for range own.items { // RACE: i
			continue
		}
	})
}
