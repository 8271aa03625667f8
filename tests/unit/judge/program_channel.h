/* SPDX-License-Identifier: MIT */
/*
 * program_channel: sends, receives, selects and closes.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_CHANNEL_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_CHANNEL_H

#include "tests/unit/judge/program_tell.h"

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

static inline void step_select_many(struct program *p, struct goroutine *x)
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

/* A select of which each case is told: the first one sends, the others receive. Others may be at
 * work between; then any of the cases is chosen that can go on. */
static inline void step_select_cases(struct program *p, struct goroutine *x)
{
	unsigned int i = x->phase < SELECT_CASES ? x->phase : dice(SELECT_CASES);
	unsigned int k = (x->object + i) % p->size.objects % CHANNELS;
	struct channel *c = &p->channels[k];
	uint64_t object = address(DO_SEND, k);

	if (x->phase < SELECT_CASES) {
		tell_all(p,
		         (struct order_event){.g = x->g,
		                              .object = object,
		                              .act = i ? ORDER_ACT_RECEIVE : ORDER_ACT_SEND,
		                              .op = i ? ORDER_FURTHER_CASE : 0},
		         0);
		if (x->phase == 0)
			clock_set(p, p->begun[x->who], clock_of(p, x));
		x->phase++;
	} else if (c->capacity && (i ? channel_receive(p, x, c) : channel_send(p, x, c))) {
		done(p, x, object);
	}
}

static inline void step_select(struct program *p, struct goroutine *x)
{
	if (x->other)
		step_select_many(p, x);
	else
		step_select_cases(p, x);
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

#endif
