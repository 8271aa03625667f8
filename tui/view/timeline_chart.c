/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/timeline_chart.h"

#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/words/format.h"

#define LABEL_WIDTH 16 /* "conflicts  1.2k " */
#define BAR_STEPS   8  /* heights within one character */

static const struct {
	const char *name;
	enum style style;
} series[TIMELINE_COUNT] = {
        [TIMELINE_READS] = {"reads/s", STYLE_LOOK},
        [TIMELINE_CHANGES] = {"changes/s", STYLE_CHANGE},
        [TIMELINE_CONFLICTS] = {"conflicts/s", STYLE_BAD},
        [TIMELINE_UNORDERED] = {"unordered/s", STYLE_WARN},
};

/* Anything above zero shows. */
static int bar_steps(float rate, float most, int lines)
{
	int steps = (int)((double)rate / (double)most * lines * BAR_STEPS + 0.5);

	return rate > 0 && steps < 1 ? 1 : steps;
}

static void draw_bar(int steps, int y, int x, int lines, enum style style)
{
	for (int line = 0; line < lines && steps > 0; line++, steps -= BAR_STEPS)
		draw_glyphs(
		        y - line, x, 1, style, GROUND_NONE,
		        (enum glyph)(GLYPH_BAR_1 + (steps > BAR_STEPS ? BAR_STEPS : steps) - 1));
}

static void draw_series(const struct rows *rows, const struct map_row *map, int what,
                        const struct rect *area)
{
	int columns = area->width - LABEL_WIDTH;
	uint32_t newest = rows->clock.tick;
	char rate[FORMAT_MAX];
	float most = 0;

	for (int i = 0; i < columns && (uint32_t)i < newest; i++) {
		float here = timeline_at(map->timeline, newest - (uint32_t)i, what);

		most = here > most ? here : most;
	}
	draw_word(area->y + area->height - 1, area->x, 11, STYLE_DIM, GROUND_NONE,
	          series[what].name);
	draw_right(area->y + area->height - 1, area->x + 11, 4, STYLE_TEXT, GROUND_NONE,
	           format_rate((double)most, rate));
	for (int i = 0; most > 0 && i < columns && (uint32_t)i < newest; i++)
		draw_bar(bar_steps(timeline_at(map->timeline, newest - (uint32_t)i, what), most,
		                   area->height),
		         area->y + area->height - 1, area->x + area->width - 1 - i, area->height,
		         series[what].style);
}

void timeline_chart_draw(const struct rows *rows, const struct map_row *map,
                         const struct rect *area)
{
	/* The last series only where there is something in it. */
	int shown = map->order.unordered ? TIMELINE_COUNT : TIMELINE_UNORDERED;
	int lines = area->height / shown;
	struct rect part = {area->y, area->x, lines, area->width};

	if (!map->timeline) {
		draw_wrapped(area->y, area->x, area->width, area->height, STYLE_DIM,
		             "No timeline: it is kept for maps with findings and for the first "
		             "2,048 others that are used.");
		return;
	}
	if (lines < 1 || area->width <= LABEL_WIDTH)
		return;
	for (int what = 0; what < shown; what++, part.y += lines)
		draw_series(rows, map, what, &part);
}
