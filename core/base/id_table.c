/* SPDX-License-Identifier: MIT */
#include "core/base/id_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define TABLE_CAPACITY_MIN 64

struct id_slot {
	struct id_key key;
	void *value; /* NULL: empty */
};

static bool key_equal(struct id_key x, struct id_key y)
{
	return x.a == y.a && x.b == y.b && x.c == y.c;
}

static size_t slot_home(const struct id_table *table, struct id_key key)
{
	return (size_t)id_mix(key.a ^ id_mix(key.b ^ id_mix(key.c))) & (table->capacity - 1);
}

/* Where the key is, or the empty slot where it would go. */
static size_t slot_find(const struct id_table *table, struct id_key key)
{
	size_t i = slot_home(table, key);

	while (table->slots[i].value && !key_equal(table->slots[i].key, key))
		i = (i + 1) & (table->capacity - 1);
	return i;
}

static int table_grow(struct id_table *table)
{
	struct id_table larger = {
	        .capacity = table->capacity ? 2 * table->capacity : TABLE_CAPACITY_MIN,
	        .count = table->count,
	};

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].value)
			larger.slots[slot_find(&larger, table->slots[i].key)] = table->slots[i];
	}
	free(table->slots);
	*table = larger;
	return 0;
}

void *id_table_get(const struct id_table *table, struct id_key key)
{
	return table->capacity ? table->slots[slot_find(table, key)].value : NULL;
}

int id_table_put(struct id_table *table, struct id_key key, void *value)
{
	size_t i;

	if (3 * (table->capacity - table->count) <= table->capacity && table_grow(table) < 0)
		return -ENOMEM;
	i = slot_find(table, key);
	if (!table->slots[i].value)
		table->count++;
	table->slots[i] = (struct id_slot){key, value};
	return 0;
}

/* Move later entries of the run into the gap, so that no search ends too early. */
static void gap_close(struct id_table *table, size_t gap)
{
	size_t mask = table->capacity - 1;

	for (size_t i = (gap + 1) & mask; table->slots[i].value; i = (i + 1) & mask) {
		size_t home = slot_home(table, table->slots[i].key);

		if (((i - home) & mask) < ((i - gap) & mask))
			continue; /* its home lies behind the gap */
		table->slots[gap] = table->slots[i];
		gap = i;
	}
	table->slots[gap].value = NULL;
}

void *id_table_remove(struct id_table *table, struct id_key key)
{
	void *value;
	size_t i;

	if (!table->capacity)
		return NULL;
	i = slot_find(table, key);
	value = table->slots[i].value;
	if (value) {
		gap_close(table, i);
		table->count--;
	}
	return value;
}

void *id_table_next(const struct id_table *table, size_t *position)
{
	while (*position < table->capacity) {
		void *value = table->slots[(*position)++].value;

		if (value)
			return value;
	}
	return NULL;
}

void id_table_clear(struct id_table *table)
{
	free(table->slots);
	*table = (struct id_table){0};
}
