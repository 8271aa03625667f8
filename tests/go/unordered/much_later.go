// SPDX-License-Identifier: MIT

package main

import (
	"time"

	"gomaptop/tests/service"
)

func init() {
	add("much_later", "written, and read much later with nothing between", muchLater)
}

func muchLater(t *service.Task) {
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		for {
			time.Sleep(20 * time.Millisecond)
			apart(d, 0, 8)
			m[d.Key()]++ // RACE: w
		}
	}()
	go func() {
		d := service.NewDice()
		for {
			apart(d, 4, 8) // half a period later: 19 ms and more
			_ = m[d.Key()] // RACE: r
			t.Turn()
			time.Sleep(20 * time.Millisecond)
		}
	}()
}
