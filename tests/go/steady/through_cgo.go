// SPDX-License-Identifier: MIT

//go:build cgo

package main

/*
extern void steadyBack(long slot);

static void through(long slot)
{
	steadyBack(slot);
}
*/
import "C"

func init() {
	inC = func(f func()) {
		slot := keep(f)
		C.through(C.long(slot))
	}
}
