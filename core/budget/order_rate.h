/* SPDX-License-Identifier: MIT */
/*
 * order_rate: which order sites may stay probed between windows.
 *
 * Of the thousands of places in a server where goroutines are ordered most are hardly ever come by.
 * To put a probe in and take it out costs more than it costs to leave it there.
 *
 * Pure; one thread.
 */
#ifndef GOMAPTOP_CORE_ORDER_RATE_H
#define GOMAPTOP_CORE_ORDER_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One site. All zero: nothing is known of it, it comes and goes. */
struct order_rate {
	uint64_t hits; /* as last noted */
	double per_s;
	bool known;
	bool chosen; /* is to stay */
	bool cold;   /* stays: set by the caller */
};

/* It was hit so often in all, and its probe was in place for so long since the last time. A rate
 * rises at once and falls by half the difference. Less than 10 ms tells nothing. */
void order_rate_note(struct order_rate *rate, uint64_t hits, double seconds);

/* Sets `chosen`: of those that are hit least often, as many as have hits_per_s together. One of
 * which nothing is known comes and goes. Puts the list into another order. Returns how many are to
 * stay that are not cold yet. */
size_t order_rates_sort(struct order_rate **list, size_t count, double hits_per_s);

#endif
