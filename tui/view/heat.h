/* SPDX-License-Identifier: MIT */
/*
 * heat: how deep in the call chains conflicts are, and when: pictures of one map's conflicts.
 *
 * By time: a row for each depth, a column for each interval, the newest at the right. By frequency:
 * a bar for each depth, as long as the logarithm of its conflicts. (HEAT_WHEN and by map are the
 * pane's own: they share their rows with the table of maps.) Colour is conflicts per second on a
 * logarithmic scale; where there is none a digit and a shade say the same.
 */
#ifndef GOMAPTOP_TUI_HEAT_H
#define GOMAPTOP_TUI_HEAT_H

#include <stdbool.h>

#include "tui/term/keymap.h"
#include "tui/term/layout.h"
#include "tui/words/range.h"
#include "tui/words/rows.h"

/* In the order in which a key goes through them. */
enum heat_mode { HEAT_WHEN, HEAT_BY_FREQUENCY, HEAT_BY_MAP, HEAT_BY_TIME, HEAT_MODES };

/* Where the cursor is. Depth 0: nowhere yet. */
struct heat_cursor {
	enum heat_mode mode;
	int depth;     /* 1 .. STACK_DEPTH_MAX */
	uint32_t tick; /* 0: the newest interval, also when a newer one comes */
	bool marking;  /* a range reaches from the mark to the cursor */
	int mark_depth;
	uint32_t mark_tick;
};

/* The deepest call chain in a conflict of the map; 0: none. */
int heat_deepest(const struct map_row *map);

/* Left, right, up, down and the like: by time and by frequency. False: not an action of these. */
bool heat_act(struct heat_cursor *cursor, const struct rows *rows, const struct map_row *map,
              enum action action);

/* What the cursor, or the range from the mark to it, stands for. */
struct history_range heat_range(const struct heat_cursor *cursor, const struct rows *rows);
/* Whether a cell is in it, for drawing. tick 0: of whatever time. */
bool heat_is_marked(const struct heat_cursor *cursor, const struct rows *rows, int depth,
                    uint32_t tick);

/* Draw the conflicts of a map with conflicts by time or frequency (cursor->mode), legend included.
 * focused: the cursor is shown. */
void heat_draw(struct heat_cursor *cursor, const struct rows *rows, const struct map_row *map,
               const struct rect *area, bool focused);
/* "0 123456789 >100/s", each digit in its colour, in the last line of area. */
void heat_legend_draw(const struct rect *area);

#endif
