/* SPDX-License-Identifier: MIT */
/*
 * table: rows with columns: sorted by any of them, filtered, searched, scrolled, drawn, clicked.
 *
 * What kind of rows they are is told by a struct table_spec, declared once beside the columns. The
 * rows themselves belong to the caller and are handed over at every refresh; the selection follows
 * its row by key when the order changes. The screen's thread.
 */
#ifndef GOMAPTOP_TUI_TABLE_H
#define GOMAPTOP_TUI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/widget/column.h"
#include "tui/widget/list.h"
#include "tui/words/pattern.h"

struct table_spec {
	const char *name; /* "maps": its section in the settings */
	const struct column *columns;
	int column_count;
	int sort;                /* column that it is sorted by at first */
	unsigned int of_several; /* a bit for each column that only tells processes apart */
	uint64_t (*key)(const void *row); /* identity of a row; also breaks ties, small first */
	/* Whether the pattern is found in this row; whether it is to be shown at all. ctx: as
	 * handed to table_set() and table_search(). */
	bool (*matches)(const void *ctx, const void *row, const struct pattern *pattern);
	bool (*admits)(const void *ctx, const void *row);
};

struct table {
	const struct table_spec *spec;
	const void *
	        *rows; /* those that the filter lets through; in order as far as was asked for */
	size_t count, room;
	size_t ordered; /* so many of them, from the front */
	size_t total;   /* before the filter */
	struct list list;
	int sort;
	bool reversed;       /* against what the column thinks best */
	unsigned int hidden; /* a bit for each column */
	unsigned int absent; /* the same: not now, says the owner, whatever was wished */
	unsigned int said;   /* the same: said something in some row since table_init(), so that it
	                      * does not come and go with the rates */
	/* As drawn last, for the mouse; rows_y: line of the first row. */
	struct rect drawn;
	int rows_y;
	int widths[COLUMNS_MAX];
	const void *sums; /* a row that the owner draws below, in the same columns; NULL: none */
};

void table_init(struct table *table, const struct table_spec *spec);
void table_free(struct table *table);
/* Order and columns as at first. */
void table_reset(struct table *table);

/* The rows of now: filter (filtered: not all are to be shown), sort, find the selected row again.
 * The rows must stay valid until the next call. -ENOMEM: the table is then empty. */
int table_set(struct table *table, const void *const *rows, size_t count, const void *ctx,
              bool filtered);

/* A row by its place in the order; index below count. Of ten thousand rows only those that are
 * asked for, and what is before them, are ever brought into order. */
const void *table_row(struct table *table, size_t index);
/* The selected row; NULL: the table is empty. */
const void *table_selected(const struct table *table);
/* The selection was moved: from now on this row is followed. */
void table_follow(struct table *table);
/* Select a row by its key. False: it is not there. */
bool table_select(struct table *table, uint64_t key);

/* Sort by the next (by = 1) or previous (-1) column that is shown. */
void table_sort_step(struct table *table, int by);

/* Select the next row (by = 1) or the previous one (-1) that the pattern is found in, round the
 * end. False: none. */
bool table_search(struct table *table, const void *ctx, const struct pattern *pattern, int by);

/* "Maps 12", "Maps 3 of 12"; "by confl, largest first". Both fill out and return it. */
const char *table_title(const struct table *table, const char *what, char *out, size_t size);
const char *table_order(const struct table *table, char *out, size_t size);

/* Titles and rows into area, the last `footer` lines left free. marked: how the selected row looks,
 * GROUND_SELECTED where the table has the keys. */
void table_draw(struct table *table, const struct rect *area, int footer, enum ground marked);

/* A click: on a title sorts (again: turns the order), on a row selects it. True: it meant
 * something; *opened is set when the row was selected before. */
bool table_click(struct table *table, int y, int x, bool *opened);

#endif
