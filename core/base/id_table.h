/* SPDX-License-Identifier: MIT */
/*
 * id_table: hash table from a key of three 64-bit words to a pointer.
 *
 * Open addressing with linear probing; removal closes the gap, so a table that is added to and
 * removed from for days stays as fast as a fresh one. Grows by itself, never shrinks. A zeroed
 * struct is an empty table. One thread.
 */
#ifndef GOMAPTOP_CORE_ID_TABLE_H
#define GOMAPTOP_CORE_ID_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct id_key {
	uint64_t a, b, c;
};

struct id_slot;

struct id_table {
	struct id_slot *slots;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

void *id_table_get(const struct id_table *table, struct id_key key);
/* Add, or replace the value of the key; value != NULL. 0 or -ENOMEM. */
int id_table_put(struct id_table *table, struct id_key key, void *value);
/* The value removed, or NULL when there was none. */
void *id_table_remove(struct id_table *table, struct id_key key);
/* The values one after the other, in no order, until NULL; *position begins at 0. Nothing may be
 * added or removed meanwhile. */
void *id_table_next(const struct id_table *table, size_t *position);
/* Empty it and free its memory; the values are the caller's. */
void id_table_clear(struct id_table *table);

/* Spread the bits of a word; also for building keys out of hashes. */
static inline uint64_t id_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return x ^ (x >> 32);
}

#endif
