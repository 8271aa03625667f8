/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/widget/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tui/term/draw.h"
#include "tui/words/format.h"

#define POINTER_WIDTH 2 /* columns of the mark in front of the selected row */

void table_init(struct table *table, const struct table_spec *spec)
{
	*table = (struct table){.spec = spec, .sort = spec->sort};
}

void table_reset(struct table *table)
{
	table->sort = table->spec->sort;
	table->reversed = false;
	table->hidden = 0;
}

void table_free(struct table *table)
{
	free(table->rows);
	table->rows = NULL;
	table->count = table->room = table->total = table->ordered = 0;
}

/* ---- order --------------------------------------------------------------------------- */

/* Whether the largest come first. */
static bool descends(const struct table *table)
{
	return table->spec->columns[table->sort].big_first != table->reversed;
}

static int compare_rows(const void *left, const void *right, void *ctx)
{
	const struct table *table = ctx;
	const struct column *column = &table->spec->columns[table->sort];
	const void *a = *(const void *const *)left, *b = *(const void *const *)right;
	int order = column->compare(a, b);
	uint64_t x, y;

	if (order)
		return descends(table) ? -order : order;
	x = table->spec->key(a);
	y = table->spec->key(b);
	return (x > y) - (x < y);
}

/* rows[] is a heap with the row that comes last on top. */
static void heap_sink(struct table *table, const void **rows, size_t i, size_t count)
{
	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		const void *row = rows[i];

		if (child + 1 < count && compare_rows(&rows[child + 1], &rows[child], table) > 0)
			child++;
		if (compare_rows(&rows[child], &row, table) <= 0)
			return;
		rows[i] = rows[child];
		rows[child] = row;
	}
}

/* Bring the first few of rows[0..count) to the front, in whatever order. */
static void select_first(struct table *table, const void **rows, size_t few, size_t count)
{
	for (size_t i = few / 2; i-- > 0;)
		heap_sink(table, rows, i, few);
	for (size_t i = few; i < count; i++) {
		const void *row = rows[i];

		if (compare_rows(&row, &rows[0], table) >= 0)
			continue;
		rows[i] = rows[0];
		rows[0] = row;
		heap_sink(table, rows, 0, few);
	}
}

#define ORDER_AHEAD 128 /* rows: more than a screen has lines */

/* Have all rows up to an index in order. */
static void order_to(struct table *table, size_t index)
{
	const void **rest = table->rows + table->ordered;
	size_t count = table->count - table->ordered, few;

	if (index < table->ordered || !count)
		return;
	few = index - table->ordered + ORDER_AHEAD;
	if (few < count / 4)
		select_first(table, rest, few, count);
	else
		few = count;
	qsort_r(rest, few, sizeof(*rest), compare_rows, table);
	table->ordered += few;
}

static void sort_by(struct table *table, int column)
{
	if (column < 0 || column >= table->spec->column_count ||
	    !table->spec->columns[column].compare)
		return;
	table->reversed = column == table->sort ? !table->reversed : false;
	table->sort = column;
}

void table_sort_step(struct table *table, int by)
{
	int count = table->spec->column_count, column = table->sort;

	do
		column = (column + by + count) % count;
	while (column != table->sort && (!table->spec->columns[column].compare ||
	                                 ((table->hidden | table->absent) >> column & 1)));
	table->reversed = false;
	table->sort = column;
}

/* ---- rows ---------------------------------------------------------------------------- */

static uint64_t row_key(const void *ctx, size_t index)
{
	const struct table *table = ctx;

	return table->spec->key(table->rows[index]);
}

/* The place of the selected row in the order of now; of a row that is gone, the one it had. */
static size_t selected_place(const struct table *table)
{
	size_t at = 0, before = 0;

	if (!table->list.moved)
		return 0;
	while (at < table->count && row_key(table, at) != table->list.key)
		at++;
	if (at == table->count)
		return table->list.selected;
	for (size_t i = 0; i < table->count; i++)
		before += compare_rows(&table->rows[i], &table->rows[at], (void *)table) < 0;
	return before;
}

#define PREFETCH   16 /* rows */
#define CACHE_LINE 64

/* What a filter remembers rows by stands in their first two lines. */
static void row_prefetch(const void *row)
{
	__builtin_prefetch(row);
	__builtin_prefetch((const char *)row + CACHE_LINE);
}

int table_set(struct table *table, const void *const *rows, size_t count, const void *ctx,
              bool filtered)
{
	const void **more;

	table->count = table->ordered = 0;
	table->total = count;
	if (count > table->room) {
		more = reallocarray(table->rows, count, sizeof(*more));
		if (!more) {
			list_sync(&table->list, 0, row_key, table);
			return -ENOMEM;
		}
		table->rows = more;
		table->room = count;
	}
	for (size_t i = 0; i < count; i++) {
		if (filtered && i + PREFETCH < count)
			row_prefetch(rows[i + PREFETCH]);
		if (!filtered || table->spec->admits(ctx, rows[i]))
			table->rows[table->count++] = rows[i];
	}
	order_to(table, selected_place(table));
	list_sync(&table->list, table->count, row_key, table);
	return 0;
}

