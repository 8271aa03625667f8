/* SPDX-License-Identifier: MIT */
/*
 * list: what is selected and what is scrolled to, in a list that it knows nothing else about.
 *
 * Rows are remembered by a key, so that the selection follows its row when the order changes. As
 * long as no key or click has moved it, the selection stays on the first row: the worst news comes
 * first.
 */
#ifndef GOMAPTOP_TUI_LIST_H
#define GOMAPTOP_TUI_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/term/keymap.h"

struct list {
	size_t count, selected, top;
	size_t page;  /* rows that were visible when it was last drawn */
	uint64_t key; /* of the selected row */
	bool moved;
};

/* The rows have changed: find the selected one again. key_of(ctx, index) names a row. */
void list_sync(struct list *list, size_t count, uint64_t (*key_of)(const void *ctx, size_t index),
               const void *ctx);
/* Up, down, page, home, end. True when the action was one of these (even when nothing moved). */
bool list_act(struct list *list, enum action action);
/* Scroll so that the selected row is among the visible ones (each row one line). */
void list_show(struct list *list, size_t visible);
/* Select the next (by = 1) or previous (-1) row for which has(ctx, index) is true, round the end;
 * the caller then sets the key. False: there is none. */
bool list_search(struct list *list, int by, bool (*has)(const void *ctx, size_t index),
                 const void *ctx);

#endif
