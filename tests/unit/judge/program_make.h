/* SPDX-License-Identifier: MIT */
/*
 * program_make: what a program consists of, made and freed.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_MAKE_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_MAKE_H

#include "tests/unit/judge/program_life.h"

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

#endif
