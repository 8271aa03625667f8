/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTHS_MAX 16384 /* maps whose length is read to be kept: the first of the list */

/* ---- asking the model --------------------------------------------------------------------------
 */

static int room_make(void ***array, size_t *room, size_t want)
{
	void **larger;

	if (want <= *room)
		return 0;
	larger = realloc(*array, want * sizeof(void *));
	if (!larger)
		return -ENOMEM;
	*array = larger;
	*room = want;
	return 0;
}

static int conflicts_read(struct rows *rows, const struct model *model)
{
	size_t count = model_conflict_count(model);

	if (room_make((void ***)&rows->conflicts, &rows->conflict_room, count + 1))
		return -ENOMEM;
	rows->conflicts_kept =
	        model_findings(model, NULL, rows->conflicts, count, &rows->conflict_count);
	return 0;
}

static int goroutines_read(struct rows *rows, const struct model *model)
{
	size_t count = model_goroutine_count(model);

	if (room_make((void ***)&rows->goroutines, &rows->goroutine_room, count + 1))
		return -ENOMEM;
	rows->goroutine_count = model_goroutines_unsorted(model, rows->goroutines, count);
	return 0;
}

static int maps_read(struct rows *rows, const struct model *model)
{
	size_t count = model_map_count(model);

	if (room_make((void ***)&rows->maps, &rows->map_room, count + 1))
		return -ENOMEM;
	rows->map_count = model_maps(model, MAPS_BY_NUMBER, rows->maps, count);
	return 0;
}

static int live_read(struct rows *rows, const struct model *model)
{
	int rc = maps_read(rows, model);

	rc = rc ? rc : conflicts_read(rows, model);
	rc = rc ? rc : goroutines_read(rows, model);
	rows->target_count = model_targets(model, rows->targets, ROWS_TARGETS_MAX);
	rows->crash_count = model_crashes(model, rows->crashes, ROWS_CRASHES_MAX);
	rows->coverage = *model_coverage(model);
	rows->clock = *model_clock(model);
	rows->conflict_total = model_conflict_total(model);
	rows->unordered_total = model_unordered_total(model);
	enough_of(model, &rows->enough);
	rows->dropped = model_dropped(model);
	rows->now_ns = model_now_ns(model);
	return rc;
}

/* ---- freezing ----------------------------------------------------------------------------------
 */

/* Copies live in blocks that are let go all at once. */
struct block {
	struct block *next;
	max_align_t bytes[];
};

struct frozen {
	struct block *blocks;
};

static void *frozen_alloc(struct frozen *frozen, size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->next = frozen->blocks;
	frozen->blocks = block;
	return block->bytes;
}

static void *frozen_copy(struct frozen *frozen, const void *from, size_t size)
{
	void *copy = frozen_alloc(frozen, size);

	if (copy)
		memcpy(copy, from, size);
	return copy;
}

static void frozen_free(struct frozen *frozen)
{
	struct block *next;

	for (struct block *block = frozen ? frozen->blocks : NULL; block; block = next) {
		next = block->next;
		free(block);
	}
	free(frozen);
}

static int frames_copy(struct frozen *frozen, const struct frame **chain, int length)
{
	if (!*chain || length <= 0)
		return 0;
	*chain = frozen_copy(frozen, *chain, (size_t)length * sizeof(**chain));
	return *chain ? 0 : -ENOMEM;
}

/* Without a conflict there is no heat, and one row of zeros does for all maps. */
static int heat_copy(struct frozen *frozen, struct map_row *map)
{
	static const uint32_t no_depth[STACK_DEPTH_MAX];
	static const float no_rate[STACK_DEPTH_MAX];

	if (!map->conflicts) {
		map->heat_depth = no_depth;
		map->heat_rate = no_rate;
		return 0;
	}
	map->heat_depth = frozen_copy(frozen, map->heat_depth, sizeof(no_depth));
	map->heat_rate = frozen_copy(frozen, map->heat_rate, sizeof(no_rate));
	return map->heat_depth && map->heat_rate ? 0 : -ENOMEM;
}

static int map_copy(struct frozen *frozen, struct map_row **map)
{
	struct map_row *copy;
	int rc = 0;

	model_sort_chains(*map);
	*map = copy = frozen_copy(frozen, *map, sizeof(**map));
	if (!copy)
		return -ENOMEM;
	copy->folded_into = NULL;
	rc = heat_copy(frozen, copy);
	if (copy->born_length && !rc) {
		copy->born = frozen_copy(frozen, copy->born,
		                         (size_t)copy->born_length * sizeof(*copy->born));
		rc = copy->born ? 0 : -ENOMEM;
	}
	if (copy->timeline && !rc) {
		copy->timeline = frozen_copy(frozen, copy->timeline, sizeof(struct timeline));
		rc = copy->timeline ? 0 : -ENOMEM;
	}
	if (rc || !copy->chain_count)
		return rc;
	copy->chains = frozen_copy(frozen, copy->chains, copy->chain_count * sizeof(*copy->chains));
	if (!copy->chains)
		return -ENOMEM;
	for (size_t i = 0; i < copy->chain_count && !rc; i++)
		rc = frames_copy(frozen, &copy->chains[i].chain, copy->chains[i].chain_length);
	return rc;
}

