// SPDX-License-Identifier: MIT

package main

import "gomaptop/tests/service"

func init() {
	add("outlives_handler", "a handler goes on writing what a goroutine that it started reads", outlivesHandler)
}

func outlivesHandler(t *service.Task) {
	t.Requests(func(d *service.Dice) {
		fields := map[string]int{d.Key(): 1}
		go func() {
			own := service.NewDice()
			own.Wait()
			apart(own, 1, 2)
			for range fields { // RACE: i
				continue
			}
		}()
		d.Wait()
		apart(d, 0, 2)
		fields[d.Key()]++ // RACE: w
	})
}