const void *table_row(struct table *table, size_t index)
{
	order_to(table, index);
	return table->rows[index];
}

const void *table_selected(const struct table *table)
{
	return table->list.selected < table->count ? table->rows[table->list.selected] : NULL;
}

void table_follow(struct table *table)
{
	if (table->list.selected >= table->count)
		return;
	order_to(table, table->list.selected);
	table->list.key = row_key(table, table->list.selected);
}

static void select_index(struct table *table, size_t index)
{
	table->list.selected = index;
	table->list.moved = true;
	table_follow(table);
}

bool table_select(struct table *table, uint64_t key)
{
	order_to(table, table->count);
	for (size_t i = 0; i < table->count; i++)
		if (row_key(table, i) == key) {
			select_index(table, i);
			return true;
		}
	return false;
}

bool table_search(struct table *table, const void *ctx, const struct pattern *pattern, int by)
{
	size_t at = table->list.selected;

	order_to(table, table->count);
	for (size_t i = 0; i < table->count; i++) {
		at = (at + table->count + (size_t)(ptrdiff_t)by) % table->count;
		if (table->spec->matches(ctx, table->rows[at], pattern)) {
			select_index(table, at);
			return true;
		}
	}
	return false;
}

/* ---- drawing and clicking ------------------------------------------------------------ */

const char *table_title(const struct table *table, const char *what, char *out, size_t size)
{
	char count[FORMAT_MAX], total[FORMAT_MAX];

	if (table->count == table->total)
		snprintf(out, size, "%s %s", what, format_count(table->count, count));
	else
		snprintf(out, size, "%s %s of %s", what, format_count(table->count, count),
		         format_count(table->total, total));
	return out;
}

const char *table_order(const struct table *table, char *out, size_t size)
{
	const struct column *column = &table->spec->columns[table->sort];

	snprintf(out, size, "by %s%s", column->title,
	         !table->reversed    ? ""
	         : column->big_first ? ", smallest first"
	                             : ", last first");
	return out;
}

static void draw_row(struct table *table, const struct rect *area, int y, size_t index,
                     enum ground marked)
{
	const struct table_spec *spec = table->spec;
	bool selected = index == table->list.selected && marked != GROUND_NONE;
	enum ground ground = selected ? marked : GROUND_NONE;

	draw_text(y, area->x, POINTER_WIDTH, STYLE_STRONG, ground,
	          selected ? glyph(GLYPH_POINTER) : "");
	columns_draw_row(spec->columns, spec->column_count, table->widths, y,
	                 area->x + POINTER_WIDTH, area->width - POINTER_WIDTH, ground,
	                 table_row(table, index));
}

/* As wide as the rows on the screen need them. Without rows nothing is idle. */
static void fit_columns(struct table *table, int visible, int width)
{
	const struct table_spec *spec = table->spec;
	unsigned int hidden = table->hidden | table->absent;
	struct column_need needs[COLUMNS_MAX] = {{0}};

	for (int i = 0; i < COLUMNS_MAX; i++)
		needs[i].idle = table->count && !(table->said >> i & 1);
	for (int i = 0; i < visible && table->list.top + (size_t)i < table->count; i++)
		columns_measure(spec->columns, spec->column_count, hidden,
		                table_row(table, table->list.top + (size_t)i), needs);
	if (table->sums)
		columns_measure(spec->columns, spec->column_count, hidden, table->sums, needs);
	for (int i = 0; table->count && i < spec->column_count; i++)
		if (!needs[i].idle)
			table->said |= 1u << i;
	columns_fit(spec->columns, spec->column_count, hidden, needs, width, table->widths);
}

void table_draw(struct table *table, const struct rect *area, int footer, enum ground marked)
{
	const struct table_spec *spec = table->spec;
	int visible = area->height - 1 - footer;

	table->drawn = *area;
	table->rows_y = area->y + 1;
	list_show(&table->list, visible > 0 ? (size_t)visible : 0);
	fit_columns(table, visible, area->width - POINTER_WIDTH);
	columns_draw_titles(spec->columns, spec->column_count, table->widths, area->y,
	                    area->x + POINTER_WIDTH, area->width - POINTER_WIDTH, table->sort);
	for (int i = 0; i < visible && table->list.top + (size_t)i < table->count; i++)
		draw_row(table, area, table->rows_y + i, table->list.top + (size_t)i, marked);
}

bool table_click(struct table *table, int y, int x, bool *opened)
{
	size_t index = table->list.top + (size_t)(y - table->rows_y);

	*opened = false;
	if (y == table->rows_y - 1) {
		int column = columns_at(table->spec->column_count, table->widths,
		                        x - table->drawn.x - POINTER_WIDTH);

		if (column < 0)
			return false;
		sort_by(table, column);
		return true;
	}
	if (y < table->rows_y || index >= table->count ||
	    (size_t)(y - table->rows_y) >= table->list.page)
		return false;
	*opened = index == table->list.selected && table->list.moved;
	select_index(table, index);
	return true;
}
