/* SPDX-License-Identifier: MIT */
/*
 * program_tell: how a goroutine tells what it does, waits, and wakes those that wait.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_TELL_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_TELL_H

#include "tests/unit/judge/program_state.h"

static inline void tell_all(struct program *p, struct order_event event, uint64_t detail)
{
	event.time_ns = ++p->time;
	event.tgid = PID;
	if (p->told)
		order_judge_feed(p->judge, &event, detail);
}

static inline void tell(struct program *p, const struct goroutine *x, enum order_act act,
                        uint64_t object, bool late)
{
	tell_all(
	        p,
	        (struct order_event){.g = x ? x->g : 0, .object = object, .act = act, .late = late},
	        0);
}

/* Waiting: by spinning, or parked until somebody wakes it, and then it tries again. */
static inline void wait_for(struct goroutine *x, uint64_t object)
{
	x->parked = dice(3) != 0;
	x->parked_on = object;
}

static inline bool parked_at(const struct goroutine *x, uint64_t object)
{
	return x->who >= 0 && x->parked && (!object || x->parked_on == object);
}

/* Its deed is done; before the next it wakes one that waits for the object, if one does. */
static inline void done(struct program *p, struct goroutine *x, uint64_t object)
{
	unsigned int first = dice(p->size.goroutines);

	x->deed = DO_NOTHING;
	x->phase = 0;
	for (unsigned int i = 0; object && i < p->size.goroutines; i++) {
		unsigned int k = (first + i) % p->size.goroutines;

		if (!parked_at(&p->goroutines[k], object))
			continue;
		x->deed = DO_WAKE;
		x->other = k;
		return;
	}
}

/* Of the inside of an operation that waits: a semaphore, an atomic. */
static inline void noise(struct program *p, const struct goroutine *x)
{
	if (dice(8) == 0)
		tell(p, x, ORDER_ACT_ACQUIRE, address(DEEDS, x->object), false);
	else if (dice(20) == 0)
		tell(p, x, ORDER_ACT_PUBLISH, 0, dice(2));
	else if (dice(8) == 0)
		tell(p, x, ORDER_ACT_NOTHING, 0, false);
}

/* A release that is one event: told before it is done, or late. True: it is to be done now. */
static inline bool release_step(struct program *p, struct goroutine *x, enum order_act act,
                                uint64_t object)
{
	bool tells = x->late == (x->phase == 1);

	if (tells)
		tell(p, x, act, object, x->late);
	else if (x->late && dice(3) == 0)
		x->stalls = dice(40);
	x->phase++;
	return !tells;
}

#endif
