// SPDX-License-Identifier: MIT

package main

import (
	"time"

	"gomaptop/tests/service"
)

func init() {
	add("timeout_reads", "who gives up waiting reads what the others still write", timeoutReads)
}

func timeoutReads(t *service.Task) {
	t.Requests(func(d *service.Dice) {
		partial, done := map[string]int{}, make(chan struct{})
		go func() {
			defer close(done)
			own := service.NewDice()
			for i := 0; i < 3; i++ {
				apart(own, 0, 2)
				partial[own.Key()]++ // RACE: w
				own.Wait()
			}
		}()
		select {
		case <-done:
			return
		case <-time.After(5 * time.Millisecond):
		}
		apart(d, 1, 2)
		for range partial { // RACE: i
			continue
		}
	})
}
