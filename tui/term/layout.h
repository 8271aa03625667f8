/* SPDX-License-Identifier: MIT */
/*
 * layout: terminal size -> rectangles of the panes. Pure arithmetic, any thread.
 *
 * Panes never overlap and never leave the terminal. A pane that has no room has height 0 and is
 * not drawn; the focused pane always has room from LAYOUT_MIN_WIDTH x LAYOUT_MIN_HEIGHT on.
 */
#ifndef GOMAPTOP_TUI_LAYOUT_H
#define GOMAPTOP_TUI_LAYOUT_H

#include <stdbool.h>

#define LAYOUT_MIN_WIDTH  40
#define LAYOUT_MIN_HEIGHT 10

struct rect {
	int y, x, height, width;
};

static inline bool rect_has(const struct rect *rect, int y, int x)
{
	return y >= rect->y && y < rect->y + rect->height && x >= rect->x &&
	       x < rect->x + rect->width;
}

/* The panes that can have the focus, in the order of Tab. */
enum pane_id { PANE_MAPS, PANE_HEAT, PANE_GOROUTINES, PANE_CHAINS, PANE_COUNT };

struct layout {
	bool too_small;
	struct rect header, keys;
	struct rect banner;                   /* below the header; height 0: there is none */
	struct rect body;                     /* between these and the keys, for full views */
	struct rect pane[PANE_COUNT];         /* title line included */
	int upper_divider_x, lower_divider_x; /* column of the line between neighbours; -1: none */
};

/* What the user made of it. All zero: as it comes. */
struct layout_wish {
	bool zoomed;             /* the focused pane fills the body */
	bool hidden[PANE_COUNT]; /* the focused one shows all the same */
	bool heat_idle;          /* there is nothing to show in the heatmap: as if hidden */
	int upper_lines;         /* lines more (or less) for maps and heatmap */
	int maps_columns;        /* columns more for the maps, less for the heatmap */
	int goroutines_columns;  /* columns more for the goroutines, less for the chains */
	int banner_lines;        /* of the banner; fewer where the body would become too low */
};

/* Whether a pane that has not the focus gets room at all. */
bool layout_is_out(const struct layout_wish *wish, enum pane_id pane);

/* wish == NULL: none. Where there is no room for a wish it is granted as far as there is. */
struct layout layout_compute(int height, int width, enum pane_id focus,
                             const struct layout_wish *wish);

#endif
