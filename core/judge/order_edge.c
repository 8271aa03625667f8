/* SPDX-License-Identifier: MIT */
/*
 * Releases and acquisitions.
 *
 * A late release may have been acquired before it was told: by somebody who acquired from the same
 * place since the releasing goroutine's previous event. Whoever has let go of nothing since then
 * is told it now, and the books are as if all had come in order. Where somebody has, or nobody
 * knows who it was, the release counts as published.
 */
#include "core/judge/order_judge_internal.h"

/* Which half, as a number. */
static uint64_t half_number(const struct order_object *object, enum order_half half)
{
	return 2 * object->number + half;
}

enum order_way edge_way(uint32_t tag, uint8_t told)
{
	switch (tag) {
	case ORDER_LOCK:
		return ORDER_BY_LOCK;
	case ORDER_CHANNEL:
		return ORDER_BY_CHANNEL;
	case ORDER_TIMERS:
		return ORDER_BY_TIMER;
	case ORDER_OTHER:
		return told < ORDER_WAY_COUNT ? told : ORDER_BY_OTHER;
	default:
		return ORDER_BY_OTHER;
	}
}

static void clock_grow(struct order_judge *judge, struct order_goroutine *goroutine,
                       const struct order_clock *from, enum order_way way)
{
	if (!order_clock_learn(&goroutine->clock, from, judge->slots_used, &goroutine->ways,
	                       (uint8_t)way))
		return;
	goroutine->version++;
	goroutine->news = true;
}

/* What it did until now has been released; what it does from now on has not. */
static void release_end(struct order_judge *judge, struct order_goroutine *from, uint64_t into)
{
	int32_t own = from->clock.at[from->slot]++;

	/* All else that it has seen was released by others. */
	judge->released.at[from->slot] = own;
	from->released = into;
	from->news = false;
	if (own > ORDER_OWN_END)
		judge->spent = true;
}

/* ---- late releases ------------------------------------------------------------------- */

/* One acquired, when its own clock was own, what should have been there already. False: others may
 * have it from there since. */
static bool late_catch_up(struct order_judge *judge, struct order_goroutine *to, int32_t own,
                          const struct order_goroutine *from, enum order_way way)
{
	if (!to || goroutine_own(to) != own)
		return false;
	clock_grow(judge, to, &from->clock, way);
	return true;
}

static void late_release(struct order_judge *judge, const struct order_goroutine *from,
                         const struct order_half_clock *half, enum order_way way)
{
	bool all = half->got_before <= from->previous;

	for (size_t i = 0; i < ORDER_GOT && half->got[i].when > from->previous; i++) {
		const struct order_got *got = &half->got[i];

		if (got->serial == from->serial)
			continue;
		all &= late_catch_up(judge, goroutine_at(judge, got->slot, got->serial), got->own,
		                     from, way);
	}
	if (!all)
		edge_publish_clock(judge, &from->clock);
}

/* The same for those who acquired all that was released, then. */
static void late_release_all(struct order_judge *judge, const struct order_goroutine *from)
{
	bool all = judge->acquired_all_lost <= from->previous;

	if (judge->acquired_all <= from->previous)
		return;
	for (size_t i = 0; i < judge->slots_used; i++) {
		struct order_goroutine *to = &judge->goroutines[i];

		if (to != from && to->acquired_all > from->previous)
			all &= late_catch_up(judge, to, to->acquired_all_own, from, ORDER_BY_OTHER);
	}
	if (!all)
		edge_publish_clock(judge, &from->clock);
}

/* ---- releases ------------------------------------------------------------------------ */

/* Joining is the dear part: where a goroutine has taken and drops a lock that nobody else wanted,
 * each of the two has seen all of the other, but for what was done between. */
