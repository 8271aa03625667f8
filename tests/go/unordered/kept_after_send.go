// SPDX-License-Identifier: MIT

package main

import "gomaptop/tests/service"

func init() {
	add("kept_after_send", "handed over by a channel, but the sender goes on with it", keptAfterSend)
}

func keptAfterSend(t *service.Task) {
	c := make(chan map[string]int)
	t.Every(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		c <- m
		d.Wait()
		apart(d, 0, 2)
		m[d.Key()]++ // RACE: w
	})
	go func() {
		d := service.NewDice()
		for m := range c {
			for i := 0; i < 3; i++ {
				apart(d, 1, 2)
				_ = m[d.Key()] // RACE: r
				d.Wait()
			}
		}
	}()
}
