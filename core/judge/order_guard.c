/* SPDX-License-Identifier: MIT */
/* What guards a map: the lock under which most of its accesses are. */
#include <stddef.h>

#include "core/judge/order_judge_internal.h"

/* The lock, if it is held in a way that counts: a reader's lock guards no change. */
static const struct order_held *held_for(const struct order_goroutine *goroutine, uint64_t lock,
                                         bool changes)
{
	for (size_t i = 0; i < goroutine->held_count; i++) {
		const struct order_held *held = &goroutine->held[i];

		if (held->lock == lock && !(held->shared && changes))
			return held;
	}
	return NULL;
}

static struct order_guard_lock *guard_find(struct order_map *map, uint64_t lock)
{
	for (size_t i = 0; i < map->guard_count; i++)
		if (map->guards[i].lock == lock)
			return &map->guards[i];
	return NULL;
}

/* Where there is no room it takes the place of the one under which the fewest accesses were. */
static void guard_add(struct order_map *map, const struct order_held *held)
{
	struct order_guard_lock *guard = &map->guards[0];

	if (map->guard_count < ORDER_GUARDS)
		guard = &map->guards[map->guard_count++];
	else
		for (size_t i = 1; i < ORDER_GUARDS; i++)
			if (map->guards[i].accesses < guard->accesses)
				guard = &map->guards[i];
	*guard =
	        (struct order_guard_lock){held->lock, held->place, 1, map->last_place, held->kinds};
}

void guard_note(struct order_map *map, const struct order_goroutine *goroutine,
                const struct order_event *event)
{
	bool changes = op_changes(event->op);

	if (!goroutine->locks_known || goroutine->held_beyond)
		return;
	for (size_t i = 0; i < map->guard_count; i++) {
		struct order_guard_lock *guard = &map->guards[i];
		const struct order_held *held = held_for(goroutine, guard->lock, changes);

		if (held) {
			guard->accesses++;
			guard->place = held->place;
			guard->kinds |= held->kinds;
		} else {
			guard->bare_place = event->place;
		}
	}
	for (size_t i = 0; i < goroutine->held_count; i++) {
		const struct order_held *held = &goroutine->held[i];

		if (!guard_find(map, held->lock) && !(held->shared && changes))
			guard_add(map, held);
	}
	map->accesses++;
	map->last_place = event->place;
}

struct order_guard guard_of(const struct order_map *map)
{
	const struct order_guard_lock *best = &map->guards[0];

	if (!map->guard_count)
		return (struct order_guard){.accesses = map->accesses,
		                            .bare = map->accesses,
		                            .bare_place = map->last_place};
	for (size_t i = 1; i < map->guard_count; i++)
		if (map->guards[i].accesses > best->accesses)
			best = &map->guards[i];
	return (struct order_guard){best->lock,       best->place,
	                            map->accesses,    map->accesses - best->accesses,
	                            best->bare_place, best->kinds};
}
