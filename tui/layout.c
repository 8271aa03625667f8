/* SPDX-License-Identifier: MIT */
#include "tui/layout.h"

#define TWO_ROWS_FROM 18 /* terminal lines from which maps and chains are both shown */
#define BESIDE_FROM   72 /* columns from which goroutines and chains stand side by side */
#define HEAT_FROM     50 /* columns from which the heatmap stands beside the maps */
#define TALL_FROM     30 /* terminal lines from which the upper row gets its half */

static bool is_upper(enum pane_id pane)
{
	return pane == PANE_MAPS || pane == PANE_HEAT;
}

/* Left part of area gets left columns, one column is the divider, the rest is for the right. */
static int split_columns(const struct rect *area, int left, struct rect *a, struct rect *b)
{
	*a = *b = *area;
	a->width = left;
	b->x = area->x + left + 1;
	b->width = area->width - left - 1;
	return area->x + left;
}

/* The heatmap gets 18 columns of 80 and up to two fifths of a wide terminal. */
static int heat_width(int width)
{
	int want = width < 80 ? width * 2 / 9 : 18 + (width - 80) / 2;

	return want > width * 2 / 5 ? width * 2 / 5 : want;
}

static void place_upper(struct layout *out, const struct rect *area, enum pane_id focus)
{
	out->upper_divider_x = -1;
	if (area->width >= HEAT_FROM)
		out->upper_divider_x =
		        split_columns(area, area->width - heat_width(area->width) - 1,
		                      &out->pane[PANE_MAPS], &out->pane[PANE_HEAT]);
	else
		out->pane[focus == PANE_HEAT ? PANE_HEAT : PANE_MAPS] = *area;
}

static void place_lower(struct layout *out, const struct rect *area, enum pane_id focus)
{
	out->lower_divider_x = -1;
	if (area->width >= BESIDE_FROM)
		out->lower_divider_x =
		        split_columns(area, area->width * 2 / 5 + 2, &out->pane[PANE_GOROUTINES],
		                      &out->pane[PANE_CHAINS]);
	else
		out->pane[focus == PANE_GOROUTINES ? PANE_GOROUTINES : PANE_CHAINS] = *area;
}

static void place_panes(struct layout *out, const struct rect *body, enum pane_id focus)
{
	struct rect upper = *body, lower = *body;

	if (body->height + 3 < TWO_ROWS_FROM) {
		if (is_upper(focus))
			place_upper(out, body, focus);
		else
			place_lower(out, body, focus);
		return;
	}
	upper.height = body->height + 3 >= TALL_FROM ? body->height / 2 : body->height * 10 / 21;
	lower.y = body->y + upper.height;
	lower.height = body->height - upper.height;
	place_upper(out, &upper, focus);
	place_lower(out, &lower, focus);
}

struct layout layout_compute(int height, int width, enum pane_id focus)
{
	struct layout out = {.upper_divider_x = -1, .lower_divider_x = -1};

	if (height < LAYOUT_MIN_HEIGHT || width < LAYOUT_MIN_WIDTH) {
		out.too_small = true;
		return out;
	}
	out.header = (struct rect){0, 0, 2, width};
	out.keys = (struct rect){height - 1, 0, 1, width};
	out.body = (struct rect){2, 0, height - 3, width};
	place_panes(&out, &out.body, focus);
	return out;
}
