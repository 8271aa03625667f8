/* SPDX-License-Identifier: MIT */
/*
 * op_rate: operations per second, now, and what that figure rests on.
 *
 * Operations are seen while the probes are in the map functions. Where that is all the time, the
 * rate of the last interval is exact. Where it is in armed windows only, a rate is operations seen
 * in them over the time for which they were open, summed over the last few seconds: a mean of
 * single quotients would swing with every short window. Operations that probes saw at other times
 * (at single calls, while probes go in and out, among those that see how goroutines are ordered)
 * count for nothing here, or each change of the probes would look like one of the load.
 * Plain data, any thread that owns it.
 */
#ifndef GOMAPTOP_CORE_OP_RATE_H
#define GOMAPTOP_CORE_OP_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* From this part of the time on the probes count as in place for all of it: rounding in the two
 * clocks, and the time it takes to put probes in place, are no window. */
#define ARMED_WHOLE 0.99

/* The interval that ends: how long it was, in how much of it operations counted for rates, and
 * whether the probes were in place in all of it. */
struct tick_span {
	double seconds, sampled;
	bool whole;
};

struct op_rate {
	uint64_t outside; /* since the last tick: operations that count for nothing here */
	double ops,
	        sampled; /* the last few seconds: operations that count, and in how long a time */
};

/* The rate at the end of an interval, in which `ops` operations were seen, rate->outside included;
 * sets that to 0. */
double op_rate_tick(struct op_rate *rate, uint64_t ops, const struct tick_span *span);
/* Two rows become one: `into` is the sum. */
void op_rate_merge(struct op_rate *into, const struct op_rate *from);
/* What it counts is over: from here on the rate is 0 until operations are seen again. */
void op_rate_end(struct op_rate *rate);

#endif
