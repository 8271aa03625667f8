/* SPDX-License-Identifier: MIT */
/*
 * chain_list: the conflicts of one map, each with its two source lines, then its sampled call
 * chains: a list with items of different heights, used by the overview and by the map view.
 */
#ifndef GOMAPTOP_TUI_CHAIN_LIST_H
#define GOMAPTOP_TUI_CHAIN_LIST_H

#include <stdbool.h>

#include "tui/term/layout.h"
#include "tui/widget/list.h"
#include "tui/words/pattern.h"
#include "tui/words/range.h"
#include "tui/words/rows.h"

#define CHAIN_LIST_CONFLICTS_MAX 256
#define CHAIN_LIST_CHAINS_MAX    512

struct chain_list {
	struct list list;
	struct map_row *map; /* NULL: none */
	struct conflict_row *conflicts[CHAIN_LIST_CONFLICTS_MAX];
	size_t conflict_count;
	struct chain_row *rows[CHAIN_LIST_CHAINS_MAX]; /* sampled call chains */
	size_t row_count;
	bool in_range;           /* not all of them are shown */
	unsigned int map_number; /* whose selection this is */
	bool open;               /* the selected call chain shows all of its frames */
	int first_y;             /* line of list.top as drawn last, for the mouse; -1: not drawn */
};

/* The rows were refreshed, or another map is shown: map == NULL empties the list. Only what
 * concerns the range is shown. */
void chain_list_set(struct chain_list *chains, const struct rows *rows, struct map_row *map,
                    const struct range *range);
/* Draw it into area; says why when there is nothing. */
void chain_list_draw(struct chain_list *chains, const struct rows *rows, const struct rect *area,
                     bool focused);
/* The item in a line of the screen is selected. False: there is none. *again: it was selected
 * before. */
bool chain_list_click(struct chain_list *chains, int y, bool *again);
/* Select the next (by = 1) or previous (-1) item that the pattern is found in. False: none. */
bool chain_list_search(struct chain_list *chains, const struct pattern *pattern, int by);
/* The selection was moved: from now on follow the item that is selected. */
void chain_list_follow(struct chain_list *chains);
/* NULL when the selected item is no conflict. */
struct conflict_row *chain_list_conflict(const struct chain_list *chains);

#endif
