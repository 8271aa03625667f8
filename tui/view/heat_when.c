/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/heat_when.h"

#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/term/heat_scale.h"
#include "tui/words/format.h"

#define FIRST_WIDTH    6 /* "first " */
#define CELL_WIDTH_MAX 3
#define RULER_GAP      3

/* The cells: `cells` of them, `width` columns each, for `ticks` intervals each. They begin at
 * multiples of ticks, so that what was drawn moves on as a whole. */
struct scale {
	uint32_t first, ticks, newest;
	int cells, width;
};

static struct scale scale_of(const struct rows *rows, const struct rect *line)
{
	int room = line->width - FIRST_WIDTH;
	uint32_t newest = rows->clock.tick;
	uint32_t known = newest < HISTORY_TICKS ? newest : HISTORY_TICKS - 1;
	struct scale scale = {.ticks = 1, .newest = newest, .width = 1};

	if (room < 1 || !known)
		return scale;
	scale.ticks = known / (uint32_t)room + 1;
	scale.cells = (int)(known / scale.ticks) + 1;
	scale.cells = scale.cells < room ? scale.cells : room;
	scale.width = room / scale.cells < CELL_WIDTH_MAX ? room / scale.cells : CELL_WIDTH_MAX;
	scale.first = newest / scale.ticks * scale.ticks;
	scale.first -= (uint32_t)(scale.cells - 1) * scale.ticks;
	return scale;
}

void heat_when_ruler_draw(const struct rows *rows, const struct rect *line)
{
	struct scale scale = scale_of(rows, line);
	int free_from = line->x + FIRST_WIDTH;
	char age[FORMAT_MAX], text[FORMAT_MAX + 8];

	draw_text(line->y, line->x, line->width, STYLE_HEAD, GROUND_NONE, "first");
	for (int i = 0; i < scale.cells; i++) {
		uint64_t end =
		        history_clock_end(&rows->clock, scale.first + (uint32_t)i * scale.ticks);
		int x = line->x + FIRST_WIDTH + i * scale.width;

		if (x < free_from || !end)
			continue;
		snprintf(text, sizeof(text), "-%s", format_age(rows->now_ns, end, age));
		if (x + text_width(text) > line->x + line->width)
			break;
		draw_word(line->y, x, text_width(text), STYLE_HEAD, GROUND_NONE, text);
		free_from = x + text_width(text) + RULER_GAP;
	}
}

/* When the first of its conflicts or unordered pairs was seen; 0: none was, or it is not known. */
static uint64_t first_seen(const struct rows *rows, const struct map_row *map)
{
	uint64_t first = 0;

	for (size_t i = 0; i < rows->conflicts_kept; i++) {
		const struct conflict_row *conflict = rows->conflicts[i];

		if (conflict->map == map && (!first || conflict->first_ns < first))
			first = conflict->first_ns;
	}
	return first;
}

/* Per second, in the mean over a cell; the newest one need not be over yet. */
static double rate_in(const struct map_row *map, const struct scale *scale, uint32_t from,
                      enum timeline_what what)
{
	uint32_t end = from + scale->ticks - 1;
	double sum = 0;

	end = end < scale->newest ? end : scale->newest;
	for (uint32_t tick = from; map->timeline && tick <= end; tick++)
		sum += (double)timeline_at(map->timeline, tick, what);
	return sum / (double)(end - from + 1);
}

static void draw_cell(const struct map_row *map, const struct scale *scale, int index, int y, int x,
                      enum ground ground)
{
	uint32_t from = scale->first + (uint32_t)index * scale->ticks;
	double conflicts = rate_in(map, scale, from, TIMELINE_CONFLICTS);
	double unordered = rate_in(map, scale, from, TIMELINE_UNORDERED);
	char digit[2] = "";

	if (conflicts > 0 || !(unordered > 0)) {
		draw_heat(y, x, scale->width, heat_level(conflicts, conflicts > 0), ground);
		return;
	}
	digit[0] = (char)('0' + heat_level(unordered, 1));
	draw_as(y, x + (scale->width - 1) / 2, 1, STYLE_WARN, ground, TEXT_WHOLE, digit);
}

void heat_when_row_draw(const struct rows *rows, const struct map_row *map, const struct rect *line,
                        enum ground ground)
{
	struct scale scale = scale_of(rows, line);
	uint64_t first = map->conflicts || map->order.unordered ? first_seen(rows, map) : 0;
	char age[FORMAT_MAX];

	draw_text(line->y, line->x, line->width, STYLE_TEXT, ground, "");
	if (!map->conflicts && !map->order.unordered)
		return;
	if (first)
		draw_right(line->y, line->x, FIRST_WIDTH - 1, STYLE_TEXT, ground,
		           format_age(rows->now_ns, first, age));
	for (int i = 0; i < scale.cells; i++)
		draw_cell(map, &scale, i, line->y, line->x + FIRST_WIDTH + i * scale.width, ground);
}
