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

enum style verdict_style(enum map_verdict verdict)
{
	static const enum style styles[VERDICT_COUNT] = {
	        [VERDICT_CONFLICT] = STYLE_CONFLICT, [VERDICT_UNORDERED] = STYLE_UNORDERED,
	        [VERDICT_SUSPECT] = STYLE_SUSPECT,   [VERDICT_GUARDED] = STYLE_GUARDED,
	        [VERDICT_SHARED] = STYLE_SHARED,     [VERDICT_LOCAL] = STYLE_LOCAL,
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

/* Where it was changed last; where no change was seen, where it was first used. */
static void render_line(const void *row, struct cell *cell)
{
	const struct map_row *map = row;
	const struct frame *line = map->last_change.function ? &map->last_change : &map->first_use;

	if (line->function || line->pc)
		format_line(line, cell->text, sizeof(cell->text));
	cell->style = map->last_change.function ? STYLE_LINE : STYLE_DIM;
}

/* The lock that guards it, by the line that takes it. */
static void render_guard(const void *row, struct cell *cell)
{
	const struct map_guard *guard = &((const struct map_row *)row)->guard;

	cell->style = STYLE_DIM;
	if (!map_guard_known(guard))
		return;
	if (!guard->lock)
		snprintf(cell->text, sizeof(cell->text), "no lock");
	else if (guard->taken.function || guard->taken.pc)
		format_line(&guard->taken, cell->text, sizeof(cell->text));
	else
		snprintf(cell->text, sizeof(cell->text), "a lock");
}

static void render_pid(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	if (map->tgid)
		snprintf(cell->text, sizeof(cell->text), "%u", map->tgid);
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

static void render_unordered(const void *row, struct cell *cell)
{
	const struct map_row *map = row;
	char count[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s", format_count(map->order.unordered, count));
	cell->style = map->order.unordered ? STYLE_WARN : STYLE_DIM;
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

#define NUMBER_OF(map)     ((map)->number)
#define READS_OF(map)      ((map)->rate[OP_READ])
#define WRITES_OF(map)     ((map)->rate[OP_WRITE])
#define DELETES_OF(map)    ((map)->rate[OP_DELETE] + (map)->rate[OP_CLEAR])
#define ITERATIONS_OF(map) ((map)->rate[OP_ITERATE])
#define GOROUTINES_OF(map) ((map)->goroutines)
#define CHANGES_OF(map)    (OPS_CHANGING((map)->ops))
#define UNORDERED_OF(map)  ((map)->order.unordered)
#define EXPECTED_OF(map)   ((map)->expected_overlaps)
#define PID_OF(map)        ((map)->tgid)
ORDER_BY(number, NUMBER_OF)
ORDER_BY(reads, READS_OF)
ORDER_BY(writes, WRITES_OF)
ORDER_BY(deletes, DELETES_OF)
ORDER_BY(iterations, ITERATIONS_OF)
ORDER_BY(goroutines, GOROUTINES_OF)
ORDER_BY(unordered, UNORDERED_OF)
ORDER_BY(expected, EXPECTED_OF)
ORDER_BY(pid, PID_OF)

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

static int compare_line(const void *left, const void *right)
{
	const struct map_row *a = left, *b = right;
	const struct frame *x = a->last_change.function ? &a->last_change : &a->first_use;
	const struct frame *y = b->last_change.function ? &b->last_change : &b->first_use;
	int order = compare_text(x->file, y->file);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Nothing happens there any more. A map that is used for a moment only is not there between two
 * such moments, but its rate says that it will be. */
static bool is_over(const struct map_row *map)
{
	double rate = 0;

	for (int op = 0; op < OP_COUNT; op++)
		rate += map->rate[op];
	return map->ended && !(rate > 0);
}

/* The larger, the earlier it is to be looked at. What was found stays in front when its process has
 * died of it. */
static int urgency(const struct map_row *map)
{
	bool over = is_over(map);

	if (map->verdict <= VERDICT_UNORDERED)
		return 2 * (VERDICT_COUNT - (int)map->verdict) + !over;
	return over ? 0 : 2 * (VERDICT_COUNT - (int)map->verdict);
}

/* By urgency; then how often it was found, or how likely it is to be found: of suspects the
 * overlaps that were to be expected, then the pairs of which it cannot be told what orders them;
 * then the changes. */
static int compare_verdict(const void *left, const void *right)
{
	const struct map_row *a = left, *b = right;
	int order = column_order(urgency(a), urgency(b));

	order = order ? order : column_order((double)a->conflicts, (double)b->conflicts);
	order = order ? order
	              : column_order((double)a->order.unordered, (double)b->order.unordered);
	if (!order && a->verdict == VERDICT_SUSPECT && b->verdict == VERDICT_SUSPECT) {
		order = column_order(EXPECTED_OF(a), EXPECTED_OF(b));
		order = order ? order
		              : column_order((double)a->order.unknown, (double)b->order.unknown);
	}
	return order ? order : column_order((double)CHANGES_OF(a), (double)CHANGES_OF(b));
}

/* As in the text report: most conflicts, then unordered ones, then most changing operations. */
static int compare_conflicts(const void *left, const void *right)
{
	const struct map_row *a = left, *b = right;
	uint64_t x, y;

	if (a->conflicts != b->conflicts)
		return a->conflicts > b->conflicts ? 1 : -1;
	if (!a->order.unordered != !b->order.unordered)
		return a->order.unordered ? 1 : -1;
	x = CHANGES_OF(a);
	y = CHANGES_OF(b);
	return (x > y) - (x < y);
}

enum {
	COLUMN_VERDICT,
	COLUMN_ID,
	COLUMN_PID,
	COLUMN_LINE,
	COLUMN_MAP,
	COLUMN_FIRST_USE,
	COLUMN_READS,
	COLUMN_WRITES,
	COLUMN_DELETES,
	COLUMN_ITERATIONS,
	COLUMN_GOROUTINES,
	COLUMN_CONFLICTS,
	COLUMN_EXPECTED,
	COLUMN_UNORDERED,
	COLUMN_GUARD,
	COLUMN_COUNT
};

static const struct column columns[COLUMN_COUNT] = {
        [COLUMN_VERDICT] =
                {.title = "verdict",
                 .holds = TEXT_SENTENCE,
                 .width = 9,
                 .importance = 90,
                 .render = render_verdict,
                 .compare = compare_verdict,
                 .help = "what is known of the map; by it: findings first, then suspects "
                         "by exp, what is over last",
                 .big_first = true},
        [COLUMN_ID] = {.title = "id",
                       .holds = TEXT_WHOLE,
                       .width = 4,
                       .importance = 95,
                       .render = render_number,
                       .compare = compare_number,
                       .help = "number of the map in all reports"},
        [COLUMN_PID] = {.title = "pid",
                        .holds = TEXT_WHOLE,
                        .width = 5,
                        .importance = 85,
                        .right = true,
                        .render = render_pid,
                        .compare = compare_pid,
                        .help = "process of the map, where several are watched"},
        [COLUMN_LINE] = {.title = "line",
                         .holds = TEXT_PLACE,
                         .width = 12,
                         .importance = 100,
                         .render = render_line,
                         .compare = compare_line,
                         .help = "line of the latest change that was seen; grey: none was, it is "
                                 "where the map was first used"},
        [COLUMN_MAP] = {.title = "map",
                        .holds = TEXT_NAME,
                        .width = 12,
                        .grow = 2,
                        .importance = 75,
                        .render = render_name,
                        .compare = compare_name,
                        .help = "its type; how many maps the row stands for"},
        [COLUMN_FIRST_USE] = {.title = "first used",
                              .holds = TEXT_SITE,
                              .width = 24,
                              .grow = 3,
                              .importance = 5,
                              .render = render_first_use,
                              .compare = compare_first_use,
                              .help = "where it was first used"},
        [COLUMN_READS] = {.title = "rd/s",
                          .holds = TEXT_WHOLE,
                          .width = 4,
                          .importance = 50,
                          .right = true,
                          .render = render_reads,
                          .compare = compare_reads,
                          .help = "reads per second",
                          .big_first = true},
        [COLUMN_WRITES] = {.title = "wr/s",
                           .holds = TEXT_WHOLE,
                           .width = 4,
                           .importance = 60,
                           .right = true,
                           .render = render_writes,
                           .compare = compare_writes,
                           .help = "writes per second",
                           .big_first = true},
        [COLUMN_DELETES] = {.title = "de/s",
                            .holds = TEXT_WHOLE,
                            .width = 4,
                            .importance = 30,
                            .right = true,
                            .render = render_deletes,
                            .compare = compare_deletes,
                            .help = "deletes and clears per second",
                            .big_first = true},
        [COLUMN_ITERATIONS] = {.title = "it/s",
                               .holds = TEXT_WHOLE,
                               .width = 4,
                               .importance = 20,
                               .right = true,
                               .render = render_iterations,
                               .compare = compare_iterations,
                               .help = "iterations per second",
                               .big_first = true},
        [COLUMN_GOROUTINES] = {.title = "gors",
                               .holds = TEXT_WHOLE,
                               .width = 5,
                               .importance = 55,
                               .right = true,
                               .render = render_goroutines,
                               .compare = compare_goroutines,
                               .help = "goroutines that used it (~: estimated)",
                               .big_first = true},
        [COLUMN_CONFLICTS] = {.title = "confl",
                              .holds = TEXT_WHOLE,
                              .width = 5,
                              .importance = 80,
                              .right = true,
                              .render = render_conflicts,
                              .compare = compare_conflicts,
                              .help = "conflicts seen",
                              .big_first = true},
        [COLUMN_EXPECTED] = {.title = "exp",
                             .holds = TEXT_WHOLE,
                             .width = 4,
                             .importance = 65,
                             .right = true,
                             .render = render_expected,
                             .compare = compare_expected,
                             .help = "overlaps to be expected if nothing kept the goroutines apart",
                             .big_first = true},
        [COLUMN_UNORDERED] = {.title = "unord",
                              .holds = TEXT_WHOLE,
                              .width = 5,
                              .importance = 82,
                              .right = true,
                              .render = render_unordered,
                              .compare = compare_unordered,
                              .help = "pairs of accesses seen that nothing orders",
                              .big_first = true},
        [COLUMN_GUARD] = {.title = "guard",
                          .holds = TEXT_PLACE,
                          .width = 10,
                          .importance = 25,
                          .render = render_guard,
                          .help = "line that takes the lock that guards the map; no lock: its "
                                  "accesses had none in common"},
};

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
        .sort = COLUMN_VERDICT,
        .of_several = 1u << COLUMN_PID,
        .key = key,
        .matches = matches,
        .admits = admits,
};

void pane_maps_sum(struct ui *ui)
{
	const struct table *table = &ui->maps;
	struct map_row sums = {.type = "all maps", .verdict = VERDICT_COUNT};

	if (table->count < table->total)
		sums.type = "all shown";
	for (size_t i = 0; i < table->count; i++) {
		const struct map_row *map = table->rows[i];

		for (int op = 0; op < OP_COUNT; op++)
			sums.rate[op] += map->rate[op];
		sums.rate_estimated |= map->rate_estimated;
		sums.conflicts += map->conflicts;
		sums.order.unordered += map->order.unordered;
		if (map->verdict != VERDICT_LOCAL && map->verdict != VERDICT_SHARED)
			sums.expected_overlaps += map->expected_overlaps;
	}
	sums.goroutines = (unsigned int)ui->rows.goroutine_count;
	ui->maps_pane.sums = sums;
	ui->maps.sums = &ui->maps_pane.sums;
}

/* The sums stand in the line of the heatmap's legend. */
static void draw_sums(const struct ui *ui, const struct rect *area)
{
	columns_draw_row(columns, COLUMN_COUNT, ui->maps.widths, area->y + area->height - 1,
	                 area->x + 2, area->width - 2, GROUND_NONE, &ui->maps_pane.sums);
}

static void draw(struct ui *ui, const struct pane_ops *pane, const struct rect *area, bool focused)
{
	if (table_pane_rows_draw(ui, pane, area, focused, 1, GROUND_MARKED))
		draw_sums(ui, area);
}

static struct table *table(struct ui *ui)
{
	return &ui->maps;
}

static void open_row(struct ui *ui, const void *row)
{
	map_view_open(ui, row);
}

const struct pane_ops pane_maps = {
        .name = "maps",
        .draw = draw,
        .act = table_pane_act,
        .click = table_pane_click,
        .copy = table_pane_copy,
        .table = table,
        .title = "Maps",
        .rows_name = "maps",
        .open = open_row,
        .why_empty = explain_no_maps,
};
