/* SPDX-License-Identifier: MIT */
/*
 * program_step: what a goroutine does next.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_STEP_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_STEP_H

#include "tests/unit/judge/program_channel.h"
#include "tests/unit/judge/program_life.h"
#include "tests/unit/judge/program_lock.h"
#include "tests/unit/judge/program_memory.h"

/* No goroutine waits while it holds a lock, so that none waits for ever. */
static inline void deed_choose_locked(struct goroutine *x)
{
	bool waits = x->deed == DO_LOCK || x->deed == DO_RLOCK || x->deed == DO_WLOCK ||
	             x->deed == DO_SEND || x->deed == DO_RECEIVE || x->deed == DO_SELECT ||
	             x->deed == DO_AWAIT_CLOSE;

	if (x->deed != DO_ACCESS && dice(2)) {
		x->deed = x->locks >= 0 ? DO_UNLOCK : x->rlock >= 0 ? DO_RUNLOCK : DO_WUNLOCK;
		x->object = (unsigned int)(x->locks >= 0   ? x->locks
		                           : x->rlock >= 0 ? x->rlock
		                                           : x->wlock);
	} else if (waits) {
		x->deed = DO_ACCESS;
	}
}

static inline void deed_choose(struct program *p, struct goroutine *x)
{
	static const enum deed deeds[] = {
	        DO_ACCESS, DO_ACCESS,  DO_ACCESS,  DO_ACCESS, DO_ACCESS, DO_ACCESS,
	        DO_LOCK,   DO_LOCK,    DO_LOCK,    DO_LOCK,   DO_RLOCK,  DO_RLOCK,
	        DO_WLOCK,  DO_SEND,    DO_RECEIVE, DO_SELECT, DO_CLOSE,  DO_AWAIT_CLOSE,
	        DO_BOTH,   DO_RELEASE, DO_ACQUIRE, DO_STORE,  DO_LOAD,   DO_WRITE,
	        DO_READ,   DO_TIMER,   DO_SPAWN,   DO_SPAWN,  DO_EXIT};

	x->deed = deeds[dice(sizeof(deeds) / sizeof(deeds[0]))];
	x->phase = x->ticket = 0;
	x->object = dice(p->size.objects);
	if (x->deed >= DO_SEND && x->deed <= DO_AWAIT_CLOSE)
		x->object %= CHANNELS; /* few, so that those who wait for each other meet */
	x->late = dice(100) < p->size.late;
	x->other = dice(2);
	if (x->locks >= 0 || x->rlock >= 0 || x->wlock >= 0)
		deed_choose_locked(x);
}

static inline void step(struct program *p, struct goroutine *x)
{
	static void (*const steps[DEEDS])(struct program *, struct goroutine *) = {
	        [DO_ACCESS] = step_access,   [DO_LOCK] = step_lock,
	        [DO_UNLOCK] = step_unlock,   [DO_RLOCK] = step_rlock,
	        [DO_RUNLOCK] = step_runlock, [DO_WLOCK] = step_wlock,
	        [DO_WUNLOCK] = step_wunlock, [DO_SEND] = step_send,
	        [DO_RECEIVE] = step_receive, [DO_SELECT] = step_select,
	        [DO_CLOSE] = step_close,     [DO_AWAIT_CLOSE] = step_await_close,
	        [DO_RELEASE] = step_release, [DO_ACQUIRE] = step_acquire,
	        [DO_BOTH] = step_both,       [DO_STORE] = step_store,
	        [DO_LOAD] = step_load,       [DO_WRITE] = step_write,
	        [DO_READ] = step_read,       [DO_TIMER] = step_timer,
	        [DO_SPAWN] = step_spawn,     [DO_EXIT] = step_exit,
	        [DO_WAKE] = step_wake,
	};

	if (x->deed == DO_NOTHING)
		deed_choose(p, x);
	steps[x->deed](p, x);
}

#endif
