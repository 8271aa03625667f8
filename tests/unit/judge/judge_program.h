/* SPDX-License-Identifier: MIT */
/*
 * judge_program: programs made at random, run step by step in a random order, and what really
 * orders their accesses.
 *
 * Each goroutine does one thing after another: in steps of its own, so that others come between
 * doing and telling. What is done goes into vector clocks that never forget, after the memory model
 * of Go; what is told goes to the judge, late or in time. A finding is checked against what was
 * done. Atomic loads, reads of descriptors and ends of waiting are told by nothing, as in life.
 */
#ifndef GOMAPTOP_TESTS_UNIT_JUDGE_PROGRAM_H
#define GOMAPTOP_TESTS_UNIT_JUDGE_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/event/event.h"
#include "core/judge/order_judge.h"

#define PID      7U
#define CAPACITY 3 /* of the largest channel */
#define CHANNELS 8 /* at most */

/* How large a program is, and how often what happens. */
struct program_size {
	unsigned int goroutines; /* at a time */
	unsigned int ever;       /* in all */
	unsigned int objects;    /* of each kind */
	unsigned int maps;
	unsigned int steps;
	unsigned int late;   /* percent of the releases that are told late */
	unsigned int window; /* steps until a new window begins; 0: one window, from the start */
	bool locked;         /* each map is only used under its own lock */
};

struct clock {
	int *at;
};

struct lock {
	struct clock dropped, read; /* read: dropped by readers */
	int holder;                 /* -1: none */
	int readers;
	bool inner; /* RWMutex: the mutex of writers is taken */
	bool writer_waits;
};

struct channel {
	struct clock sent[CAPACITY + 1], received[CAPACITY + 1], closed;
	unsigned int capacity, sends, receives; /* how many so far */
	bool is_closed;
};

struct access_done {
	int who, clock;
	int *seen; /* by who it was made, then */
};

enum deed {
	DO_NOTHING,
	DO_ACCESS,
	DO_LOCK,
	DO_UNLOCK,
	DO_RLOCK,
	DO_RUNLOCK,
	DO_WLOCK,
	DO_WUNLOCK,
	DO_SEND,
	DO_RECEIVE,
	DO_SELECT,
	DO_CLOSE,
	DO_AWAIT_CLOSE,
	DO_RELEASE,
	DO_ACQUIRE,
	DO_BOTH,
	DO_STORE,
	DO_LOAD,
	DO_WRITE,
	DO_READ,
	DO_TIMER,
	DO_SPAWN,
	DO_EXIT,
	DO_WAKE,
	DEEDS
};

struct goroutine {
	int who; /* number among all ever; -1: nobody */
	uint64_t g;
	enum deed deed;
	unsigned int phase, object, other, ticket;
	unsigned int stalls; /* it has lost the CPU for so many of its turns */
	bool late, parked;
	uint64_t parked_on;
	int locks, rlock, wlock; /* held: number of a lock, -1: none */
};

struct program {
	struct program_size size;
	struct order_judge *judge;
	struct goroutine *goroutines;
	struct clock *clocks; /* of goroutines, by number */
	struct clock *begun;  /* the same when their sends and receives began */
	struct lock *mutexes, *rwmutexes;
	struct channel *channels;
	struct clock *others, *atomics, *pipes, timer;
	struct access_done *accesses;
	size_t access_count;
	int ever;
	bool told; /* a window is open */
	uint64_t time;
	/* results */
	uint64_t found, wrong;
	struct order_finding wrong_one;
};

/* ---- chance and clocks ----------------------------------------------------------------------- */

static inline unsigned int dice(unsigned int sides)
{
	return (unsigned int)random() % sides;
}

static inline struct clock clock_new(const struct program *p)
{
	return (struct clock){calloc(p->size.ever, sizeof(int))};
}

static inline void clock_join(const struct program *p, struct clock to, struct clock from)
{
	for (unsigned int i = 0; i < p->size.ever; i++)
		if (to.at[i] < from.at[i])
			to.at[i] = from.at[i];
}

static inline void clock_set(const struct program *p, struct clock to, struct clock from)
{
	memcpy(to.at, from.at, p->size.ever * sizeof(int));
}

