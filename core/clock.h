/* SPDX-License-Identifier: MIT */
/*
 * clock: the clock of all events and of all accounts.
 */
#ifndef GOMAPTOP_CORE_CLOCK_H
#define GOMAPTOP_CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in nanoseconds. Any thread. */
static inline uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
