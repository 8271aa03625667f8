/* SPDX-License-Identifier: MIT */
/*
 * u64_map: hash table from a 64-bit number to a pointer; it only grows.
 *
 * Open addressing, at most half full. Values are borrowed, never NULL. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_U64_MAP_H
#define GOMAPTOP_CORE_U64_MAP_H

#include <stddef.h>
#include <stdint.h>

struct u64_map_slot {
	uint64_t key;
	void *value;
};

/* Zero-initialise to make an empty one. */
struct u64_map {
	struct u64_map_slot *slots;
	size_t mask; /* slots - 1 */
	size_t count;
};

void *u64_map_get(const struct u64_map *map, uint64_t key);      /* NULL: not there */
int u64_map_put(struct u64_map *map, uint64_t key, void *value); /* replaces; 0 or -ENOMEM */
void u64_map_free(struct u64_map *map);                          /* the table, not the values */

#endif