static inline struct clock clock_of(const struct program *p, const struct goroutine *x)
{
	return p->clocks[x->who];
}

/* ---- telling ----------------------------------------------------------------------------------
 * */

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

static inline uint64_t address(enum deed kind, unsigned int i)
{
	return 0x100000 * (1 + kind) + 64 * i;
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

/* ---- locks -------------------------------------------------------------------------------------
 * */

static inline void step_lock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->mutexes[x->object];
	uint64_t object = address(DO_LOCK, x->object);
	bool free = lock->holder < 0;

	if (x->phase == 1) {
		tell(p, x, ORDER_ACT_TAKE, object, false);
		done(p, x, 0);
		return;
	}
	if (free) {
		lock->holder = x->who;
		x->locks = (int)x->object;
		clock_join(p, clock_of(p, x), lock->dropped);
		if (x->phase == 0)
			x->phase = 1;
		else
			done(p, x, 0);
		return;
	}
	if (x->phase == 0)
		tell(p, x, ORDER_ACT_TAKE_LATER, object, false);
	else
		noise(p, x);
	x->phase = 2;
	wait_for(x, object);
}

static inline void step_unlock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->mutexes[x->object];
	uint64_t object = address(DO_LOCK, x->object);

	if (release_step(p, x, ORDER_ACT_DROP, object)) {
		clock_join(p, lock->dropped, clock_of(p, x));
		lock->holder = -1;
		x->locks = -1;
	}
	if (x->phase == 2)
		done(p, x, object);
}

static inline void step_rlock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->rwmutexes[x->object];
	uint64_t object = address(DO_RLOCK, x->object);

	if (x->phase == 1) {
		tell(p, x, ORDER_ACT_TAKE_SHARED, object, false);
		done(p, x, 0);
		return;
	}
	if (lock->holder < 0 && !lock->writer_waits) {
		lock->readers++;
		x->rlock = (int)x->object;
		clock_join(p, clock_of(p, x), lock->dropped);
		if (x->phase == 0)
			x->phase = 1;
		else
			done(p, x, 0);
		return;
	}
	if (x->phase == 0)
		tell(p, x, ORDER_ACT_TAKE_SHARED, object, true);
	else
		noise(p, x);
	x->phase = 2;
	wait_for(x, object);
}

static inline void step_runlock(struct program *p, struct goroutine *x)
{
	struct lock *lock = &p->rwmutexes[x->object];
	uint64_t object = address(DO_RLOCK, x->object);

	if (release_step(p, x, ORDER_ACT_DROP_SHARED, object)) {
		clock_join(p, lock->read, clock_of(p, x));
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
			noise(p, x);
			wait_for(x, object);
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
			noise(p, x);
			wait_for(x, object);
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
		if (release_step(p, x, ORDER_ACT_DROP, object)) {
			clock_join(p, lock->dropped, clock_of(p, x));
			lock->holder = -1;
			x->wlock = -1;
		}
		x->late = late;
		return;
	}
	x->phase -= 2;
	if (release_step(p, x, ORDER_ACT_DROP, object)) {
		clock_join(p, lock->dropped, clock_of(p, x));
		lock->inner = false;
	}
	x->phase += 2;
	if (x->phase == 4)
		done(p, x, object);
}

/* ---- channels ----------------------------------------------------------------------------------
 * */

/* Whoever is woken in a channel is done: it carries to others only what it had seen when it began.
 * */
static inline void channel_begin(struct program *p, struct goroutine *x)
{
	clock_set(p, p->begun[x->who], clock_of(p, x));
	x->phase = 1;
}

/* The send, if it can be made. Its completion is after the receive that made room; of an unbuffered
 * one after the receive of what it sent, for which step_send() waits. */
static inline bool channel_send(struct program *p, struct goroutine *x, struct channel *c)
{
	unsigned int slots = c->capacity ? c->capacity : 1;

	if (c->sends - c->receives >= slots)
		return false;
	if (c->capacity && c->sends >= slots)
		clock_join(p, clock_of(p, x), c->received[(c->sends - slots) % slots]);
	clock_set(p, c->sent[c->sends % slots], p->begun[x->who]);
	x->ticket = ++c->sends;
	return true;
}

