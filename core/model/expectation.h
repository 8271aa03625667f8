/* SPDX-License-Identifier: MIT */
/*
 * expectation: how many overlaps the holds of a map should have shown by now if nothing kept its
 * goroutines apart.
 *
 * Each hold counts with the rate at which others came at that time: holds and the control windows
 * beside them are taken together until these add up to EXPECTATION_CONTROL_NS, their overlaps are
 * added, and that stretch is closed. What is learned later of other times changes nothing of it, so
 * the sum never goes down. Plain data, any thread that owns it.
 */
#ifndef GOMAPTOP_CORE_EXPECTATION_H
#define GOMAPTOP_CORE_EXPECTATION_H

#include <stdint.h>

/* Watched so long in control windows, a rate is known. */
#define EXPECTATION_CONTROL_NS 5000000
/* Held time counts up to so many times the watched time: one arrival, which may be chance, never
 * makes up more overlaps than this. */
#define EXPECTATION_HELD_MOST 2

/* The stretch that is not closed yet. Index as in struct map_counts. */
struct expectation {
	int64_t hold_ns[2], control_ns[2];
	uint64_t arrivals[2];
};

/* Add what is new of one class (0: reads were held or watched, 1: changes); control_ns may be
 * negative, as a hold cuts short a window that was counted whole. Returns the overlaps to be
 * expected that are new: zero or more. */
double expectation_add(struct expectation *expectation, int class, uint64_t hold_ns,
                       int64_t control_ns, uint64_t arrivals);
/* Two maps become one row: overlaps that are new by it. */
double expectation_merge(struct expectation *into, const struct expectation *from);

#endif
