// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("once_then_written", "set up by Once, later written by a handler", onceThenWritten)
}

func onceThenWritten(t *service.Task) {
	var once sync.Once
	var m map[string]int
	load := func(d *service.Dice) map[string]int {
		once.Do(func() {
			m = map[string]int{}
			for i := 0; i < 20; i++ {
				m[d.Key()] = i
			}
		})
		return m
	}
	t.Requests(func(d *service.Dice) {
		own := load(d)
		apart(d, 0, 2)
		_ = own[d.Key()] // RACE: r
	})
	t.Every(func(d *service.Dice) {
		own := load(d)
		d.Between(10000, 30000)
		apart(d, 1, 2)
		own[d.Key()]++ // RACE: w
	})
}
