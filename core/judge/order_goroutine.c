/* SPDX-License-Identifier: MIT */
/* Goroutines and their slots. */
#include <string.h>

#include "core/judge/order_judge_internal.h"

static struct id_key goroutine_key(uint32_t tgid, uint64_t g)
{
	return (struct id_key){g, tgid, 0};
}

struct order_goroutine *goroutine_find(const struct order_judge *judge, uint32_t tgid, uint64_t g)
{
	return id_table_get(&judge->by_g, goroutine_key(tgid, g));
}

/* It lives, but its slot is needed. What it has seen, others may learn from it after it has come
 * back as one that is met for the first time. */
static void goroutine_give_up(struct order_judge *judge, struct order_goroutine *goroutine)
{
	open_flush(judge, goroutine, false);
	cloned_give_up(judge, goroutine);
	edge_publish_clock(judge, &goroutine->clock);
	if (judge->acquired_all_lost < goroutine->acquired_all)
		judge->acquired_all_lost = goroutine->acquired_all;
	wait_drop(judge, goroutine);
	id_table_remove(&judge->by_g, goroutine_key(goroutine->tgid, goroutine->g));
	order_list_remove(&goroutine->link);
}

/* One that never was used; else that of the goroutine that ended first; else that of the one from
 * which nothing was heard for longest. */
static struct order_goroutine *slot_obtain(struct order_judge *judge)
{
	struct order_goroutine *goroutine;

	if (judge->slots_used < ORDER_SLOTS) {
		goroutine = &judge->goroutines[judge->slots_used];
		goroutine->slot = judge->slots_used++;
	} else if (!order_list_is_empty(&judge->ended)) {
		goroutine = order_list_entry(judge->ended.after, struct order_goroutine, link);
		order_list_remove(&goroutine->link);
	} else {
		goroutine = order_list_entry(judge->living.after, struct order_goroutine, link);
		goroutine_give_up(judge, goroutine);
	}
	return goroutine;
}

struct order_goroutine *goroutine_new(struct order_judge *judge, uint32_t tgid, uint64_t g)
{
	struct order_goroutine *goroutine = slot_obtain(judge);
	int32_t own = goroutine_own(goroutine);
	uint16_t slot = goroutine->slot;

	memset(goroutine, 0, sizeof(*goroutine));
	goroutine->slot = slot;
	goroutine->clock.at[slot] = own + 1;
	goroutine->tgid = tgid;
	goroutine->g = g;
	goroutine->version = 1;
	if (own > ORDER_OWN_END)
		judge->spent = true;
	if (++judge->serial == 0)
		judge->serial = 1;
	goroutine->serial = judge->serial;
	if (id_table_put(&judge->by_g, goroutine_key(tgid, g), goroutine) < 0) {
		judge->spent = true;
		goroutine->ended = true;
		order_list_add(&judge->ended, &goroutine->link);
		return NULL;
	}
	order_list_add(&judge->living, &goroutine->link);
	return goroutine;
}

void goroutine_end(struct order_judge *judge, struct order_goroutine *goroutine)
{
	wait_clear(judge, goroutine, UINT64_MAX);
	id_table_remove(&judge->by_g, goroutine_key(goroutine->tgid, goroutine->g));
	goroutine->ended = true;
	goroutine->open_count = goroutine->held_count = goroutine->held_beyond = 0;
	order_list_move(&judge->ended, &goroutine->link);
}

void goroutines_forget(struct order_judge *judge, uint32_t tgid)
{
	for (size_t i = 0; i < judge->slots_used; i++) {
		struct order_goroutine *goroutine = &judge->goroutines[i];

		if (goroutine->tgid == tgid && !goroutine->ended)
			goroutine_end(judge, goroutine);
	}
}

void order_goroutines_reset(struct order_judge *judge)
{
	memset(judge->goroutines, 0, judge->slots_used * sizeof(judge->goroutines[0]));
	judge->slots_used = 0;
	order_list_empty(&judge->living);
	order_list_empty(&judge->ended);
	id_table_clear(&judge->by_g);
}
