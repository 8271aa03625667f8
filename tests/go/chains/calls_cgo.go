// SPDX-License-Identifier: MIT

//go:build cgo

package main

/*
extern void goAgain(long slot);

// Keeps a frame, and values in registers that survive a call: no frame pointer leads through.
static long __attribute__((noinline)) deeper(long slot, long times)
{
	volatile long room[9] = {slot, times, 3, 4, 5, 6, 7, 8, 9};

	if (times > 0)
		return deeper(slot + room[3], times - 1) + room[1];
	goAgain(slot - 4 * 5);
	return room[2];
}

static void call_c(long slot)
{
	deeper(slot, 5);
}
*/
import "C"

//go:noinline
func callC(slot int) { C.call_c(C.long(slot)) }
