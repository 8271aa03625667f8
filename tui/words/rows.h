/* SPDX-License-Identifier: MIT */
/*
 * rows: what the panes show, live from the model or as it was when the screen was frozen.
 *
 * Collection goes on while the screen is frozen, and the model's rows go on changing; so freezing
 * copies everything that a pane can ask for. Pointers in struct rows are valid until the next
 * rows_refresh(), rows_freeze() or rows_thaw(). Keep numbers, not pointers, across those.
 */
#ifndef GOMAPTOP_TUI_ROWS_H
#define GOMAPTOP_TUI_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/enough.h"
#include "core/model/model.h"

#define ROWS_TARGETS_MAX 64
#define ROWS_CRASHES_MAX 64
#define ROWS_WAITING_MAX 384

struct frozen;

struct rows {
	struct map_row **maps; /* in order of their numbers */
	size_t map_count;
	/* Of all maps, and unordered pairs behind them, most frequent first. Behind conflict_count
	 * are more, up to conflicts_kept: unordered pairs of lines that are told of before. */
	struct conflict_row **conflicts;
	size_t conflict_count, conflicts_kept;
	struct goroutine_row **goroutines; /* in no order */
	size_t goroutine_count;
	struct target_row *targets[ROWS_TARGETS_MAX];
	size_t target_count;
	struct crash_row *crashes[ROWS_CRASHES_MAX];
	size_t crash_count;
	struct coverage_row coverage;
	struct history_clock clock;
	uint64_t conflict_total, unordered_total;
	struct enough enough; /* whether "no conflict" may be said */
	uint64_t dropped;
	uint64_t now_ns;
	char waiting[ROWS_WAITING_MAX]; /* for what, before anything can be seen; empty: nothing */
	struct frozen *frozen;          /* NULL: live */
	size_t map_room, conflict_room, goroutine_room;
};

/* Ask the model anew; when frozen nothing changes. -ENOMEM: as before. Lengths of maps are read
 * from the target, which costs: a view that shows one calls rows_length_read() first. */
int rows_refresh(struct rows *rows, const struct model *model);
int rows_freeze(struct rows *rows, const struct model *model);
void rows_thaw(struct rows *rows);
void rows_free(struct rows *rows); /* accepts a zeroed one */

/* NULL when there is none with this number (any more). */
struct map_row *rows_map(const struct rows *rows, unsigned int number);
struct conflict_row *rows_conflict(const struct rows *rows, unsigned int number);
/* Bring the length of a map of these rows up to date; frozen ones have the one of that moment. */
void rows_length_read(const struct rows *rows, const struct model *model, struct map_row *map);
/* What was lost on the way, by the kernel side and by the bounds of the model. */
uint64_t rows_lost(const struct rows *rows);

#endif
