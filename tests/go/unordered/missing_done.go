// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("missing_done", "three goroutines fill a map, the group waits for two", missingDone)
}

func missingDone(t *service.Task) {
	t.Requests(func(d *service.Dice) {
		var group sync.WaitGroup
		var mu sync.Mutex
		m := map[string]int{}
		group.Add(2)
		for i := 0; i < 2; i++ {
			go func() {
				own := service.NewDice()
				own.Between(100, 500)
				mu.Lock()
				m[own.Key()]++
				mu.Unlock()
				group.Done()
			}()
		}
		go func() { // the slow one
			own := service.NewDice()
			own.Between(8000, 20000)
			apart(own, 0, 2)
			mu.Lock()
			m[own.Key()]++ // RACE: w
			mu.Unlock()
		}()
		group.Wait()
		for i := 0; i < 4; i++ {
			apart(d, 1, 2)
			_ = m[d.Key()] // RACE: r
			d.Wait()
		}
	})
}
