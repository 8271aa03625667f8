/* SPDX-License-Identifier: MIT */
/* Maps, and the accesses to them that later ones are compared with. */
#include <string.h>

#include "core/judge/order_judge_internal.h"

/* ---- maps ---------------------------------------------------------------------------- */

static struct id_key map_id_key(const struct order_map_id *id)
{
	return (struct id_key){id->addr, id->tgid, id->gen};
}

struct order_map *map_find(const struct order_judge *judge, const struct order_map_id *id)
{
	return id_table_get(&judge->by_map, map_id_key(id));
}

static void map_remove(struct order_judge *judge, struct order_map *map)
{
	id_table_remove(&judge->by_map, map_id_key(&map->id));
	order_list_move(&judge->maps_free, &map->link);
}

static struct order_map *map_memory(struct order_judge *judge)
{
	struct order_map *map;

	if (order_list_is_empty(&judge->maps_free) && judge->maps_begun < ORDER_MAPS) {
		map = &judge->maps[judge->maps_begun++];
		order_list_add(&judge->maps_free, &map->link);
	} else if (order_list_is_empty(&judge->maps_free)) {
		map_remove(judge, order_list_entry(judge->maps_used.after, struct order_map, link));
	}
	return order_list_entry(judge->maps_free.after, struct order_map, link);
}

static struct order_map *map_obtain(struct order_judge *judge, const struct order_event *event)
{
	struct order_map_id id = {event->object, event->tgid, event->gen};
	struct order_map *map = map_find(judge, &id);

	if (!map) {
		map = map_memory(judge);
		if (id_table_put(&judge->by_map, map_id_key(&id), map) < 0)
			return NULL;
		order_list_remove(&map->link);
		memset(map, 0, sizeof(*map));
		map->id = id;
		map->first_g = event->g;
		map->seed = event->seed;
		order_list_add(&judge->maps_used, &map->link);
	}
	order_list_move(&judge->maps_used, &map->link);
	return map;
}

void maps_forget(struct order_judge *judge, uint32_t tgid)
{
	struct order_link *link = judge->maps_used.after;

	while (link != &judge->maps_used) {
		struct order_map *map = order_list_entry(link, struct order_map, link);

		link = link->after;
		if (map->id.tgid == tgid)
			map_remove(judge, map);
	}
}

/* ---- records ------------------------------------------------------------------------- */

static void record_fill(struct order_record *record, const struct order_goroutine *goroutine,
                        const struct order_event *event, uint64_t detail)
{
	*record = (struct order_record){
	        .time_ns = event->time_ns,
	        .place = event->place,
	        .detail = detail,
	        .serial = goroutine->serial,
	        .own = goroutine_own(goroutine),
	        .slot = goroutine->slot,
	        .op = event->op,
	};
	for (size_t i = goroutine->held_count; i-- > 0 && record->held_count < ORDER_HELD_KEPT;) {
		record->held_shared |= goroutine->held[i].shared << record->held_count;
		record->held[record->held_count++] = goroutine->held[i].lock;
	}
}

static struct order_record *record_older(struct order_record *x, struct order_record *y)
{
	return !y || x->time_ns < y->time_ns ? x : y;
}

/* Of the accesses of one goroutine at one place the newest counts. Where there is no room it takes
 * that of the oldest, or of a goroutine whose slot is another one's now; or of its own oldest, so
 * that one that uses the map at many places leaves room for others. */
static struct order_record *record_place(struct order_judge *judge, struct order_map *map,
                                         const struct order_goroutine *goroutine,
                                         const struct order_event *event)
{
	struct order_record *oldest = NULL, *oldest_own = NULL, *empty = NULL;
	int own = 0;

	for (size_t i = 0; i < map->record_count; i++) {
		struct order_record *record = &map->records[i];

		if (!goroutine_at(judge, record->slot, record->serial))
			empty = record;
		oldest = record_older(record, oldest);
		if (record->serial != goroutine->serial)
			continue;
		if (record->place == event->place &&
		    op_changes(record->op) == op_changes(event->op))
			return record;
		own++;
		oldest_own = record_older(record, oldest_own);
	}
	if (own >= ORDER_RECORDS_OWN)
		return oldest_own;
	if (empty)
		return empty;
	return map->record_count < ORDER_RECORDS ? &map->records[map->record_count++] : oldest;
}

/* ---- accesses ------------------------------------------------------------------------ */

static bool under_one_lock(const struct order_record *record,
                           const struct order_goroutine *goroutine)
{
	for (size_t i = 0; i < record->held_count; i++) {
		bool shared = record->held_shared >> i & 1;

		for (size_t k = 0; k < goroutine->held_count; k++)
			if (goroutine->held[k].lock == record->held[i] &&
			    !(shared && goroutine->held[k].shared))
				return true;
	}
	return false;
}

static struct order_finding finding_of(struct order_judge *judge, const struct order_map *map,
                                       const struct order_record *first,
                                       const struct order_event *event, uint64_t detail)
{
	return (struct order_finding){
	        .map = map->id,
	        .first = {judge->goroutines[first->slot].g, first->time_ns, first->place, first->op,
	                  first->detail},
	        .second = {event->g, event->time_ns, event->place, event->op, detail},
	};
}

static void pair_ordered(struct order_counts *counts, uint8_t way)
{
	counts->ordered++;
	counts->how[way]++;
}

static void pair_judge(struct order_judge *judge, struct order_map *map,
                       const struct order_record *first, const struct order_goroutine *second,
                       const struct order_event *event, uint64_t detail)
{
	struct order_finding finding;

	if (under_one_lock(first, second)) {
		map->counts.under_lock++;
		judge->counts.under_lock++;
	} else if (second->clock.at[first->slot] >= first->own) {
		pair_ordered(&map->counts, second->ways.by[first->slot]);
		pair_ordered(&judge->counts, second->ways.by[first->slot]);
	} else if (judge->published.at[first->slot] >= first->own) {
		pair_unknown(&map->counts, judge->published_ways.by[first->slot]);
		pair_unknown(&judge->counts, judge->published_ways.by[first->slot]);
	} else if (cloned_since(judge, map, first->time_ns)) {
		pair_unknown(&map->counts, ORDER_BY_UNSEEN);
		pair_unknown(&judge->counts, ORDER_BY_UNSEEN);
	} else {
		finding = finding_of(judge, map, first, event, detail);
		if (!wait_accuse(judge, &finding, first, second))
			return;
	}
	map->counts.pairs++;
	judge->counts.pairs++;
	map->changed = true;
}

void map_access(struct order_judge *judge, struct order_goroutine *goroutine,
                const struct order_event *event, uint64_t detail)
{
	struct order_map *map = map_obtain(judge, event);
	bool changes = op_changes(event->op);

	if (!map)
		return;
	if (map->seed != event->seed) { /* another one, or emptied: what was done to it is past */
		map->seed = event->seed;
		map->first_g = event->g;
		map->record_count = 0;
		map->shared = false;
	}
	for (size_t i = 0; i < map->record_count; i++) {
		const struct order_record *first = &map->records[i];

		if (first->serial != goroutine->serial && (changes || op_changes(first->op)) &&
		    goroutine_at(judge, first->slot, first->serial))
			pair_judge(judge, map, first, goroutine, event, detail);
	}
	record_fill(record_place(judge, map, goroutine, event), goroutine, event, detail);
	map->shared |= map->first_g != event->g;
	if (map->shared) {
		guard_note(map, goroutine, event);
		map->changed = true;
	}
}
