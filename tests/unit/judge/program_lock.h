/* SPDX-License-Identifier: MIT */
/*
 * program_lock: mutexes and RWMutexes that are taken and dropped.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_LOCK_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_LOCK_H

#include "tests/unit/judge/program_tell.h"

static inline void wait_step(struct program *p, struct goroutine *x, uint64_t object)
{
	noise(p, x);
	wait_for(x, object);
}

/* Takes the lock, or tells that it waits for it and tries again. take() takes it if it is free. A
 * reader tells both by the same act, with late set where it waits. */
static inline void take_step(struct program *p, struct goroutine *x, uint64_t object,
                             bool (*take)(struct program *p, struct goroutine *x),
                             enum order_act at_once, enum order_act later)
{
	if (x->phase == 1) {
		tell(p, x, at_once, object, false);
		done(p, x, 0);
	} else if (take(p, x)) {
		if (x->phase == 0)
			x->phase = 1;
		else
			done(p, x, 0);
	} else if (x->phase == 0) {
		tell(p, x, later, object, later == at_once);
		x->phase = 2;
		wait_for(x, object);
	} else {
		wait_step(p, x, object);
	}
}

static inline bool mutex_take(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->mutexes[x->object];

	if (lock->holder >= 0)
		return false;
	lock->holder = x->who;
	x->locks = (int)x->object;
	clock_join(p, clock_of(p, x), lock->dropped);
	return true;
}

static inline void step_lock(struct program *p, struct goroutine *x)
{
	take_step(p, x, address(DO_LOCK, x->object), mutex_take, ORDER_ACT_TAKE,
	          ORDER_ACT_TAKE_LATER);
}

static inline bool reader_take(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->rwmutexes[x->object];

	if (lock->holder >= 0 || lock->writer_waits)
		return false;
	lock->readers++;
	x->rlock = (int)x->object;
	clock_join(p, clock_of(p, x), lock->dropped);
	return true;
}

static inline void step_rlock(struct program *p, struct goroutine *x)
{
	take_step(p, x, address(DO_RLOCK, x->object), reader_take, ORDER_ACT_TAKE_SHARED,
	          ORDER_ACT_TAKE_SHARED);
}

/* True: the lock is to be dropped now, and what was done under it is in the clock `dropped`. */
static inline bool drop_step(struct program *p, struct goroutine *x, enum order_act act,
                             uint64_t object, struct clock dropped)
{
	bool now = release_step(p, x, act, object);

	if (now)
		clock_join(p, dropped, clock_of(p, x));
	return now;
}

static inline void step_unlock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->mutexes[x->object];
	uint64_t object = address(DO_LOCK, x->object);

	if (drop_step(p, x, ORDER_ACT_DROP, object, lock->dropped)) {
		lock->holder = -1;
		x->locks = -1;
	}
	if (x->phase == 2)
		done(p, x, object);
}

static inline void step_runlock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->rwmutexes[x->object];
	uint64_t object = address(DO_RLOCK, x->object);

	if (drop_step(p, x, ORDER_ACT_DROP_SHARED, object, lock->read)) {
		lock->readers--;
		x->rlock = -1;
	}
	if (x->phase == 2)
		done(p, x, lock->readers ? 0 : object);
}

/* Told at its entry; then it takes the mutex of writers, at the same address, and waits for
 * readers. */
static inline void step_wlock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->rwmutexes[x->object];
	uint64_t object = address(DO_RLOCK, x->object);

	switch (x->phase) {
	case 0:
		tell(p, x, ORDER_ACT_TAKE_LATER, object, false);
		x->phase = 1;
		return;
	case 1:
		if (lock->inner) {
			if (!x->ticket++)
				tell(p, x, ORDER_ACT_TAKE_LATER, object, false);
			wait_step(p, x, object);
			return;
		}
		lock->inner = true;
		clock_join(p, clock_of(p, x), lock->dropped);
		x->phase = x->ticket ? 3 : 2;
		return;
	case 2:
		tell(p, x, ORDER_ACT_TAKE, object, false);
		x->phase = 3;
		return;
	default:
		lock->writer_waits = true;
		if (lock->readers) {
			wait_step(p, x, object);
			return;
		}
		lock->holder = x->who;
		lock->writer_waits = false;
		x->wlock = (int)x->object;
		clock_join(p, clock_of(p, x), lock->dropped);
		clock_join(p, clock_of(p, x), lock->read);
		done(p, x, 0);
	}
}

static inline void step_wunlock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->rwmutexes[x->object];
	uint64_t object = address(DO_RLOCK, x->object);

	if (x->phase < 2) {
		bool late = x->late;

		x->late = false; /* it is a function: told at its entry */
		if (drop_step(p, x, ORDER_ACT_DROP, object, lock->dropped)) {
			lock->holder = -1;
			x->wlock = -1;
		}
		x->late = late;
		return;
	}
	x->phase -= 2;
	if (drop_step(p, x, ORDER_ACT_DROP, object, lock->dropped))
		lock->inner = false;
	x->phase += 2;
	if (x->phase == 4)
		done(p, x, object);
}

#endif
