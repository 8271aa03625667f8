/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"
#include "tui/view/table_pane.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"
#include "tui/words/match.h"

static void render_pid(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%u", ((const struct goroutine_row *)row)->tgid);
	cell->style = STYLE_DIM;
}

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
	return OPS_CHANGING(goroutine->ops);
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

#define PID_OF(goroutine)       ((goroutine)->tgid)
#define GOID_OF(goroutine)      ((goroutine)->goid)
#define RATE_OF(goroutine)      ((goroutine)->rate)
#define CONFLICTS_OF(goroutine) ((goroutine)->conflicts)
#define MAPS_OF(goroutine)      ((goroutine)->maps)
ORDER_BY(pid, PID_OF)
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

enum {
	COLUMN_PID,
	COLUMN_GOID,
	COLUMN_RATE,
	COLUMN_READS,
	COLUMN_CHANGES,
	COLUMN_CONFLICTS,
	COLUMN_MAPS,
	COLUMN_LINE,
	COLUMN_FUNCTION,
	COLUMN_CREATOR,
	COLUMN_COUNT
};

static const struct column columns[COLUMN_COUNT] = {
        [COLUMN_PID] = {.title = "pid",
                        .holds = TEXT_WHOLE,
                        .width = 5,
                        .importance = 95,
                        .right = true,
                        .render = render_pid,
                        .compare = compare_pid,
                        .help = "process of the goroutine, where several are watched"},
        [COLUMN_GOID] = {.title = "goid",
                         .holds = TEXT_WHOLE,
                         .width = 6,
                         .importance = 100,
                         .right = true,
                         .render = render_goid,
                         .compare = compare_goid,
                         .help = "number of the goroutine"},
        [COLUMN_RATE] = {.title = "ops/s",
                         .holds = TEXT_WHOLE,
                         .width = 5,
                         .importance = 90,
                         .right = true,
                         .render = render_rate,
                         .compare = compare_rate,
                         .help = "its map operations per second",
                         .big_first = true},
        [COLUMN_READS] = {.title = "reads",
                          .holds = TEXT_WHOLE,
                          .width = 5,
                          .importance = 20,
                          .right = true,
                          .render = render_looks,
                          .compare = compare_looks,
                          .help = "reads and iterations so far",
                          .big_first = true},
        [COLUMN_CHANGES] = {.title = "chgs",
                            .holds = TEXT_WHOLE,
                            .width = 4,
                            .importance = 30,
                            .right = true,
                            .render = render_changes,
                            .compare = compare_changes,
                            .help = "writes, deletes and clears so far",
                            .big_first = true},
        [COLUMN_CONFLICTS] = {.title = "confl",
                              .holds = TEXT_WHOLE,
                              .width = 5,
                              .importance = 80,
                              .right = true,
                              .render = render_conflicts,
                              .compare = compare_conflicts,
                              .help = "conflicts it was part of",
                              .big_first = true},
        [COLUMN_MAPS] = {.title = "maps",
                         .holds = TEXT_WHOLE,
                         .width = 4,
                         .importance = 10,
                         .right = true,
                         .render = render_maps,
                         .compare = compare_maps,
                         .help = "maps that it used",
                         .big_first = true},
        [COLUMN_LINE] = {.title = "last at",
                         .holds = TEXT_PLACE,
                         .width = 11,
                         .grow = 1,
                         .importance = 70,
                         .render = render_line,
                         .compare = compare_last,
                         .help = "line of its latest map operation"},
        [COLUMN_FUNCTION] = {.title = "in",
                             .holds = TEXT_FUNCTION,
                             .width = 12,
                             .grow = 3,
                             .importance = 60,
                             .render = render_function,
                             .help = "function of that line"},
        [COLUMN_CREATOR] = {.title = "created by",
                            .holds = TEXT_PLACE,
                            .width = 16,
                            .grow = 1,
                            .importance = 5,
                            .render = render_creator,
                            .compare = compare_creator,
                            .help = "line of the go statement that made it"},
};

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
        .of_several = 1u << COLUMN_PID,
        .key = key,
        .matches = matches,
        .admits = admits,
};

static void draw(struct ui *ui, const struct pane_ops *pane, const struct rect *area, bool focused)
{
	table_pane_rows_draw(ui, pane, area, focused, 0, GROUND_NONE);
}

static struct table *table(struct ui *ui)
{
	return &ui->goroutines;
}

static void open_row(struct ui *ui, const void *row)
{
	goroutine_view_open(ui, row);
}

const struct pane_ops pane_goroutines = {
        .name = "goroutines",
        .draw = draw,
        .act = table_pane_act,
        .click = table_pane_click,
        .copy = table_pane_copy,
        .table = table,
        .title = "Goroutines",
        .rows_name = "goroutines",
        .open = open_row,
        .why_empty = explain_no_goroutines,
};
