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

static enum style verdict_style(enum map_verdict verdict)
{
	static const enum style styles[VERDICT_COUNT] = {
	        [VERDICT_CONFLICT] = STYLE_CONFLICT, [VERDICT_SUSPECT] = STYLE_SUSPECT,
	        [VERDICT_GUARDED] = STYLE_GUARDED,   [VERDICT_SHARED] = STYLE_SHARED,
	        [VERDICT_LOCAL] = STYLE_LOCAL,
	};
	return styles[verdict];
}

static void render_verdict(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	if (map->verdict == VERDICT_COUNT)
		return; /* the row of sums */
	snprintf(cell->text, sizeof(cell->text), "%s", map_verdict_name(map->verdict));
	cell->style = verdict_style(map->verdict);
}

static void render_name(const void *row, struct cell *cell)
{
	const struct map_row *map = row;
	char name[CELL_MAX - 64], count[FORMAT_MAX];
	int used = 0;

	explain_map_name(map, name, sizeof(name));
	if (map->maps > 1)
		used = snprintf(cell->text, sizeof(cell->text), "%s%s ",
		                format_count(map->maps, count), glyph(GLYPH_TIMES));
	snprintf(cell->text + used, sizeof(cell->text) - (size_t)used, "%s", name);
	if (map->type && map->number)
		cell->type = cell->text + used;
	if (map->retired || map->verdict == VERDICT_COUNT)
		cell->style = STYLE_DIM;
}

static void render_number(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	if (map->number)
		snprintf(cell->text, sizeof(cell->text), "m%u", map->number);
	cell->style = STYLE_DIM;
}

static void render_first_use(const void *row, struct cell *cell)
{
	const struct map_row *map = row;
	char line[CELL_MAX / 2], function[CELL_MAX / 2 - 8];

	if (map->first_use.function)
		snprintf(cell->text, sizeof(cell->text), "%s %s",
		         format_line(&map->first_use, line, sizeof(line)),
		         format_function(&map->first_use, function, sizeof(function)));
	cell->style = STYLE_DIM;
}

static void show_rate(const struct map_row *map, double rate, struct cell *cell)
{
	char text[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s",
	         map->rate_estimated ? format_rate_estimated(rate, text) : format_rate(rate, text));
	if (!(rate > 0))
		cell->style = STYLE_DIM;
}

static void render_reads(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	show_rate(map, map->rate[OP_READ], cell);
}

static void render_writes(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	show_rate(map, map->rate[OP_WRITE], cell);
}

static void render_deletes(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	show_rate(map, map->rate[OP_DELETE] + map->rate[OP_CLEAR], cell);
}

static void render_iterations(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	show_rate(map, map->rate[OP_ITERATE], cell);
}

static void render_goroutines(const void *row, struct cell *cell)
{
	const struct map_row *map = row;
	char count[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s%s", map->goroutines_estimated ? "~" : "",
	         format_count(map->goroutines, count));
}

