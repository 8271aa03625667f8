/* SPDX-License-Identifier: MIT */
#include "tui/term/layout.h"

#define TWO_ROWS_FROM 18 /* terminal lines from which maps and chains are both shown */
#define BODY_MIN      5  /* lines that a banner leaves to the rest */
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

/* What a layout is made from. */
struct plan {
	enum pane_id focus;
	struct layout_wish wish;
};

bool layout_is_out(const struct layout_wish *wish, enum pane_id pane)
{
	return wish->hidden[pane] || (pane == PANE_HEAT && wish->heat_idle);
}

static bool shown(const struct plan *plan, enum pane_id pane)
{
	return pane == plan->focus || !layout_is_out(&plan->wish, pane);
}

static int within(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

/* Two neighbours in one row: both where there is room, else the focused one, else the main one. */
static int place_pair(struct layout *out, const struct plan *plan, const struct rect *area,
                      enum pane_id left, enum pane_id right, enum pane_id main_pane, int from,
                      int left_columns)
{
	bool both = shown(plan, left) && shown(plan, right);
	enum pane_id other = main_pane == left ? right : left;

	if (both && area->width >= from)
		return split_columns(area, left_columns, &out->pane[left], &out->pane[right]);
	if (plan->focus == other || !shown(plan, main_pane))
		main_pane = other;
	if (shown(plan, main_pane))
		out->pane[main_pane] = *area;
	return -1;
}

static void place_upper(struct layout *out, const struct plan *plan, const struct rect *area)
{
	int maps = area->width - heat_width(area->width) - 1 + plan->wish.maps_columns;

	out->upper_divider_x = place_pair(out, plan, area, PANE_MAPS, PANE_HEAT, PANE_MAPS,
	                                  HEAT_FROM, within(maps, 20, area->width - 11));
}

static void place_lower(struct layout *out, const struct plan *plan, const struct rect *area)
{
	int goroutines = area->width * 2 / 5 + 2 + plan->wish.goroutines_columns;

	out->lower_divider_x =
	        place_pair(out, plan, area, PANE_GOROUTINES, PANE_CHAINS, PANE_CHAINS, BESIDE_FROM,
	                   within(goroutines, 16, area->width - 21));
}

static void place_panes(struct layout *out, const struct plan *plan, const struct rect *body)
{
	struct rect upper = *body, lower = *body;
	bool above = shown(plan, PANE_MAPS) || shown(plan, PANE_HEAT);
	bool below = shown(plan, PANE_GOROUTINES) || shown(plan, PANE_CHAINS);
	int lines = body->height + 3 >= TALL_FROM ? body->height / 2 : body->height * 10 / 21;

	if (body->height + 3 < TWO_ROWS_FROM)
		*(is_upper(plan->focus) ? &below : &above) = false;
	if (above && below) {
		upper.height = within(lines + plan->wish.upper_lines, 5, body->height - 5);
		lower.y = body->y + upper.height;
		lower.height = body->height - upper.height;
	}
	if (above)
		place_upper(out, plan, &upper);
	if (below)
		place_lower(out, plan, &lower);
}

struct layout layout_compute(int height, int width, enum pane_id focus,
                             const struct layout_wish *wish)
{
	struct layout out = {.upper_divider_x = -1, .lower_divider_x = -1};
	struct plan plan = {.focus = focus};
	int banner;

	if (height < LAYOUT_MIN_HEIGHT || width < LAYOUT_MIN_WIDTH) {
		out.too_small = true;
		return out;
	}
	if (wish)
		plan.wish = *wish;
	out.header = (struct rect){0, 0, 2, width};
	out.keys = (struct rect){height - 1, 0, 1, width};
	banner = within(plan.wish.banner_lines, 0, height - 3 - BODY_MIN);
	out.banner = (struct rect){2, 0, banner, width};
	out.body = (struct rect){2 + banner, 0, height - 3 - banner, width};
	if (plan.wish.zoomed)
		out.pane[focus] = out.body;
	else
		place_panes(&out, &plan, &out.body);
	return out;
}
