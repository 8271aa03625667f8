/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/heat.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"
#include "tui/term/heat_scale.h"
#include "tui/words/format.h"

#define LABEL_WIDTH    4 /* "  7 " in front of a row */
#define CELL_WIDTH_MAX 3
#define FIGURES_WIDTH  14 /* conflicts and rate behind a bar */

int heat_deepest(const struct map_row *map)
{
	int depth = map && map->conflicts ? STACK_DEPTH_MAX : 0;

	while (depth > 0 && !map->heat_depth[depth - 1])
		depth--;
	return depth;
}

/* ---- cursor -------------------------------------------------------------------------- */

static uint32_t tick_of(uint32_t tick, const struct rows *rows)
{
	return tick && tick <= rows->clock.tick ? tick : rows->clock.tick;
}

static void move_time(struct heat_cursor *cursor, const struct rows *rows, int by)
{
	uint32_t newest = rows->clock.tick, tick = tick_of(cursor->tick, rows);

	if (by < 0 && tick > 1 && newest - tick + 1 < HISTORY_TICKS)
		tick--;
	else if (by > 0)
		tick++;
	cursor->tick = tick >= newest ? 0 : tick;
}

static void move_depth(struct heat_cursor *cursor, const struct map_row *map, int by)
{
	int most = heat_deepest(map);

	if (!cursor->depth)
		cursor->depth = most;
	else
		cursor->depth += by;
	if (cursor->depth > most)
		cursor->depth = most;
	if (cursor->depth < 1)
		cursor->depth = most ? 1 : 0;
}

bool heat_act(struct heat_cursor *cursor, const struct rows *rows, const struct map_row *map,
              enum action action)
{
	static const struct {
		enum action action;
		int depths, ticks;
	} moves[] = {
	        {ACTION_UP, -1, 0},        {ACTION_DOWN, 1, 0},     {ACTION_PAGE_UP, -10, 0},
	        {ACTION_PAGE_DOWN, 10, 0}, {ACTION_HOME, -1000, 0}, {ACTION_END, 1000, 0},
	        {ACTION_LEFT, 0, -1},      {ACTION_RIGHT, 0, 1},
	};

	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		if (moves[i].action != action)
			continue;
		move_depth(cursor, map, moves[i].depths);
		if (cursor->mode == HEAT_BY_TIME && moves[i].ticks)
			move_time(cursor, rows, moves[i].ticks);
		return true;
	}
	return false;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

struct history_range heat_range(const struct heat_cursor *cursor, const struct rows *rows)
{
	uint32_t depth = (uint32_t)cursor->depth, tick = tick_of(cursor->tick, rows);
	uint32_t mark = cursor->marking ? (uint32_t)cursor->mark_depth : depth;
	uint32_t mark_tick = cursor->marking ? tick_of(cursor->mark_tick, rows) : tick;
	struct history_range range = {
	        .tick_low = 1,
	        .tick_high = UINT32_MAX,
	        .depth_low = smaller(depth, mark),
	        .depth_high = larger(depth, mark),
	};

	if (cursor->mode == HEAT_BY_TIME) {
		range.tick_low = smaller(tick, mark_tick);
		range.tick_high = larger(tick, mark_tick);
	}
	return range;
}

bool heat_is_marked(const struct heat_cursor *cursor, const struct rows *rows, int depth,
                    uint32_t tick)
{
	struct history_range range = heat_range(cursor, rows);

	return cursor->depth && (uint32_t)depth >= range.depth_low &&
	       (uint32_t)depth <= range.depth_high &&
	       (!tick || (tick >= range.tick_low && tick <= range.tick_high));
}

/* ---- by time ------------------------------------------------------------------------- */

/* Conflicts by depth and interval, [interval % HISTORY_TICKS]. One screen, one grid. */
static uint32_t grid[STACK_DEPTH_MAX + 1][HISTORY_TICKS];

