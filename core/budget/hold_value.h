/* SPDX-License-Identifier: MIT */
/*
 * hold_value: what holds of an object (a map, a call site, a group of maps) should have shown, and
 * what further ones promise.
 *
 * Control windows open as holds do but hold nothing; the conflicting operations that arrive in them
 * say how many overlaps a hold is to find if nothing guards the map. By that the detector chooses
 * what to hold and user space which call sites to probe: one formula, compiled on both sides, so in
 * integers. Verdicts are given by core/model/expectation.h. Pure.
 */
#ifndef GOMAPTOP_CORE_HOLD_VALUE_H
#define GOMAPTOP_CORE_HOLD_VALUE_H

#include <linux/types.h>

/* Assumed of an object that was hardly watched so far: one arrival in 5 ms, 200 a second. */
#define HOLD_PRIOR_ARRIVALS 1
#define HOLD_PRIOR_NS       5000000ULL
#define HOLD_RATE_AVERAGE   (HOLD_PRIOR_ARRIVALS * 1000000000ULL / HOLD_PRIOR_NS)

#define HOLD_KNOWN_CONFLICTS 64 /* overlaps that are enough to know */
#define HOLD_TRIED           32 /* holds after which next to no overlap tells something, */
#define HOLD_ENOUGH_EXPECTED 8  /* if more overlaps than this were expected */
#define HOLD_UNCONTESTED     6  /* times less is promised where nothing was changed while shared */

#define HOLD_PURE static inline __attribute__((always_inline))

/* Overlaps that hold_ns of holding should have shown, in thousandths, when in control_ns of control
 * windows there were so many arrivals; 0: nothing is known. Good to a part in a thousand
 * where windows came to 1 s, or to 1 ms and holds to less than 4 s; up to 11 days of holds and ten
 * million arrivals. */
HOLD_PURE __u64 hold_expected(__u64 hold_ns, __u64 arrivals, __u64 control_ns)
{
	__u64 unit = control_ns / 1000;

	if (hold_ns >> 32) { /* the product would not fit */
		hold_ns /= 1000;
		unit /= 1000;
	}
	return unit ? hold_ns * arrivals / unit : 0;
}

/* Overlaps that a second of holding promises. prior: times that the assumption weighs. */
HOLD_PURE __u64 hold_value(__u64 arrivals, __u64 control_ns, __u64 prior)
{
	return (arrivals + prior * HOLD_PRIOR_ARRIVALS) * 1000000000ULL /
	       (control_ns + prior * HOLD_PRIOR_NS);
}

/* Has something kept the goroutines apart? expected: in thousandths. met: overlaps that there were.
 * A few holds in a row can all fall into a time in which the other goroutine was not scheduled. */
HOLD_PURE int hold_is_guarded(__u64 holds, __u64 met, __u64 expected)
{
	return holds > HOLD_TRIED && expected > 1000 * HOLD_ENOUGH_EXPECTED &&
	       met * 8000 < expected;
}

#endif