static inline bool channel_receive(struct program *p, struct goroutine *x, struct channel *c)
{
	unsigned int slots = c->capacity ? c->capacity : 1;

	if (c->receives == c->sends)
		return false;
	clock_set(p, c->received[c->receives % slots], p->begun[x->who]);
	clock_join(p, clock_of(p, x), c->sent[c->receives % slots]);
	c->receives++;
	return true;
}

static inline void step_send(struct program *p, struct goroutine *x)
{
	struct channel *c = &p->channels[x->object];
	uint64_t object = address(DO_SEND, x->object);

	switch (x->phase) {
	case 0:
		tell(p, x, ORDER_ACT_SEND, object, false);
		channel_begin(p, x);
		return;
	case 1:
		if (!channel_send(p, x, c)) {
			wait_for(x, object);
			return;
		}
		if (c->capacity)
			done(p, x, object);
		else
			x->phase = 2;
		return;
	default:
		if (c->receives >= x->ticket) {
			if (c->receives == x->ticket)
				clock_join(p, clock_of(p, x), c->received[0]);
			done(p, x, object);
		}
	}
}

static inline void step_receive(struct program *p, struct goroutine *x)
{
	struct channel *c = &p->channels[x->object];
	uint64_t object = address(DO_SEND, x->object);

	if (x->phase == 0) {
		tell(p, x, ORDER_ACT_RECEIVE, object, false);
		channel_begin(p, x);
		return;
	}
	if (channel_receive(p, x, c))
		done(p, x, object);
	else
		wait_for(x, object);
}

static inline void step_select(struct program *p, struct goroutine *x)
{
	struct channel *c = &p->channels[dice(p->size.objects) % CHANNELS];

	if (x->phase == 0) {
		tell(p, x, ORDER_ACT_SELECT_MANY, 0, false);
		channel_begin(p, x);
		return;
	}
	if (!c->capacity)
		return;
	if (dice(2) ? channel_send(p, x, c) : channel_receive(p, x, c))
		done(p, x, address(DO_SEND, (unsigned int)(c - p->channels)));
}

static inline void step_close(struct program *p, struct goroutine *x)
{
	struct channel *c = &p->channels[x->object];
	uint64_t object = address(DO_CLOSE, x->object);

	if (x->phase == 0 && c->is_closed) {
		done(p, x, 0);
	} else if (x->phase == 0) {
		tell(p, x, ORDER_ACT_CLOSE, object, false);
		x->phase = 1;
	} else {
		clock_join(p, c->closed, clock_of(p, x));
		c->is_closed = true;
		done(p, x, object);
	}
}

static inline void step_await_close(struct program *p, struct goroutine *x)
{
	struct channel *c = &p->channels[x->object];
	uint64_t object = address(DO_CLOSE, x->object);

	if (x->phase == 0) {
		tell(p, x, ORDER_ACT_RECEIVE, object, false);
		x->phase = 1;
	} else if (c->is_closed) {
		clock_join(p, clock_of(p, x), c->closed);
		if (dice(4) == 0) { /* another one at the address */
			c->is_closed = false;
			memset(c->closed.at, 0, p->size.ever * sizeof(int));
		}
		done(p, x, 0);
	} else if (dice(20) == 0) {
		done(p, x, 0); /* a select with a default */
	} else {
		wait_for(x, object);
	}
}

/* ---- all else
 * ------------------------------------------------------------------------------------ */

static inline void step_release(struct program *p, struct goroutine *x, enum order_act act,
                                uint64_t object, struct clock into)
{
	if (release_step(p, x, act, object)) {
		if (act == ORDER_ACT_BOTH) {
			clock_join(p, into, clock_of(p, x));
			clock_join(p, clock_of(p, x), into);
		} else {
			clock_join(p, into, clock_of(p, x));
		}
	}
	if (x->phase == 2)
		done(p, x, 0);
}

static inline void step_acquire(struct program *p, struct goroutine *x)
{
	if (x->phase++ == 0) {
		tell(p, x, ORDER_ACT_ACQUIRE, address(DO_RELEASE, x->object), false);
		return;
	}
	clock_join(p, clock_of(p, x), p->others[x->object]);
	done(p, x, 0);
}