static void grid_fill(const struct rows *rows, const struct map_row *map)
{
	memset(grid, 0, sizeof(grid));
	for (size_t i = 0; i < rows->conflict_count; i++) {
		const struct conflict_row *conflict = rows->conflicts[i];
		const struct sightings *seen = conflict->sightings;

		if (conflict->map != map || !seen)
			continue;
		for (uint32_t k = 0; k < seen->count; k++) {
			const struct sighting_cell *cell = sightings_cell(seen, k);
			uint32_t depth = smaller(cell->depth, STACK_DEPTH_MAX);

			if (rows->clock.tick - cell->tick < HISTORY_TICKS)
				grid[depth][cell->tick % HISTORY_TICKS] += cell->count;
		}
	}
}

/* What part of the grid is on the screen. */
struct window {
	int first_depth, depths;
	uint32_t first_tick;
	int ticks, cell;
};

static void window_depths(struct window *window, const struct heat_cursor *cursor,
                          const struct map_row *map, int lines)
{
	int deepest = heat_deepest(map), first = 1;

	while (first < deepest && !map->heat_depth[first - 1])
		first++;
	if (first > 1)
		first--; /* a row without conflicts above shows where they begin */
	window->depths = deepest - first + 1;
	if (window->depths > lines) {
		window->depths = lines;
		if (cursor->depth >= first + lines)
			first = cursor->depth - lines + 1;
	}
	window->first_depth = first;
}

static void window_ticks(struct window *window, const struct heat_cursor *cursor,
                         const struct rows *rows, int width)
{
	uint32_t newest = rows->clock.tick, tick = tick_of(cursor->tick, rows);
	int known = (int)smaller(newest, HISTORY_TICKS);

	window->cell = known ? width / known : 1;
	window->cell = window->cell < 1                ? 1
	               : window->cell > CELL_WIDTH_MAX ? CELL_WIDTH_MAX
	                                               : window->cell;
	window->ticks = width / window->cell < known ? width / window->cell : known;
	window->first_tick = newest - (uint32_t)window->ticks + 1;
	if (tick < window->first_tick)
		window->first_tick = tick;
}

static double interval_seconds(const struct rows *rows, uint32_t tick)
{
	uint64_t end = history_clock_end(&rows->clock, tick);
	uint64_t begin = history_clock_end(&rows->clock, tick - 1);

	return end > begin && begin ? (double)(end - begin) / 1e9 : 1;
}

static void draw_time_ruler(const struct rows *rows, const struct window *window,
                            const struct rect *area)
{
	int x = area->x + LABEL_WIDTH, free_from = x;
	char age[FORMAT_MAX], text[FORMAT_MAX + 8];

	draw_text(area->y, area->x, area->width, STYLE_HEAD, GROUND_NONE, "");
	for (int i = 0; i < window->ticks; i++) {
		uint64_t end = history_clock_end(&rows->clock, window->first_tick + (uint32_t)i);
		int at = x + i * window->cell;

		if (at < free_from || !end)
			continue;
		snprintf(text, sizeof(text), "-%s", format_age(rows->now_ns, end, age));
		if (at + text_width(text) > area->x + area->width)
			break;
		draw_word(area->y, at, text_width(text), STYLE_HEAD, GROUND_NONE, text);
		free_from = at + text_width(text) + 6;
	}
}

static void draw_time(struct heat_cursor *cursor, const struct rows *rows,
                      const struct map_row *map, const struct rect *area, bool focused)
{
	struct window window;

	grid_fill(rows, map);
	window_depths(&window, cursor, map, area->height - 2);
	window_ticks(&window, cursor, rows, area->width - LABEL_WIDTH);
	draw_time_ruler(rows, &window, area);
	for (int row = 0; row < window.depths; row++) {
		int depth = window.first_depth + row, y = area->y + 1 + row;

		draw_words(y, area->x, LABEL_WIDTH, STYLE_HEAD, GROUND_NONE, "%3d", depth);
		for (int i = 0; i < window.ticks; i++) {
			uint32_t tick = window.first_tick + (uint32_t)i;
			uint32_t count = grid[depth][tick % HISTORY_TICKS];
			bool marked = focused && heat_is_marked(cursor, rows, depth, tick);

			draw_heat(y, area->x + LABEL_WIDTH + i * window.cell, window.cell,
			          count ? heat_level(count / interval_seconds(rows, tick), count)
			                : 0,
			          marked ? GROUND_CURSOR : GROUND_NONE);
		}
	}
}

