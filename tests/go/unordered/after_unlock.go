// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("after_unlock", "taken under the lock, gone through after it", afterUnlock)
}

type registry struct {
	mu   sync.RWMutex
	rows map[int]string
}

func (r *registry) all() map[int]string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.rows
}

func (r *registry) put(id int, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[id] = name // RACE: w
}

func afterUnlock(t *service.Task) {
	r := &registry{rows: map[int]string{}}
	t.Requests(func(d *service.Dice) {
		apart(d, 0, 2)
		r.put(d.N(12), d.Key())
	})
	t.Requests(func(d *service.Dice) {
		rows := r.all()
		apart(d, 1, 2)
		for range rows { // RACE: i
			continue
		}
	})
}
