// SPDX-License-Identifier: MIT

//go:build cgo

package main

import "C"

// What each goroutine that is inside of C was about to do; C must not keep Go pointers.
var inC [6]func()

//export goAgain
func goAgain(slot C.long) { inC[slot]() }

// Each side has slots of its own.
func slotOf(w *walk, of int) int {
	if w.side == "b" {
		of += len(inC) / 2
	}
	return of
}

//go:noinline
func throughCallback(m table, w *walk) {
	slot := slotOf(w, 0)
	inC[slot] = func() { m[here(w)] = 21 }
	callC(slot)
}

//go:noinline
func throughCallbackTwice(m table, w *walk) {
	inner, outer := slotOf(w, 1), slotOf(w, 2)
	inC[inner] = func() { m[here(w)] = 22 }
	inC[outer] = func() { callC(inner) }
	callC(outer)
}

func init() {
	cgoPaths = []*path{
		{name: "callback", op: "write", run: throughCallback},
		{name: "callback-twice", op: "write", run: throughCallbackTwice},
	}
}
