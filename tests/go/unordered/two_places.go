// SPDX-License-Identifier: MIT

package main

import "gomaptop/tests/service"

func init() {
	add("two_places", "a channel is used as mutex, but it has two places", twoPlaces)
}

func twoPlaces(t *service.Task) {
	lock := make(chan struct{}, 2)
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		lock <- struct{}{}
		apart(d, 0, 2)
		m[d.Key()]++ // RACE: w
		<-lock
	})
	t.Every(func(d *service.Dice) {
		lock <- struct{}{}
		apart(d, 1, 2)
		_ = m[d.Key()] // RACE: r
		<-lock
	})
}