static inline bool lock_open(const struct program *p, const struct goroutine *x, unsigned int map)
{
	return !p->size.locked || x->locks == (int)(map % p->size.objects);
}

static inline void step_access(struct program *p, struct goroutine *x)
{
	struct access_done *access = &p->accesses[p->access_count];
	unsigned int map = x->object % p->size.maps;

	if (x->phase == 0 && p->access_count < p->size.steps && lock_open(p, x, map)) {
		access->who = x->who;
		access->clock = ++clock_of(p, x).at[x->who];
		access->seen = malloc(p->size.ever * sizeof(int));
		memcpy(access->seen, clock_of(p, x).at, p->size.ever * sizeof(int));
		tell_all(p,
		         (struct order_event){.g = x->g,
		                              .object = 0x77000 + map,
		                              .place = 1 + dice(3),
		                              .act = ORDER_ACT_ACCESS,
		                              .op = dice(3) ? OP_READ : OP_WRITE},
		         p->access_count++);
	}
	done(p, x, 0);
}

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
static inline void step_timer(struct program *p, struct goroutine *x)
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

static inline void step_timer_receive(struct program *p, struct goroutine *x)
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

/* ---- a goroutine's next step ----------------------------------------------------------------- */

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
	/* No goroutine waits while it holds a lock, so that none waits for ever. */
	if (x->deed != DO_ACCESS && (x->locks >= 0 || x->rlock >= 0 || x->wlock >= 0) && dice(2)) {
		x->deed = x->locks >= 0 ? DO_UNLOCK : x->rlock >= 0 ? DO_RUNLOCK : DO_WUNLOCK;
		x->object = (unsigned int)(x->locks >= 0   ? x->locks
		                           : x->rlock >= 0 ? x->rlock
		                                           : x->wlock);
		return;
	}
	if (x->locks >= 0 || x->rlock >= 0 || x->wlock >= 0) {
		bool waits = x->deed == DO_LOCK || x->deed == DO_RLOCK || x->deed == DO_WLOCK ||
		             x->deed == DO_SEND || x->deed == DO_RECEIVE || x->deed == DO_SELECT ||
		             x->deed == DO_AWAIT_CLOSE;

		if (waits)
			x->deed = DO_ACCESS;
	}
}

static inline void step(struct program *p, struct goroutine *x)
{
	if (x->deed == DO_NOTHING)
		deed_choose(p, x);
	switch (x->deed) {
	case DO_ACCESS:
		step_access(p, x);
		break;
	case DO_LOCK:
		step_lock(p, x);
		break;
	case DO_UNLOCK:
		step_unlock(p, x);
		break;
	case DO_RLOCK:
		step_rlock(p, x);
		break;
	case DO_RUNLOCK:
		step_runlock(p, x);
		break;
	case DO_WLOCK:
		step_wlock(p, x);
		break;
	case DO_WUNLOCK:
		step_wunlock(p, x);
		break;
	case DO_SEND:
		step_send(p, x);
		break;
	case DO_RECEIVE:
		step_receive(p, x);
		break;
	case DO_SELECT:
		step_select(p, x);
		break;
	case DO_CLOSE:
		step_close(p, x);
		break;
	case DO_AWAIT_CLOSE:
		step_await_close(p, x);
		break;
	case DO_RELEASE:
	case DO_BOTH:
		step_release(p, x, x->deed == DO_BOTH ? ORDER_ACT_BOTH : ORDER_ACT_RELEASE,
		             address(DO_RELEASE, x->object), p->others[x->object]);
		break;
	case DO_ACQUIRE:
		step_acquire(p, x);
		break;
	case DO_STORE:
		step_release(p, x, ORDER_ACT_PUBLISH, 0, p->atomics[x->object]);
		break;
	case DO_LOAD:
		clock_join(p, clock_of(p, x), p->atomics[x->object]);
		done(p, x, 0);
		break;
	case DO_WRITE:
		step_release(p, x, ORDER_ACT_WRITE, 2 * x->object, p->pipes[x->object]);
		break;
	case DO_READ:
		clock_join(p, clock_of(p, x), p->pipes[x->object]);
		done(p, x, 0);
		break;
	case DO_TIMER:
		if (x->other)
			step_timer(p, x);
		else
			step_timer_receive(p, x);
		break;
	case DO_SPAWN:
		step_spawn(p, x);
		break;
	case DO_EXIT:
		step_exit(p, x);
		break;
	case DO_WAKE:
		step_wake(p, x);
		break;
	default:
		done(p, x, 0);
	}
}

