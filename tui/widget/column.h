/* SPDX-License-Identifier: MIT */
/*
 * column: a column is a row of a table: title, width, what it shows.
 *
 * A column says what kind of text it holds, and so what goes of a text that is too wide: of a
 * number or an id nothing, such a column is as wide as its widest row. Where not all columns fit,
 * those go first that say nothing in any row (empty, "0" or "-"), then the least important ones;
 * what is left over widens names to their full length, then those that can grow.
 * columns_measure() and columns_fit() draw nothing; the others do.
 */
#ifndef GOMAPTOP_TUI_COLUMN_H
#define GOMAPTOP_TUI_COLUMN_H

#include <stdbool.h>

#include "tui/term/layout.h"
#include "tui/term/style.h"
#include "tui/term/text.h"

#define COLUMNS_MAX 16
#define CELL_MAX    1024

struct cell {
	char text[CELL_MAX]; /* need not be sanitized */
	char *type; /* where in text a Go type begins, to be shortened where it does not fit */
	enum style style;
};

struct column {
	const char *title;
	int width;      /* at least */
	int grow;       /* share of the columns that are left over */
	int importance; /* the lowest goes first; ties: the rightmost */
	bool right;     /* figures stand at the right */
	/* Fill *cell (empty, STYLE_TEXT on entry) for one row. */
	void (*render)(const void *row, struct cell *cell);
	/* Order of two rows, smallest first, as strcmp. NULL: nothing to sort by. */
	int (*compare)(const void *a, const void *b);
	const char *help; /* what it shows, for the help view and the setup screen */
	bool big_first;   /* what people want to see first is the largest */
	enum text_kind holds;
};

/* Order of two figures, for compare(). */
static inline int column_order(double a, double b)
{
	return (a > b) - (a < b);
}

/* What the rows on the screen need of a column. All zero: nothing beyond its width. */
struct column_need {
	int least; /* narrower it cannot be */
	int want;  /* as wide nothing is shortened; 0: it does not tell */
	bool idle; /* it says nothing in any row: it is shown where all others stand in full */
};

/* Add what one row needs. hidden: a bit for each column that is not wanted. */
void columns_measure(const struct column *columns, int count, unsigned int hidden, const void *row,
                     struct column_need needs[COLUMNS_MAX]);

/* Widths for count columns with one blank between neighbours; 0: not shown. needs == NULL: none. */
void columns_fit(const struct column *columns, int count, unsigned int hidden,
                 const struct column_need *needs, int width, int widths[COLUMNS_MAX]);

/* Which column stands dx columns right of where the titles begin; -1: none. */
int columns_at(int count, const int *widths, int dx);

/* Draw the titles, or one row, into width columns from x on. sort: the column that the rows are
 * sorted by, it gets a mark; -1: none. */
void columns_draw_titles(const struct column *columns, int count, const int *widths, int y, int x,
                         int width, int sort);
void columns_draw_row(const struct column *columns, int count, const int *widths, int y, int x,
                      int width, enum ground ground, const void *row);

#endif
