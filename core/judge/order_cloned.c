/* SPDX-License-Identifier: MIT */
/*
 * Maps that are clones of others.
 *
 * A clone has the hash seed of its source. When the garbage collector has freed one of the maps of
 * that seed, a later clone may lie at its address, and neither address nor seed tells the two
 * apart: what was done to the first would be compared with what is done to the second. The source
 * itself lives while it is cloned, so that the clone is never where it is.
 */
#include "core/judge/order_judge_internal.h"

/* Seeds of one row count as one: more is unknown then. */
static size_t cloned_row(uint64_t seed)
{
	return (size_t)(seed * UINT64_C(0x9e3779b97f4a7c15) >> 32) % ORDER_CLONED;
}

static void cloned_set(struct order_cloned *row, uint64_t source, uint64_t when)
{
	if (row->source != source) {
		row->when_other = row->when;
		row->source = source;
	}
	if (row->when < when)
		row->when = when;
}

/* A seed that could not be read may be any. */
static void cloned_note(struct order_judge *judge, const struct order_goroutine *goroutine,
                        uint64_t when)
{
	if (goroutine->seed && goroutine->cloned) {
		cloned_set(&judge->cloned[cloned_row(goroutine->seed)], goroutine->cloned, when);
		return;
	}
	for (size_t i = 0; i < ORDER_CLONED; i++)
		cloned_set(&judge->cloned[i], 0, when);
}

/* The runtime may start and wake goroutines for itself in the midst of it, when memory for the
 * clone is obtained. */
static bool clone_goes_on(const struct order_event *event)
{
	switch (event->act) {
	case ORDER_ACT_SEND:
	case ORDER_ACT_RECEIVE:
	case ORDER_ACT_CLOSE:
	case ORDER_ACT_SELECT_MANY:
	case ORDER_ACT_SPAWN:
	case ORDER_ACT_CHILD:
	case ORDER_ACT_WAKE:
	case ORDER_ACT_EXIT:
	case ORDER_ACT_NOTHING:
		return true;
	default:
		return false;
	}
}

void cloned_begin(struct order_judge *judge, struct order_goroutine *goroutine,
                  const struct order_event *event)
{
	goroutine->cloned = event->object;
	goroutine->seed = event->seed;
	goroutine->clones = true;
	cloned_note(judge, goroutine, event->time_ns);
}

void cloned_event(struct order_judge *judge, struct order_goroutine *goroutine,
                  const struct order_event *event)
{
	if (!goroutine->clones)
		return;
	cloned_note(judge, goroutine, event->time_ns);
	goroutine->clones = clone_goes_on(event);
}

void cloned_give_up(struct order_judge *judge, const struct order_goroutine *goroutine)
{
	if (goroutine->clones)
		cloned_note(judge, goroutine, UINT64_MAX);
}

bool cloned_since(const struct order_judge *judge, const struct order_map *map, uint64_t time_ns)
{
	const struct order_cloned *row = &judge->cloned[cloned_row(map->seed)];

	return time_ns < (map->id.addr == row->source ? row->when_other : row->when);
}