/* ---- a whole program ------------------------------------------------------------------------- */

static inline void program_found(void *ctx, const struct order_finding *finding)
{
	struct program *p = ctx;
	const struct access_done *first = &p->accesses[finding->first.detail];
	const struct access_done *second = &p->accesses[finding->second.detail];

	p->found++;
	if (second->seen[first->who] < first->clock && first->who != second->who)
		return;
	if (!p->wrong++)
		p->wrong_one = *finding;
}

/* Even descriptors are pipes; the others lead to the network. */
static inline bool program_goes_out(void *ctx, uint32_t tgid, uint64_t descriptor)
{
	(void)ctx;
	(void)tgid;
	return descriptor % 2;
}

static inline bool program_is_parked(void *ctx, uint32_t tgid, uint64_t g)
{
	const struct program *p = ctx;

	(void)tgid;
	for (unsigned int i = 0; i < p->size.goroutines; i++)
		if (p->goroutines[i].g == g)
			return p->goroutines[i].who < 0 || p->goroutines[i].parked;
	return false;
}

static inline struct clock *clocks_new(const struct program *p, unsigned int count)
{
	struct clock *clocks = calloc(count, sizeof(*clocks));

	for (unsigned int i = 0; i < count; i++)
		clocks[i] = clock_new(p);
	return clocks;
}

static inline struct lock *locks_new(const struct program *p)
{
	struct lock *locks = calloc(p->size.objects, sizeof(*locks));

	for (unsigned int i = 0; i < p->size.objects; i++)
		locks[i] = (struct lock){clock_new(p), clock_new(p), -1, 0, false, false};
	return locks;
}

static inline void program_init(struct program *p, const struct program_size *size,
                                struct order_judge *judge)
{
	*p = (struct program){.size = *size, .judge = judge, .told = !size->window};
	p->goroutines = calloc(size->goroutines, sizeof(*p->goroutines));
	p->clocks = clocks_new(p, size->ever);
	p->begun = clocks_new(p, size->ever);
	p->mutexes = locks_new(p);
	p->rwmutexes = locks_new(p);
	p->channels = calloc(size->objects, sizeof(*p->channels));
	p->others = clocks_new(p, size->objects);
	p->atomics = clocks_new(p, size->objects);
	p->pipes = clocks_new(p, size->objects);
	p->timer = clock_new(p);
	p->accesses = calloc(size->steps + 1, sizeof(*p->accesses));
	for (unsigned int i = 0; i < size->objects; i++) {
		struct channel *c = &p->channels[i];

		c->capacity = i % (CAPACITY + 1);
		c->closed = clock_new(p);
		for (unsigned int k = 0; k < CAPACITY + 1; k++) {
			c->sent[k] = clock_new(p);
			c->received[k] = clock_new(p);
		}
	}
	for (unsigned int i = 0; i < size->goroutines; i++) {
		p->goroutines[i].g = 0xc0000000 + 0x200 * i;
		p->goroutines[i].who = -1;
	}
	for (unsigned int i = 0; i < (size->goroutines + 1) / 2; i++)
		goroutine_make(p, p->timer.at);
}

static inline void clocks_free(struct clock *clocks, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(clocks[i].at);
	free(clocks);
}

static inline void locks_free(struct lock *locks, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		free(locks[i].dropped.at);
		free(locks[i].read.at);
	}
	free(locks);
}

static inline void program_free(struct program *p)
{
	clocks_free(p->clocks, p->size.ever);
	clocks_free(p->begun, p->size.ever);
	locks_free(p->mutexes, p->size.objects);
	locks_free(p->rwmutexes, p->size.objects);
	for (unsigned int i = 0; i < p->size.objects; i++) {
		free(p->channels[i].closed.at);
		for (unsigned int k = 0; k < CAPACITY + 1; k++) {
			free(p->channels[i].sent[k].at);
			free(p->channels[i].received[k].at);
		}
	}
	free(p->channels);
	clocks_free(p->others, p->size.objects);
	clocks_free(p->atomics, p->size.objects);
	clocks_free(p->pipes, p->size.objects);
	free(p->timer.at);
	for (size_t i = 0; i < p->access_count; i++)
		free(p->accesses[i].seen);
	free(p->accesses);
	free(p->goroutines);
}

