/* SPDX-License-Identifier: MIT */
/*
 * event_spill: where events that must not be lost wait while the ring of an event_queue is full.
 *
 * Of coverage and of ticks only the newest waits, in room that is there from the start: both are
 * absolute, so that the last one says all that the ones before it said. Everything else waits in
 * the order in which it came, in memory of its own and up to a bound, of which conflicts get half:
 * when a consumer stands still for good, the end of a process finds room all the same.
 *
 * One producer and one consumer thread. A lock is taken only while something waits.
 */
#ifndef GOMAPTOP_CORE_EVENT_SPILL_H
#define GOMAPTOP_CORE_EVENT_SPILL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/event/event.h"

#define EVENT_SPILL_BYTES ((size_t)8 << 20)

struct event_spill;

int event_spill_create(struct event_spill **out);    /* 0 or -ENOMEM */
void event_spill_destroy(struct event_spill *spill); /* accepts NULL; both threads have ended */

/* Producer. Keep a copy. False: the bound is reached, or there is no memory; nothing was kept. */
bool event_spill_put(struct event_spill *spill, const struct event_header *event);

/* Either thread. Whether nothing waits. */
bool event_spill_empty(const struct event_spill *spill);

/* Consumer. The oldest event, taken out; valid until the next call. NULL: nothing waits. */
const struct event_header *event_spill_take(struct event_spill *spill);

#endif
