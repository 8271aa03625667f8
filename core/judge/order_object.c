/* SPDX-License-Identifier: MIT */
/* Objects by which goroutines are ordered, and their clocks. */
#include <string.h>

#include "core/judge/order_judge_internal.h"

static struct id_key object_key(uint32_t tgid, enum order_tag tag, uint64_t address)
{
	return (struct id_key){address, tgid, tag};
}

struct order_object *object_find(const struct order_judge *judge, uint32_t tgid, enum order_tag tag,
                                 uint64_t address)
{
	return id_table_get(&judge->by_address, object_key(tgid, tag, address));
}

static void clock_give_back(struct order_judge *judge, struct order_half_clock *half)
{
	if (half->clock)
		judge->clocks_free[judge->clocks_free_count++] = half->clock - judge->clocks;
	half->clock = NULL;
}

static void object_remove(struct order_judge *judge, struct order_object *object)
{
	for (int half = 0; half < 2; half++)
		clock_give_back(judge, &object->halves[half]);
	id_table_remove(&judge->by_address, object->key);
	order_list_move(&judge->objects_free, &object->link);
}

/* There is no room for it: what was released into it may have been seen by anybody from now on. */
static void object_give_up(struct order_judge *judge, struct order_object *object)
{
	for (int i = 0; i < 2; i++) {
		const struct order_half_clock *half = &object->halves[i];
		uint64_t got = half->got[0].when;

		if (half->clock)
			edge_publish_clock(judge, half->clock);
		if (got < half->got_before)
			got = half->got_before;
		if (judge->got_lost < got)
			judge->got_lost = got;
	}
	object_remove(judge, object);
}

static struct order_object *object_oldest(struct order_judge *judge)
{
	return order_list_entry(judge->objects_used.after, struct order_object, link);
}

static struct order_object *object_memory(struct order_judge *judge)
{
	struct order_object *object;

	if (judge->objects_begun < ORDER_OBJECTS && order_list_is_empty(&judge->objects_free)) {
		object = &judge->objects[judge->objects_begun++];
		order_list_add(&judge->objects_free, &object->link);
	} else if (order_list_is_empty(&judge->objects_free)) {
		object_give_up(judge, object_oldest(judge));
	}
	return order_list_entry(judge->objects_free.after, struct order_object, link);
}

struct order_object *object_obtain(struct order_judge *judge, uint32_t tgid, enum order_tag tag,
                                   uint64_t address)
{
	struct order_object *object = object_find(judge, tgid, tag, address);

	if (!object) {
		object = object_memory(judge);
		object->key = object_key(tgid, tag, address);
		object->number = ++judge->object_number;
		object->holder = 0;
		memset(object->halves, 0, sizeof(object->halves));
		for (int half = 0; half < 2; half++)
			object->halves[half].got_before = judge->got_lost;
		if (id_table_put(&judge->by_address, object->key, object) < 0) {
			judge->spent = true;
			return NULL;
		}
	}
	order_list_move(&judge->objects_used, &object->link);
	return object;
}

struct order_clock *object_clock(struct order_judge *judge, struct order_object *object,
                                 enum order_half which)
{
	struct order_half_clock *half = &object->halves[which];

	if (half->clock)
		return half->clock;
	order_list_move(&judge->objects_used, &object->link); /* the last one to be given up */
	while (!judge->clocks_free_count && judge->clocks_begun == ORDER_CLOCKS)
		object_give_up(judge, object_oldest(judge));
	half->clock = judge->clocks_free_count
	                      ? &judge->clocks[judge->clocks_free[--judge->clocks_free_count]]
	                      : &judge->clocks[judge->clocks_begun++];
	memset(half->clock, 0, sizeof(*half->clock));
	return half->clock;
}

void objects_forget(struct order_judge *judge, uint32_t tgid)
{
	struct order_link *link = judge->objects_used.after;

	while (link != &judge->objects_used) {
		struct order_object *object = order_list_entry(link, struct order_object, link);

		link = link->after;
		if (object->key.b == tgid)
			object_remove(judge, object);
	}
}

void objects_reset(struct order_judge *judge)
{
	order_list_empty(&judge->objects_used);
	order_list_empty(&judge->objects_free);
	judge->objects_begun = judge->clocks_begun = judge->clocks_free_count = 0;
	id_table_clear(&judge->by_address);
}
