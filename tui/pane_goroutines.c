/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>

#include "tui/column.h"
#include "tui/draw.h"
#include "tui/explain.h"
#include "tui/format.h"
#include "tui/pane.h"

static void render_goid(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;

	snprintf(cell->text, sizeof(cell->text), "%" PRIu64, goroutine->goid);
	if (goroutine->ended)
		cell->style = STYLE_DIM;
}

static void render_rate(const void *row, struct cell *cell)
{
	char text[FORMAT_MAX];
	double rate = ((const struct goroutine_row *)row)->rate;

	snprintf(cell->text, sizeof(cell->text), "%s", format_rate(rate, text));
	if (!(rate > 0))
		cell->style = STYLE_DIM;
}

static void show_count(uint64_t count, struct cell *cell)
{
	char text[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s", format_count(count, text));
	if (!count)
		cell->style = STYLE_DIM;
}

static void render_looks(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;

	show_count(goroutine->ops[OP_READ] + goroutine->ops[OP_ITERATE], cell);
}

static void render_changes(const void *row, struct cell *cell)
{
	const struct goroutine_row *goroutine = row;

	show_count(goroutine->ops[OP_WRITE] + goroutine->ops[OP_DELETE] + goroutine->ops[OP_CLEAR],
	           cell);
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

static const struct column columns[] = {
        {"goid", 6, 0, 100, true, render_goid},          {"ops/s", 5, 0, 90, true, render_rate},
        {"reads", 5, 0, 20, true, render_looks},         {"chgs", 4, 0, 30, true, render_changes},
        {"confl", 5, 0, 80, true, render_conflicts},     {"maps", 4, 0, 10, true, render_maps},
        {"last at", 11, 1, 70, false, render_line},      {"in", 12, 3, 60, false, render_function},
        {"created by", 16, 1, 5, false, render_creator},
};

#define COLUMN_COUNT ((int)(sizeof(columns) / sizeof(columns[0])))

static void draw_rows(struct ui *ui, const struct rect *area, const int *widths, bool focused)
{
	int visible = area->height - 2;

	list_show(&ui->goroutines, visible > 0 ? (size_t)visible : 0);
	for (int i = 0; i < visible; i++) {
		size_t index = ui->goroutines.top + (size_t)i;
		bool selected = focused && index == ui->goroutines.selected;
		enum ground ground = selected ? GROUND_SELECTED : GROUND_NONE;

		if (index >= ui->rows.goroutine_count)
			break;
		draw_text(area->y + 2 + i, area->x, 2, STYLE_STRONG, ground,
		          selected ? glyph(GLYPH_POINTER) : "");
		columns_draw_row(columns, COLUMN_COUNT, widths, area->y + 2 + i, area->x + 2,
		                 area->width - 2, ground, ui->rows.goroutines[index]);
	}
}

static void draw(struct ui *ui, const struct rect *area, bool focused)
{
	char title[64], why[EXPLAIN_MAX], count[FORMAT_MAX];
	int widths[COLUMNS_MAX];

	snprintf(title, sizeof(title), "Goroutines %s",
	         format_count(ui->rows.goroutine_count, count));
	draw_title(area, focused, title, "most map operations first");
	if (!ui->rows.goroutine_count) {
		draw_wrapped(area->y + 1, area->x + 1, area->width - 2, area->height - 1, STYLE_DIM,
		             explain_no_goroutines(&ui->rows, ui->gone, why));
		return;
	}
	columns_fit(columns, COLUMN_COUNT, area->width - 2, widths);
	columns_draw_titles(columns, COLUMN_COUNT, widths, area->y + 1, area->x + 2,
	                    area->width - 2);
	draw_rows(ui, area, widths, focused);
}

/* The most frequent conflict that this goroutine was part of when last seen. */
static const struct conflict_row *conflict_of(const struct ui *ui,
                                              const struct goroutine_row *goroutine)
{
	for (size_t i = 0; i < ui->rows.conflict_count; i++) {
		const struct conflict_row *conflict = ui->rows.conflicts[i];
		const struct access *a = &conflict->a.access, *b = &conflict->b.access;

		if ((a->goid == goroutine->goid && a->tgid == goroutine->tgid) ||
		    (b->goid == goroutine->goid && b->tgid == goroutine->tgid))
			return conflict;
	}
	return NULL;
}

static void open_conflict(struct ui *ui)
{
	const struct goroutine_row *goroutine;
	const struct conflict_row *conflict;

	if (ui->goroutines.selected >= ui->rows.goroutine_count)
		return;
	goroutine = ui->rows.goroutines[ui->goroutines.selected];
	conflict = conflict_of(ui, goroutine);
	if (conflict)
		ui_conflict_open(ui, conflict);
	else if (goroutine->conflicts)
		ui_notice(ui, false,
		          "goroutine %" PRIu64 " was in %" PRIu64
		          " conflicts; the latest sighting of each shows others: see the maps",
		          goroutine->goid, goroutine->conflicts);
	else
		ui_notice(ui, false, "goroutine %" PRIu64 " was seen in no conflict%s",
		          goroutine->goid,
		          rows_lost(&ui->rows) ? ", but events were lost" : " yet");
}

static enum handled act(struct ui *ui, enum action action)
{
	if (list_act(&ui->goroutines, action))
		return HANDLED;
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	open_conflict(ui);
	return HANDLED;
}

const struct pane_ops pane_goroutines = {draw, act};
