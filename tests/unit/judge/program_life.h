/* SPDX-License-Identifier: MIT */
/*
 * program_life: goroutines that are made, by others or by timers, are woken, and end.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_LIFE_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_LIFE_H

#include "tests/unit/judge/program_tell.h"

static inline struct goroutine *goroutine_make(struct program *p, const int *seen)
{
	struct goroutine *made = NULL;

	for (unsigned int i = 0; i < p->size.goroutines && !made; i++)
		if (p->goroutines[i].who == -1)
			made = &p->goroutines[i];
	if (!made || p->ever == (int)p->size.ever)
		return NULL;
	*made = (struct goroutine){
	        .who = p->ever, .g = made->g, .locks = -1, .rlock = -1, .wlock = -1};
	memcpy(p->clocks[p->ever++].at, seen, p->size.ever * sizeof(int));
	return made;
}

/* Timers of time.AfterFunc: a goroutine that nobody makes. Those with a channel: who waits is woken
 * by nobody. */
static inline void timer_start(struct program *p, struct goroutine *x)
{
	struct goroutine *made;

	switch (x->phase++) {
	case 0:
		tell(p, x, ORDER_ACT_TIMER, address(DO_TIMER, 0), false);
		return;
	case 1:
		clock_join(p, p->timer, clock_of(p, x));
		return;
	default:
		made = dice(2) ? goroutine_make(p, p->timer.at) : NULL;
		if (made)
			tell(p, NULL, ORDER_ACT_CHILD, made->g, false);
		done(p, x, 0);
	}
}

static inline void timer_receive(struct program *p, struct goroutine *x)
{
	if (x->phase++ == 0) {
		tell(p, x, ORDER_ACT_RECEIVE, address(DO_TIMER, 1), false);
		return;
	}
	if (dice(2))
		tell(p, NULL, ORDER_ACT_WAKE, x->g, false);
	clock_join(p, clock_of(p, x), p->timer);
	done(p, x, 0);
}

static inline void step_timer(struct program *p, struct goroutine *x)
{
	if (x->other)
		timer_start(p, x);
	else
		timer_receive(p, x);
}

static inline void step_spawn(struct program *p, struct goroutine *x)
{
	struct goroutine *made;

	if (x->phase++ == 0) {
		tell(p, x, ORDER_ACT_SPAWN, 0, false);
		return;
	}
	made = goroutine_make(p, clock_of(p, x).at);
	if (made)
		tell(p, x, ORDER_ACT_CHILD, made->g, false);
	done(p, x, 0);
}

static inline void step_exit(struct program *p, struct goroutine *x)
{
	if (x->locks < 0 && x->rlock < 0 && x->wlock < 0 && dice(4) == 0) {
		if (dice(4)) /* else its g gets another one without a word */
			tell(p, dice(2) ? x : NULL, ORDER_ACT_EXIT, x->g, false);
		x->who = -1;
		x->parked = false;
	}
	done(p, x, 0);
}

static inline void step_wake(struct program *p, struct goroutine *x)
{
	struct goroutine *woken = &p->goroutines[x->other];

	if (woken->who >= 0 && woken->parked) {
		tell(p, x, ORDER_ACT_WAKE, woken->g, false);
		clock_join(p, clock_of(p, woken), clock_of(p, x));
		woken->parked = false;
	}
	done(p, x, 0);
}

#endif
