/* SPDX-License-Identifier: MIT */
/*
 * program_state: a program made at random, and vector clocks that never forget.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_STATE_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/judge/order_judge.h"

#define PID          7U
#define CAPACITY     3 /* of the largest channel */
#define CHANNELS     8 /* at most */
#define SELECT_CASES 3

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

static inline uint64_t address(enum deed kind, unsigned int i)
{
	return 0x100000 * (1 + kind) + 64 * i;
}

#endif
