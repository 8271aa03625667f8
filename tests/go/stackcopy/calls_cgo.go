// SPDX-License-Identifier: MIT

//go:build cgo

package main

/*
#include <pthread.h>

extern void goCallback(long rest);

// Keeps the frame, and something in it and in every register that survives a call.
static long __attribute__((noinline)) deeper(long rest, long times)
{
	volatile long room[9] = {rest, times, 3, 4, 5, 6, 7, 8, 9};

	if (times > 0)
		return deeper(rest + room[3], times - 1) + room[1];
	goCallback(rest - 4 * 5);
	return room[2];
}

void through_c(long rest)
{
	deeper(rest, 5);
}

static void *thread(void *rest)
{
	deeper((long)rest, 5);
	return 0;
}

void through_thread(long rest)
{
	pthread_t id;

	if (pthread_create(&id, 0, thread, (void *)rest) == 0)
		pthread_join(id, 0);
}
*/
import "C"

func throughC(rest int)      { C.through_c(C.long(rest)) }
func throughThread(rest int) { C.through_thread(C.long(rest)) }
