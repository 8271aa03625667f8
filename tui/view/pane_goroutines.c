/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"
#include "tui/view/copy_text.h"
#include "tui/view/pane.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"
#include "tui/words/match.h"

static void render_goid(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;

	snprintf(cell->text, sizeof(cell->text), "%" PRIu64, goroutine->goid);
	if (goroutine->ended || goroutine->retired)
		cell->style = STYLE_DIM;
}

static void render_rate(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;
	char text[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s",
	         goroutine->rate_estimated ? format_rate_estimated(goroutine->rate, text)
	                                   : format_rate(goroutine->rate, text));
	if (!(goroutine->rate > 0))
		cell->style = STYLE_DIM;
}

static void show_count(uint64_t count, struct cell *cell)
{
	char text[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s", format_count(count, text));
	if (!count)
		cell->style = STYLE_DIM;
}

static uint64_t looks_of(const struct goroutine_row *goroutine)
{
	return goroutine->ops[OP_READ] + goroutine->ops[OP_ITERATE];
}

static uint64_t changes_of(const struct goroutine_row *goroutine)
{
	return goroutine->ops[OP_WRITE] + goroutine->ops[OP_DELETE] + goroutine->ops[OP_CLEAR];
}

static void render_looks(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;

	show_count(looks_of(goroutine), cell);
}

static void render_changes(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;

	show_count(changes_of(goroutine), cell);
}

static void render_conflicts(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;

	show_count(goroutine->conflicts, cell);
	if (goroutine->conflicts)
		cell->style = STYLE_BAD;
}

static void render_maps(const void *row, struct cell *cell)
{
	show_count(((const struct goroutine_row *)row)->maps, cell);
}

static void show_line(const struct frame *frame, struct cell *cell)
{
	if (frame->function || frame->pc)
		format_line(frame, cell->text, sizeof(cell->text));
}

static void show_function(const struct frame *frame, struct cell *cell)
{
	if (frame->function || frame->pc)
		format_function(frame, cell->text, sizeof(cell->text));
}

static void render_line(const void *row, struct cell *cell)
{
	show_line(&((const struct goroutine_row *)row)->last_use, cell);
	cell->style = STYLE_LINE;
}

static void render_function(const void *row, struct cell *cell)
{
	show_function(&((const struct goroutine_row *)row)->last_use, cell);
}

static void render_creator(const void *row, struct cell *cell)
{
	show_line(&((const struct goroutine_row *)row)->created_by, cell);
	cell->style = STYLE_DIM;
}

#define ORDER_BY(name, figure)                                             \
	static int compare_##name(const void *left, const void *right)     \
	{                                                                  \
		const struct goroutine_row *a = left, *b = right;          \
                                                                           \
		return column_order((double)figure(a), (double)figure(b)); \
	}

#define GOID_OF(goroutine)      ((goroutine)->goid)
#define RATE_OF(goroutine)      ((goroutine)->rate)
#define CONFLICTS_OF(goroutine) ((goroutine)->conflicts)
#define MAPS_OF(goroutine)      ((goroutine)->maps)
ORDER_BY(goid, GOID_OF)
ORDER_BY(looks, looks_of)
ORDER_BY(changes, changes_of)
ORDER_BY(conflicts, CONFLICTS_OF)
ORDER_BY(maps, MAPS_OF)

/* Idle ones stay in the order of what they did in all. */
static int compare_rate(const void *left, const void *right)
{
	const struct goroutine_row *a = left, *b = right;
	int order = column_order(RATE_OF(a), RATE_OF(b));

	return order ? order
	             : column_order((double)(looks_of(a) + changes_of(a)),
	                            (double)(looks_of(b) + changes_of(b)));
}

static int compare_frames(const struct frame *a, const struct frame *b)
{
	int order = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int compare_last(const void *left, const void *right)
{
	return compare_frames(&((const struct goroutine_row *)left)->last_use,
	                      &((const struct goroutine_row *)right)->last_use);
}

static int compare_creator(const void *left, const void *right)
{
	return compare_frames(&((const struct goroutine_row *)left)->created_by,
	                      &((const struct goroutine_row *)right)->created_by);
}

static const struct column columns[] = {
        {"goid", 6, 0, 100, true, render_goid, compare_goid, "number of the goroutine", false},
        {"ops/s", 5, 0, 90, true, render_rate, compare_rate, "its map operations per second", true},
        {"reads", 5, 0, 20, true, render_looks, compare_looks, "reads and iterations so far", true},
        {"chgs", 4, 0, 30, true, render_changes, compare_changes,
         "writes, deletes and clears so far", true},
        {"confl", 5, 0, 80, true, render_conflicts, compare_conflicts, "conflicts it was part of",
         true},
        {"maps", 4, 0, 10, true, render_maps, compare_maps, "maps that it used", true},
        {"last at", 11, 1, 70, false, render_line, compare_last, "line of its latest map operation",
         false},
        {"in", 12, 3, 60, false, render_function, NULL, "function of that line", false},
        {"created by", 16, 1, 5, false, render_creator, compare_creator,
         "line of the go statement that made it", false},
};

#define COLUMN_COUNT ((int)(sizeof(columns) / sizeof(columns[0])))
#define COLUMN_RATE  1

static uint64_t key(const void *row)
{
	const struct goroutine_row *goroutine = row;

	return (uint64_t)goroutine->tgid << 40 ^ goroutine->goid;
}

static bool matches(const void *ctx, const void *row, const struct pattern *pattern)
{
	(void)ctx;
	return match_goroutine(row, pattern);
}

static bool admits(const void *ctx, const void *row)
{
	const struct ui *ui = ctx;

	return range_has_goroutine(&ui->range, &ui->rows, row) &&
	       (pattern_is_empty(&ui->filter) || match_goroutine(row, &ui->filter));
}

const struct table_spec goroutines_table = {
        .name = "goroutines",
        .columns = columns,
        .column_count = COLUMN_COUNT,
        .sort = COLUMN_RATE,
        .key = key,
        .matches = matches,
        .admits = admits,
};

static void draw(struct ui *ui, const struct rect *area, bool focused)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	char title[96], order[64], why[EXPLAIN_MAX];

	table_title(&ui->goroutines, "Goroutines", title, sizeof(title));
	draw_title(area, focused, title, table_order(&ui->goroutines, order, sizeof(order)));
	if (!ui->goroutines.count) {
		draw_wrapped(body.y, body.x + 1, body.width - 2, body.height, STYLE_DIM,
		             ui->goroutines.total
		                     ? explain_filtered(ui->goroutines.total, "goroutines",
		                                        &ui->filter, why)
		                     : explain_no_goroutines(&ui->rows, ui->gone, why));
		return;
	}
	table_draw(&ui->goroutines, &body, 0, focused ? GROUND_SELECTED : GROUND_NONE);
}

static enum handled act(struct ui *ui, enum action action)
{
	if (list_act(&ui->goroutines.list, action))
		return HANDLED;
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	if (table_selected(&ui->goroutines))
		goroutine_view_open(ui, table_selected(&ui->goroutines));
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	bool opened, known = table_click(&ui->goroutines, y, x, &opened);

	if (opened)
		act(ui, ACTION_OPEN);
	return known;
}

static struct table *table(struct ui *ui)
{
	return &ui->goroutines;
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	return copy_table(&ui->goroutines, out, size);
}

const struct pane_ops pane_goroutines = {"goroutines", draw, act, click, table, copy};