/* Maps are in order of their numbers. */
static struct map_row *find(const struct rows *rows, unsigned int number)
{
	size_t low = 0, high = rows->map_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows->maps[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rows->map_count && rows->maps[low]->number == number ? rows->maps[low] : NULL;
}

static int maps_copy(struct frozen *frozen, struct rows *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->map_count && !rc; i++)
		rc = map_copy(frozen, &rows->maps[i]);
	return rc;
}

/* The copy of a map of the model. */
static struct map_row *copy_of(const struct rows *rows, const struct map_row *map)
{
	return map ? find(rows, map->number) : NULL;
}

static int side_copy(struct frozen *frozen, struct side *side)
{
	return frames_copy(frozen, &side->chain, side->chain_length);
}

static int conflicts_copy(struct frozen *frozen, struct rows *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->conflicts_kept && !rc; i++) {
		struct conflict_row *copy =
		        frozen_copy(frozen, rows->conflicts[i], sizeof(struct conflict_row));

		if (!copy)
			return -ENOMEM;
		copy->map = copy_of(rows, copy->map);
		if (copy->sightings) {
			copy->sightings =
			        frozen_copy(frozen, copy->sightings, sizeof(struct sightings));
			if (!copy->sightings)
				return -ENOMEM;
		}
		rc = side_copy(frozen, &copy->a);
		rc = rc ? rc : side_copy(frozen, &copy->b);
		rows->conflicts[i] = copy;
	}
	return rc;
}

static int others_copy(struct frozen *frozen, struct rows *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->goroutine_count; i++) {
		rows->goroutines[i] =
		        frozen_copy(frozen, rows->goroutines[i], sizeof(struct goroutine_row));
		if (!rows->goroutines[i])
			return -ENOMEM;
	}
	for (size_t i = 0; i < rows->target_count; i++) {
		rows->targets[i] = frozen_copy(frozen, rows->targets[i], sizeof(struct target_row));
		if (!rows->targets[i])
			return -ENOMEM;
	}
	for (size_t i = 0; i < rows->crash_count && !rc; i++) {
		rows->crashes[i] = frozen_copy(frozen, rows->crashes[i], sizeof(struct crash_row));
		if (!rows->crashes[i])
			return -ENOMEM;
		rows->crashes[i]->map = copy_of(rows, rows->crashes[i]->map);
		rc = side_copy(frozen, &rows->crashes[i]->side);
	}
	return rc;
}

int rows_freeze(struct rows *rows, const struct model *model)
{
	struct frozen *frozen = calloc(1, sizeof(*frozen));
	int rc = frozen ? live_read(rows, model) : -ENOMEM;

	if (!rc)
		model_lengths_read(model, rows->maps,
		                   rows->map_count < LENGTHS_MAX ? rows->map_count : LENGTHS_MAX);
	rc = rc ? rc : maps_copy(frozen, rows);
	rc = rc ? rc : conflicts_copy(frozen, rows);
	rc = rc ? rc : others_copy(frozen, rows);
	if (rc) {
		frozen_free(frozen);
		rows_thaw(rows);
		live_read(rows, model);
		return rc;
	}
	frozen_free(rows->frozen);
	rows->frozen = frozen;
	return 0;
}

void rows_thaw(struct rows *rows)
{
	frozen_free(rows->frozen);
	rows->frozen = NULL;
	rows->map_count = rows->goroutine_count = 0;
	rows->conflict_count = rows->conflicts_kept = 0;
	rows->target_count = rows->crash_count = 0;
}

/* ---- the rows ----------------------------------------------------------------------------------
 */

int rows_refresh(struct rows *rows, const struct model *model)
{
	return rows->frozen ? 0 : live_read(rows, model);
}

void rows_free(struct rows *rows)
{
	rows_thaw(rows);
	free(rows->maps);
	free(rows->conflicts);
	free(rows->goroutines);
	*rows = (struct rows){0};
}

struct map_row *rows_map(const struct rows *rows, unsigned int number)
{
	return find(rows, number);
}

struct conflict_row *rows_conflict(const struct rows *rows, unsigned int number)
{
	for (size_t i = 0; i < rows->conflicts_kept; i++)
		if (rows->conflicts[i]->number == number)
			return rows->conflicts[i];
	return NULL;
}

void rows_length_read(const struct rows *rows, const struct model *model, struct map_row *map)
{
	if (!rows->frozen)
		model_lengths_read(model, &map, 1);
}

uint64_t rows_lost(const struct rows *rows)
{
	return rows->coverage.lost + rows->dropped;
}
