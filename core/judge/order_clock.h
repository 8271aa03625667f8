/* SPDX-License-Identifier: MIT */
/*
 * order_clock: a vector clock: for each slot, how far its goroutine has been seen to go.
 *
 * Dense: one number a slot, so that joining two needs no search and no memory. A slot's numbers
 * count on when another goroutine gets it. So what clocks say of the former one never covers what
 * the new one does, and no clock has to be looked through.
 */
#ifndef GOMAPTOP_CORE_ORDER_CLOCK_H
#define GOMAPTOP_CORE_ORDER_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_BLOCK 64  /* slots that are joined at a time */
#ifndef ORDER_SLOTS     /* tests make it small */
#define ORDER_SLOTS 512 /* goroutines that have a clock at a time */
#endif

/* Signed, because that is what all machines compare several of in one instruction. 2 KB. */
struct order_clock {
	int32_t at[ORDER_SLOTS];
};

/* Whatever from has seen, to has seen now. Only slots below slots count. Has that changed it? */
bool order_clock_join(struct order_clock *to, const struct order_clock *from, size_t slots);

/* By what the number of each slot last grew: one of enum order_way. */
struct order_ways {
	uint8_t by[ORDER_SLOTS];
};

/* The same, and ways says way of each number that has grown. */
bool order_clock_learn(struct order_clock *to, const struct order_clock *from, size_t slots,
                       struct order_ways *ways, uint8_t way);

#endif
