// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("results_filled", "the goroutines of a request fill one map; it is read after Wait", resultsFilled)
}

func resultsFilled(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var group sync.WaitGroup
		results := map[string]int{}
		for i := 0; i < 3; i++ {
			group.Add(1)
			go func(side int) {
				defer group.Done()
				own := service.NewDice()
				apart(own, side, 3)
				results[service.Keys[side]] = side // RACE: w
			}(i)
		}
		group.Wait()
		_ = results[d.Key()]
	})
}
