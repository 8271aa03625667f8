/* SPDX-License-Identifier: MIT */
/*
 * promise: what holding an object (a map, a call site) is worth, compared with others.
 *
 * Held time is scarce, and most of what could be held is guarded. So it goes where overlaps are to
 * be expected soonest: in proportion to the rate at which others come, and the less the more
 * overlaps an unguarded object would have shown by now. Of an object that was hardly watched so far
 * an average rate is assumed, which what is seen of it outweighs by and by. These guesses choose,
 * and nothing else: what is told to anybody is counted without them.
 */
#ifndef GOMAPTOP_BPF_PROMISE_H
#define GOMAPTOP_BPF_PROMISE_H

#include "bpf/kern/kernel_types.h"
#include "core/budget/hold_value.h"

#define PATIENCE_ONE  16 /* the unit of patience */
#define PATIENCE_MOST (64 * PATIENCE_ONE)

/* What was seen of an object in control windows, and how long it was held. prior: how many times
 * the assumption weighs. */
struct trial {
	__u64 hold_ns, arrivals, control_ns;
	__u64 prior;
};

/* Overlaps in a second of holding. */
static __always_inline __u64 trial_rate(const struct trial *t)
{
	return hold_value(t->arrivals, t->control_ns, t->prior);
}

/* Overlaps that all holds so far should have shown, in thousandths. */
static __always_inline __u64 trial_expected(const struct trial *t)
{
	return hold_expected(t->hold_ns, t->arrivals + t->prior * HOLD_PRIOR_ARRIVALS,
	                     t->control_ns + t->prior * HOLD_PRIOR_NS);
}

/* How much longer than others to wait between two holds, in units of PATIENCE_ONE: 1 / rate, times
 * (1 + expected)^2. An exponential would be right if the rates were; those who come are fewer while
 * a CPU is busy with holding. */
static __always_inline __u64 patience(__u64 rate, __u64 expected)
{
	__u64 doubt = 1000 + (expected < 10000 ? expected : 10000);
	__u64 units =
	        PATIENCE_ONE * HOLD_RATE_AVERAGE / (rate ? rate : 1) * doubt / 1000 * doubt / 1000;

	if (units < PATIENCE_ONE / 4)
		return PATIENCE_ONE / 4;
	return units < PATIENCE_MOST ? units : PATIENCE_MOST;
}

#endif
