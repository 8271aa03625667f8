// SPDX-License-Identifier: MIT

package main

import "gomaptop/tests/service"

func init() {
	add("closed_too_early", "the channel is closed before the last write", closedTooEarly)
}

func closedTooEarly(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m, done := map[string]int{}, make(chan struct{})
		for i := 0; i < 2; i++ {
			go func() {
				own := service.NewDice()
				<-done
				for i := 0; i < 2; i++ {
					own.Wait()
					apart(own, 1, 2)
					_ = m[own.Key()] // RACE: r
				}
			}()
		}
		m[d.Key()] = 1
		close(done)
		d.Wait()
		apart(d, 0, 2)
		m[d.Key()] = 2 // RACE: w
	})
}
