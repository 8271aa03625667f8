// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("json_unlocked", "encoded as JSON without the lock that its writers take", jsonUnlocked)
}

func jsonUnlocked(t *service.Task) {
	type state struct {
		Name string
		Rows map[string]int
	}
	var mu sync.Mutex
	s := &state{"s", map[string]int{}}
	for _, key := range service.Keys[:8] { // all, so that no row comes while it is encoded
		s.Rows[key] = 0
	}
	t.Requests(func(d *service.Dice) {
		apart(d, 0, 2)
		mu.Lock()
		s.Rows[service.Keys[d.N(8)]]++ // RACE: w
		mu.Unlock()
	})
	t.Every(func(d *service.Dice) {
		apart(d, 1, 2)
		_, _ = json.Marshal(s) // RACE: i
		d.Between(5000, 20000)
	})
}