static void half_grow(struct order_judge *judge, struct order_object *object, enum order_half which,
                      const struct order_goroutine *from)
{
	struct order_half_clock *half = &object->halves[which];
	bool known = !half->clock || half->known_serial == from->serial;
	bool same = known && half->clock && half->known_version == from->version;
	struct order_clock *clock = object_clock(judge, object, which);

	if (same) {
		clock->at[from->slot] = goroutine_own(from);
	} else if (known) {
		*clock = from->clock;
		half->known_serial = from->serial;
		half->known_version = from->version;
	} else {
		order_clock_join(clock, &from->clock, judge->slots_used);
		half->known_serial = 0;
	}
}

void edge_release(struct order_judge *judge, struct order_goroutine *from,
                  struct order_object *object, enum order_half which, bool late)
{
	struct order_half_clock *half = &object->halves[which];
	uint64_t into = half_number(object, which);

	/* Where it says the same a second time there is nothing that anybody could have missed. */
	if (late && (from->news || from->released != into))
		late_release(judge, from, half, edge_way(object->key.c, ORDER_BY_OTHER));
	if (late && from->news)
		late_release_all(judge, from);
	half_grow(judge, object, which, from);
	release_end(judge, from, into);
}

void edge_direct(struct order_judge *judge, struct order_goroutine *from,
                 struct order_goroutine *to, enum order_way way)
{
	clock_grow(judge, to, &from->clock, way);
	release_end(judge, from, 0);
}

void edge_release_all(struct order_judge *judge, struct order_goroutine *from, bool late)
{
	if (late && from->news)
		late_release_all(judge, from);
	release_end(judge, from, 0);
}

void edge_publish(struct order_judge *judge, struct order_goroutine *from, enum order_way way)
{
	order_clock_learn(&judge->published, &from->clock, judge->slots_used,
	                  &judge->published_ways, (uint8_t)way);
	release_end(judge, from, 0);
}

void edge_publish_clock(struct order_judge *judge, const struct order_clock *clock)
{
	order_clock_learn(&judge->published, clock, judge->slots_used, &judge->published_ways,
	                  ORDER_BY_UNSEEN);
}

void edge_publish_all(struct order_judge *judge)
{
	for (size_t i = 0; i < judge->slots_used; i++) {
		int32_t own = goroutine_own(&judge->goroutines[i]);

		if (judge->published.at[i] < own)
			judge->published_ways.by[i] = ORDER_BY_UNSEEN;
		judge->published.at[i] = own;
	}
}

/* ---- acquisitions -------------------------------------------------------------------- */

static void got_note(const struct order_judge *judge, struct order_half_clock *half,
                     const struct order_goroutine *to)
{
	struct order_got note = {judge->sequence, to->serial, goroutine_own(to), to->slot};

	for (size_t i = 0; i < ORDER_GOT; i++) {
		struct order_got before = half->got[i];

		half->got[i] = note;
		note = before;
		/* It has let go of something since the former time. */
		if (before.serial == to->serial && before.own != goroutine_own(to))
			break;
		if (before.serial == to->serial)
			return;
	}
	if (half->got_before < note.when)
		half->got_before = note.when;
}

void edge_acquire(struct order_judge *judge, struct order_goroutine *to,
                  struct order_object *object, enum order_half which, enum order_way way)
{
	struct order_half_clock *half = &object->halves[which];

	got_note(judge, half, to);
	if (!half->clock || half->known_serial == to->serial)
		return;
	clock_grow(judge, to, half->clock, way);
	half->known_serial = to->serial;
	half->known_version = 0; /* it may have seen more than what is here */
}

void edge_acquire_all(struct order_judge *judge, struct order_goroutine *to)
{
	clock_grow(judge, to, &judge->released, ORDER_BY_OTHER);
	if (to->acquired_all_own != goroutine_own(to) &&
	    judge->acquired_all_lost < to->acquired_all)
		judge->acquired_all_lost = to->acquired_all;
	to->acquired_all = judge->acquired_all = judge->sequence;
	to->acquired_all_own = goroutine_own(to);
}
