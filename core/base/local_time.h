/* SPDX-License-Identifier: MIT */
/*
 * local_time: times for people: local, always with their zone.
 *
 * The zone is the offset from UTC ("+01:00"), "Z" where that is zero. Any thread.
 */
#ifndef GOMAPTOP_CORE_LOCAL_TIME_H
#define GOMAPTOP_CORE_LOCAL_TIME_H

#include <stdint.h>

#define LOCAL_TIME_MAX 48

/* Nanoseconds of CLOCK_REALTIME in; both return out. */

/* "2026-11-30 21:16:17.123456+01:00" */
const char *local_time_format(uint64_t realtime_ns, char out[LOCAL_TIME_MAX]);
/* "21:16:17.123456+01:00" */
const char *local_clock_format(uint64_t realtime_ns, char out[LOCAL_TIME_MAX]);

#endif