static void render_conflicts(const void *row, struct cell *cell)
{
	const struct map_row *map = row;
	char count[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s", format_count(map->conflicts, count));
	cell->style = map->conflicts ? STYLE_BAD : STYLE_DIM;
}

static void render_expected(const void *row, struct cell *cell)
{
	const struct map_row *map = row;
	char rate[FORMAT_MAX];

	/* Nothing can overlap where there is one goroutine or no change. */
	if (map->verdict == VERDICT_LOCAL || map->verdict == VERDICT_SHARED) {
		snprintf(cell->text, sizeof(cell->text), "-");
		cell->style = STYLE_DIM;
		return;
	}
	snprintf(cell->text, sizeof(cell->text), "%s", format_rate(map->expected_overlaps, rate));
}

/* Whether rates or totals: an order for every column. */
#define ORDER_BY(name, figure)                                             \
	static int compare_##name(const void *left, const void *right)     \
	{                                                                  \
		const struct map_row *a = left, *b = right;                \
                                                                           \
		return column_order((double)figure(a), (double)figure(b)); \
	}

#define VERDICT_OF(map)    (VERDICT_COUNT - (map)->verdict)
#define NUMBER_OF(map)     ((map)->number)
#define READS_OF(map)      ((map)->rate[OP_READ])
#define WRITES_OF(map)     ((map)->rate[OP_WRITE])
#define DELETES_OF(map)    ((map)->rate[OP_DELETE] + (map)->rate[OP_CLEAR])
#define ITERATIONS_OF(map) ((map)->rate[OP_ITERATE])
#define GOROUTINES_OF(map) ((map)->goroutines)
#define CHANGES_OF(map)    ((map)->ops[OP_WRITE] + (map)->ops[OP_DELETE] + (map)->ops[OP_CLEAR])
#define EXPECTED_OF(map)   ((map)->expected_overlaps)
ORDER_BY(verdict, VERDICT_OF)
ORDER_BY(number, NUMBER_OF)
ORDER_BY(reads, READS_OF)
ORDER_BY(writes, WRITES_OF)
ORDER_BY(deletes, DELETES_OF)
ORDER_BY(iterations, ITERATIONS_OF)
ORDER_BY(goroutines, GOROUTINES_OF)
ORDER_BY(expected, EXPECTED_OF)

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_name(const void *left, const void *right)
{
	return compare_text(((const struct map_row *)left)->type,
	                    ((const struct map_row *)right)->type);
}

static int compare_first_use(const void *left, const void *right)
{
	return compare_text(((const struct map_row *)left)->first_use.function,
	                    ((const struct map_row *)right)->first_use.function);
}

/* As in the snapshot: most conflicts, then most changing operations. */
static int compare_conflicts(const void *left, const void *right)
{
	const struct map_row *a = left, *b = right;
	uint64_t x, y;

	if (a->conflicts != b->conflicts)
		return a->conflicts > b->conflicts ? 1 : -1;
	x = CHANGES_OF(a);
	y = CHANGES_OF(b);
	return (x > y) - (x < y);
}

static const struct column columns[] = {
        {"verdict", 8, 0, 90, false, render_verdict, compare_verdict, "what is known of the map",
         true},
        {"id", 4, 0, 10, false, render_number, compare_number, "number of the map in all reports",
         false},
        {"map", 16, 2, 100, false, render_name, compare_name,
         "its type; how many maps the row stands for", false},
        {"first used", 24, 3, 5, false, render_first_use, compare_first_use,
         "where it was first used", false},
        {"rd/s", 4, 0, 50, true, render_reads, compare_reads, "reads per second", true},
        {"wr/s", 4, 0, 60, true, render_writes, compare_writes, "writes per second", true},
        {"de/s", 4, 0, 30, true, render_deletes, compare_deletes, "deletes and clears per second",
         true},
        {"it/s", 4, 0, 20, true, render_iterations, compare_iterations, "iterations per second",
         true},
        {"gors", 5, 0, 70, true, render_goroutines, compare_goroutines,
         "goroutines that used it (~: estimated)", true},
        {"confl", 5, 0, 80, true, render_conflicts, compare_conflicts, "conflicts seen", true},
        {"exp", 4, 0, 40, true, render_expected, compare_expected,
         "overlaps to be expected if nothing kept the goroutines apart", true},
};

#define COLUMN_COUNT     ((int)(sizeof(columns) / sizeof(columns[0])))
#define COLUMN_CONFLICTS 9

static uint64_t key(const void *row)
{
	return ((const struct map_row *)row)->number;
}

static bool matches(const void *ctx, const void *row, const struct pattern *pattern)
{
	const struct ui *ui = ctx;

	return match_map(&ui->rows, row, pattern);
}

static bool admits(const void *ctx, const void *row)
{
	const struct ui *ui = ctx;

	return range_has_map(&ui->range, &ui->rows, row) &&
	       (pattern_is_empty(&ui->filter) || match_map(&ui->rows, row, &ui->filter));
}

const struct table_spec maps_table = {
        .name = "maps",
        .columns = columns,
        .column_count = COLUMN_COUNT,
        .sort = COLUMN_CONFLICTS,
        .key = key,
        .matches = matches,
        .admits = admits,
};

void pane_maps_sum(struct ui *ui)
{
	const struct table *table = &ui->maps;
	struct map_row sums = {.type = "all maps", .verdict = VERDICT_COUNT};

	if (table->count < table->total)
		sums.type = "all that are shown";
	for (size_t i = 0; i < table->count; i++) {
		const struct map_row *map = table->rows[i];

		for (int op = 0; op < OP_COUNT; op++)
			sums.rate[op] += map->rate[op];
		sums.rate_estimated |= map->rate_estimated;
		sums.conflicts += map->conflicts;
		if (map->verdict != VERDICT_LOCAL && map->verdict != VERDICT_SHARED)
			sums.expected_overlaps += map->expected_overlaps;
	}
	sums.goroutines = (unsigned int)ui->rows.goroutine_count;
	ui->maps_pane.sums = sums;
}

/* The sums stand in the line of the heatmap's legend. */
static void draw_sums(const struct ui *ui, const struct rect *area)
{
	columns_draw_row(columns, COLUMN_COUNT, ui->maps.widths, area->y + area->height - 1,
	                 area->x + 2, area->width - 2, GROUND_NONE, &ui->maps_pane.sums);
}

static void draw(struct ui *ui, const struct rect *area, bool focused)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	char title[96], order[64], why[EXPLAIN_MAX];

	table_title(&ui->maps, "Maps", title, sizeof(title));
	draw_title(area, focused, title, table_order(&ui->maps, order, sizeof(order)));
	if (!ui->maps.count) {
		draw_wrapped(body.y, body.x + 1, body.width - 2, body.height, STYLE_DIM,
		             ui->maps.total
		                     ? explain_filtered(ui->maps.total, "maps", &ui->filter, why)
		                     : explain_no_maps(&ui->rows, ui->gone, why));
		return;
	}
	table_draw(&ui->maps, &body, 1, focused ? GROUND_SELECTED : GROUND_MARKED);
	draw_sums(ui, &body);
}

static enum handled act(struct ui *ui, enum action action)
{
	if (list_act(&ui->maps.list, action))
		return HANDLED;
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	if (ui_selected_map(ui))
		map_view_open(ui, ui_selected_map(ui));
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	bool opened, known = table_click(&ui->maps, y, x, &opened);

	if (opened)
		act(ui, ACTION_OPEN);
	return known;
}

static struct table *table(struct ui *ui)
{
	return &ui->maps;
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	return copy_table(&ui->maps, out, size);
}

const struct pane_ops pane_maps = {"maps", draw, act, click, table, copy};
