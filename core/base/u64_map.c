/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "core/base/u64_map.h"

#define SLOTS_MIN 256

static size_t slot_first(const struct u64_map *map, uint64_t key)
{
	key ^= key >> 32;
	key *= UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio: spreads nearby keys */
	return (size_t)(key >> 29) & map->mask;
}

static struct u64_map_slot *slot_find(const struct u64_map *map, uint64_t key)
{
	size_t at = slot_first(map, key);

	while (map->slots[at].value && map->slots[at].key != key)
		at = (at + 1) & map->mask;
	return &map->slots[at];
}

void *u64_map_get(const struct u64_map *map, uint64_t key)
{
	return map->slots ? slot_find(map, key)->value : NULL;
}

static int map_grow(struct u64_map *map)
{
	size_t slots = map->slots ? 2 * (map->mask + 1) : SLOTS_MIN;
	struct u64_map bigger = {calloc(slots, sizeof(*map->slots)), slots - 1, map->count};

	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; map->slots && i <= map->mask; i++)
		if (map->slots[i].value)
			*slot_find(&bigger, map->slots[i].key) = map->slots[i];
	free(map->slots);
	*map = bigger;
	return 0;
}

int u64_map_put(struct u64_map *map, uint64_t key, void *value)
{
	if ((!map->slots || 2 * (map->count + 1) > map->mask + 1) && map_grow(map))
		return -ENOMEM;
	struct u64_map_slot *slot = slot_find(map, key);
	map->count += !slot->value;
	*slot = (struct u64_map_slot){key, value};
	return 0;
}

void u64_map_free(struct u64_map *map)
{
	free(map->slots);
	*map = (struct u64_map){0};
}
