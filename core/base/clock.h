/* SPDX-License-Identifier: MIT */
/*
 * clock: the clock of all events and of all accounts. Any thread.
 */
#ifndef GOMAPTOP_CORE_CLOCK_H
#define GOMAPTOP_CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of a clock: CLOCK_REALTIME, ... */
static inline uint64_t clock_read(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* CLOCK_MONOTONIC in nanoseconds: every time in an event is of this clock. */
static inline uint64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

#endif
