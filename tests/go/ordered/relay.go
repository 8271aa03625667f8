// SPDX-License-Identifier: MIT

package main

import "gomaptop/tests/service"

func init() {
	service.Add("chan_relay", "one map goes round among many goroutines, and is in use at any time",
		chanRelay)
}

// At any moment one of them is in the midst of its turn, with one access after another: whoever
// misses what they told each other meanwhile takes the turns before and after it for a race.
func chanRelay(t *service.Task) {
	const runners, accesses = 16, 20
	m := map[string]int{}
	first := make(chan struct{})
	in := first
	for i := 0; i < runners; i++ {
		out := make(chan struct{})
		if i == runners-1 {
			out = first
		}
		go func(in <-chan struct{}, out chan<- struct{}) {
			d := service.NewDice()
			for range in {
				for k := 0; k < accesses; k++ {
					m[d.Key()]++
					d.Between(100, 400)
				}
				t.Turn()
				out <- struct{}{}
			}
		}(in, out)
		in = out
	}
	first <- struct{}{}
}
