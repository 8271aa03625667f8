/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>

#include "tui/column.h"
#include "tui/draw.h"
#include "tui/explain.h"
#include "tui/format.h"
#include "tui/pane.h"

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

	explain_map_name(map, name, sizeof(name));
	if (map->maps > 1)
		snprintf(cell->text, sizeof(cell->text), "%s%s %s", format_count(map->maps, count),
		         glyph(GLYPH_TIMES), name);
	else
		snprintf(cell->text, sizeof(cell->text), "%s", name);
	if (map->ended || map->verdict == VERDICT_COUNT)
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

static void show_rate(double rate, struct cell *cell)
{
	char text[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s", format_rate(rate, text));
	if (!(rate > 0))
		cell->style = STYLE_DIM;
}

static void render_reads(const void *row, struct cell *cell)
{
	show_rate(((const struct map_row *)row)->rate[OP_READ], cell);
}

static void render_writes(const void *row, struct cell *cell)
{
	show_rate(((const struct map_row *)row)->rate[OP_WRITE], cell);
}

static void render_deletes(const void *row, struct cell *cell)
{
	const struct map_row *map = row;

	show_rate(map->rate[OP_DELETE] + map->rate[OP_CLEAR], cell);
}

static void render_iterations(const void *row, struct cell *cell)
{
	show_rate(((const struct map_row *)row)->rate[OP_ITERATE], cell);
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

static const struct column columns[] = {
        {"verdict", 8, 0, 90, false, render_verdict},
        {"id", 4, 0, 10, false, render_number},
        {"map", 16, 2, 100, false, render_name},
        {"first used", 24, 3, 5, false, render_first_use},
        {"rd/s", 4, 0, 50, true, render_reads},
        {"wr/s", 4, 0, 60, true, render_writes},
        {"de/s", 4, 0, 30, true, render_deletes},
        {"it/s", 4, 0, 20, true, render_iterations},
        {"gors", 5, 0, 70, true, render_goroutines},
        {"confl", 5, 0, 80, true, render_conflicts},
        {"exp", 4, 0, 40, true, render_expected},
};

#define COLUMN_COUNT ((int)(sizeof(columns) / sizeof(columns[0])))

static const char *const order_names[] = {
        [MAPS_BY_CONFLICTS] = "by conflicts",   [MAPS_BY_RATE] = "by operations/s",
        [MAPS_BY_WRITES] = "by writes",         [MAPS_BY_GOROUTINES] = "by goroutines",
        [MAPS_BY_NUMBER] = "in order of birth",
};

static void draw_rows(struct ui *ui, const struct rect *area, const int *widths, bool focused)
{
	size_t visible = (size_t)(area->height - 3);

	for (size_t i = 0; i < visible && ui->maps.top + i < ui->rows.map_count; i++) {
		size_t index = ui->maps.top + i;
		bool selected = index == ui->maps.selected;
		enum ground ground = !selected ? GROUND_NONE
		                     : focused ? GROUND_SELECTED
		                               : GROUND_MARKED;
		int y = area->y + 2 + (int)i;

		draw_text(y, area->x, 2, STYLE_STRONG, ground,
		          selected ? glyph(GLYPH_POINTER) : "");
		columns_draw_row(columns, COLUMN_COUNT, widths, y, area->x + 2, area->width - 2,
		                 ground, ui->rows.maps[index]);
	}
}

/* The sums stand in the line of the heatmap's legend. */
static void draw_sums(const struct rows *rows, const struct rect *area, const int *widths)
{
	struct map_row sums = {.type = "all maps", .verdict = VERDICT_COUNT};

	for (size_t i = 0; i < rows->map_count; i++) {
		const struct map_row *map = rows->maps[i];

		for (int op = 0; op < OP_COUNT; op++)
			sums.rate[op] += map->rate[op];
		sums.conflicts += map->conflicts;
		if (map->verdict != VERDICT_LOCAL && map->verdict != VERDICT_SHARED)
			sums.expected_overlaps += map->expected_overlaps;
	}
	sums.goroutines = (unsigned int)rows->goroutine_count;
	columns_draw_row(columns, COLUMN_COUNT, widths, area->y + area->height - 1, area->x + 2,
	                 area->width - 2, GROUND_NONE, &sums);
}

static void draw(struct ui *ui, const struct rect *area, bool focused)
{
	char title[64], why[EXPLAIN_MAX], count[FORMAT_MAX];
	int widths[COLUMNS_MAX];

	snprintf(title, sizeof(title), "Maps %s", format_count(ui->rows.map_count, count));
	draw_title(area, focused, title, order_names[ui->order]);
	if (!ui->rows.map_count) {
		draw_wrapped(area->y + 1, area->x + 1, area->width - 2, area->height - 1, STYLE_DIM,
		             explain_no_maps(&ui->rows, ui->gone, why));
		return;
	}
	columns_fit(columns, COLUMN_COUNT, area->width - 2, widths);
	columns_draw_titles(columns, COLUMN_COUNT, widths, area->y + 1, area->x + 2,
	                    area->width - 2);
	list_show(&ui->maps, (size_t)(area->height - 3));
	draw_rows(ui, area, widths, focused);
	draw_sums(&ui->rows, area, widths);
}

static enum handled act(struct ui *ui, enum action action)
{
	if (list_act(&ui->maps, action))
		return HANDLED;
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	if (ui_selected_map(ui))
		ui_map_open(ui, ui_selected_map(ui));
	return HANDLED;
}

const struct pane_ops pane_maps = {draw, act};