/* The end of one window and the beginning of the next: nothing is told between. */
static inline void program_window(struct program *p)
{
	if (p->told && dice(p->size.window) == 0) {
		p->told = false;
		order_judge_reset(p->judge);
	} else if (!p->told && dice(p->size.window / 4 + 1) == 0) {
		p->told = true;
	}
}

static inline void program_run(struct program *p)
{
	for (unsigned int i = 0; i < p->size.steps; i++) {
		struct goroutine *x = &p->goroutines[dice(p->size.goroutines)];

		if (p->size.window)
			program_window(p);
		if (dice(64) == 0)
			order_judge_look(p->judge, program_is_parked, p);
		if (dice(64) == 0)
			order_judge_settle(p->judge);
		if (x->who < 0)
			continue;
		if (x->stalls) {
			x->stalls--;
		} else if (!x->parked) {
			step(p, x);
		} else if (dice(50) == 0) { /* from outside, or because one was forgotten */
			tell(p, NULL, ORDER_ACT_WAKE, x->g, false);
			x->parked = false;
		}
	}
}

/* ---- many programs -----------------------------------------------------------------------------
 * */

static inline void side_print(const char *name, const struct order_side *side)
{
	printf("  %s: g 0x%llx at %llu, place %llu, op %u, access %llu\n", name,
	       (unsigned long long)side->g, (unsigned long long)side->time_ns,
	       (unsigned long long)side->place, side->op, (unsigned long long)side->detail);
}

/* What is 0 each program has a number of its own of. */
static inline struct program_size size_vary(struct program_size size)
{
	if (!size.goroutines)
		size.goroutines = 2 + dice(9);
	if (!size.ever)
		size.ever = size.goroutines + dice(80);
	if (!size.objects)
		size.objects = 1 + dice(4);
	if (!size.maps)
		size.maps = 1 + dice(3);
	if (!size.steps)
		size.steps = 500 + dice(4000);
	return size;
}

/* One program, on a judge that may have judged others. */
static inline void program_judge(struct program *p, const struct program_size *size,
                                 struct order_judge *judge)
{
	struct program_size own = size_vary(*size);

	program_init(p, &own, judge);
	program_run(p);
	order_judge_reset(judge);
	order_judge_forget(judge, PID);
	program_free(p);
}

static inline void counts_check(const struct order_counts *counts, uint64_t found)
{
	printf("%llu pairs: %llu under a lock, %llu ordered, %llu unknown, %llu unordered\n",
	       (unsigned long long)counts->pairs, (unsigned long long)counts->under_lock,
	       (unsigned long long)counts->ordered, (unsigned long long)counts->unknown,
	       (unsigned long long)counts->unordered);
	assert_int_equal(counts->unordered, found);
	assert_int_equal(counts->pairs, counts->under_lock + counts->ordered + counts->unknown +
	                                        counts->unordered);
}

/* How many findings there were in that many programs. */
static inline uint64_t program_run_all(const struct program_size *size, unsigned int programs)
{
	struct program p;
	struct order_judge_config config = {
	        .found = program_found, .goes_out = program_goes_out, .ctx = &p};
	struct order_judge *judge;
	struct order_counts counts;
	uint64_t found = 0;

	assert_int_equal(order_judge_create(&config, &judge), 0);
	for (unsigned int seed = 1; seed <= programs; seed++) {
		srandom(seed);
		program_judge(&p, size, judge);
		if (p.wrong) {
			printf("seed %u: %llu of %llu findings are wrong\n", seed,
			       (unsigned long long)p.wrong, (unsigned long long)p.found);
			side_print("first", &p.wrong_one.first);
			side_print("second", &p.wrong_one.second);
		}
		assert_int_equal(p.wrong, 0);
		found += p.found;
	}
	counts = order_judge_counts(judge);
	counts_check(&counts, found);
	order_judge_destroy(judge);
	return found;
}

#endif