/* ---- by frequency -------------------------------------------------------------------- */

static int bar_length(uint64_t count, uint64_t most, int width)
{
	if (!count)
		return 0;
	return 1 + (int)(log1p((double)count) / log1p((double)most) * (width - 1));
}

static void draw_bar(const struct map_row *map, int depth, uint64_t most, int y,
                     const struct rect *area, enum ground ground)
{
	uint64_t count = map->heat_depth[depth - 1];
	double rate = (double)map->heat_rate[depth - 1];
	int width = area->width - LABEL_WIDTH - FIGURES_WIDTH;
	int level = heat_level(rate, count), length, x;
	char figure[FORMAT_MAX], text[FORMAT_MAX + 8];

	draw_text(y, area->x, area->width, STYLE_TEXT, ground, "");
	draw_words(y, area->x, LABEL_WIDTH, STYLE_HEAD, ground, "%3d", depth);
	length = width > 1 ? bar_length(count, most, width) : 0;
	for (int i = 0; i < length; i++)
		draw_heat(y, area->x + LABEL_WIDTH + i, 1, level, ground);
	if (!count)
		return;
	x = area->x + LABEL_WIDTH + length;
	snprintf(text, sizeof(text), " %s", format_count(count, figure));
	x += draw_as(y, x, area->x + area->width - x, STYLE_TEXT, ground, TEXT_WHOLE, text);
	snprintf(text, sizeof(text), "  %s/s", format_rate(rate, figure));
	draw_as(y, x, area->x + area->width - x, STYLE_TEXT, ground, TEXT_WHOLE, text);
}

static void draw_frequency(struct heat_cursor *cursor, const struct rows *rows,
                           const struct map_row *map, const struct rect *area, bool focused)
{
	struct window window;
	uint64_t most = 1;

	window_depths(&window, cursor, map, area->height - 2);
	for (int d = 0; d < STACK_DEPTH_MAX; d++)
		most = map->heat_depth[d] > most ? map->heat_depth[d] : most;
	draw_text(area->y, area->x, area->width, STYLE_HEAD, GROUND_NONE,
	          area->width >= 56   ? "depth, conflicts (bars: logarithm), conflicts per second"
	          : area->width >= 27 ? "depth, conflicts, per second"
	                              : "depth, count, /s");
	for (int row = 0; row < window.depths; row++) {
		int depth = window.first_depth + row;
		bool marked = focused && heat_is_marked(cursor, rows, depth, 0);

		draw_bar(map, depth, most, area->y + 1 + row, area,
		         marked ? GROUND_SELECTED : GROUND_NONE);
	}
}

/* ---- drawing ------------------------------------------------------------------------- */

void heat_legend_draw(const struct rect *area)
{
	int y = area->y + area->height - 1, x = area->x;
	int width = area->width >= 9 * 2 + 20 ? 2 : 1;
	bool words = area->width >= 9 * width + 22;
	char text[32];

	draw_text(y, x, area->width, STYLE_DIM, GROUND_NONE, "");
	x += draw_word(y, x, area->width, STYLE_DIM, GROUND_NONE, words ? "rare " : "0 ");
	for (int level = 1; level <= HEAT_LEVELS && x + width <= area->x + area->width; level++) {
		draw_heat(y, x, width, level, GROUND_NONE);
		x += width;
	}
	snprintf(text, sizeof(text), " >%s%s", heat_level_from(HEAT_LEVELS),
	         words ? " conflicts/s" : "/s");
	draw_as(y, x, area->x + area->width - x, STYLE_DIM, GROUND_NONE, TEXT_WHOLE, text);
}

void heat_draw(struct heat_cursor *cursor, const struct rows *rows, const struct map_row *map,
               const struct rect *area, bool focused)
{
	if (area->height < 3 || area->width <= LABEL_WIDTH + 2)
		return;
	if (cursor->mode == HEAT_BY_FREQUENCY)
		draw_frequency(cursor, rows, map, area, focused);
	else
		draw_time(cursor, rows, map, area, focused);
	heat_legend_draw(area);
}
