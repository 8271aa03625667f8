/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/view/copy_text.h"
#include "tui/view/pane.h"
#include "tui/words/format.h"
#include "tui/words/match.h"

/* One goroutine: its number, where it comes from, what it does, the conflicts it was last seen
 * in. */

#define LABEL_WIDTH 12
#define NAME_BYTES  2048
#define NAME_LEAST  16 /* columns for the name of a map, else it is left out */

static const struct goroutine_row *goroutine_find(const struct ui *ui)
{
	for (size_t i = 0; i < ui->rows.goroutine_count; i++)
		if (goroutines_table.key(ui->rows.goroutines[i]) == ui->goroutine_view.key)
			return ui->rows.goroutines[i];
	return NULL;
}

static bool is_party(const struct goroutine_row *goroutine, const struct access *access)
{
	return access->goid == goroutine->goid && access->tgid == goroutine->tgid;
}

static uint64_t key_of(const void *ctx, size_t index)
{
	const struct goroutine_view *view = ctx;

	return view->conflicts[index]->number;
}

static void conflicts_find(struct ui *ui, const struct goroutine_row *goroutine)
{
	struct goroutine_view *view = &ui->goroutine_view;

	view->conflict_count = 0;
	for (size_t i = 0;
	     i < ui->rows.conflict_count && view->conflict_count < GOROUTINE_CONFLICTS_MAX; i++) {
		const struct conflict_row *conflict = ui->rows.conflicts[i];

		if (is_party(goroutine, &conflict->a.access) ||
		    is_party(goroutine, &conflict->b.access))
			view->conflicts[view->conflict_count++] = conflict;
	}
	list_sync(&view->list, view->conflict_count, key_of, view);
}

static void sync(struct ui *ui)
{
	const struct goroutine_row *goroutine = goroutine_find(ui);

	if (goroutine)
		conflicts_find(ui, goroutine);
	else
		ui->goroutine_view.list.count = ui->goroutine_view.conflict_count = 0;
}

/* ---- drawing ------------------------------------------------------------------------- */

static int draw_labelled(int y, const struct rect *area, const char *label, enum text_kind kind,
                         const char *text)
{
	draw_word(y, area->x + 1, LABEL_WIDTH - 1, STYLE_DIM, GROUND_NONE, label);
	draw_as(y, area->x + 1 + LABEL_WIDTH, area->width - LABEL_WIDTH - 2, STYLE_TEXT,
	        GROUND_NONE, kind, text);
	return y + 1;
}

static const char *place(const struct frame *frame, char *out, size_t size)
{
	char line[NAME_BYTES / 2], function[NAME_BYTES / 2];

	if (!frame->function && !frame->pc)
		snprintf(out, size, "not known");
	else
		snprintf(out, size, "%s  %s", format_line(frame, line, sizeof(line)),
		         format_function(frame, function, sizeof(function)));
	return out;
}

static int draw_identity(const struct goroutine_row *goroutine, uint64_t now, int y,
                         const struct rect *area)
{
	char text[NAME_BYTES], age[FORMAT_MAX];

	y = draw_labelled(y, area, "first in", TEXT_FUNCTION,
	                  goroutine->first_function ? goroutine->first_function : "not known");
	y = draw_labelled(y, area, "created by", TEXT_SITE,
	                  place(&goroutine->created_by, text, sizeof(text)));
	if (goroutine->parent_goid) {
		snprintf(text, sizeof(text), "goroutine %" PRIu64, goroutine->parent_goid);
		y = draw_labelled(y, area, "parent", TEXT_WHOLE, text);
	}
	y = draw_labelled(y, area, "last at", TEXT_SITE,
	                  place(&goroutine->last_use, text, sizeof(text)));
	snprintf(text, sizeof(text), "%s ago%s", format_age(now, goroutine->last_ns, age),
	         goroutine->ended ? "; it has ended" : "");
	return draw_labelled(y, area, "last seen", TEXT_SENTENCE, text);
}

static int draw_counts(const struct goroutine_row *goroutine, int y, const struct rect *area)
{
	char text[512], rate[FORMAT_MAX], count[FORMAT_MAX];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s%s ops/s; seen:",
	                               goroutine->rate_estimated && goroutine->rate > 0 ? "~" : "",
	                               format_rate(goroutine->rate, rate));

	for (unsigned int op = 0; op < OP_COUNT; op++)
		if (goroutine->ops[op])
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s %s",
			                         map_op_name(op),
			                         format_count(goroutine->ops[op], count));
	snprintf(text + used, sizeof(text) - used, "  on %u map%s", goroutine->maps,
	         goroutine->maps == 1 ? "" : "s");
	y = draw_labelled(y, area, "operations", TEXT_SENTENCE, text);
	snprintf(text, sizeof(text), "%s", format_count(goroutine->conflicts, count));
	return draw_labelled(y, area, "conflicts", TEXT_WHOLE, text);
}

/* The source line of a side, in at most so many columns. Returns the column behind it. */
static int draw_side(const struct side *side, int y, int x, int width, enum ground ground)
{
	char line[NAME_BYTES] = "?";

	if (side->chain_length)
		format_line(&side->chain[0], line, sizeof(line));
	return x + draw_as(y, x, width, STYLE_TEXT, ground, TEXT_PLACE, line);
}

static void draw_conflict(const struct conflict_row *conflict, int y, const struct rect *area,
                          enum ground ground)
{
	char name[EXPLAIN_MAX], count[FORMAT_MAX];
	int x = area->x + 2, end = area->x + area->width;

	x += draw_words(y, x, end - x, STYLE_TEXT, ground, "%s%s  %s%s  ",
	                format_count(conflict->count, count), glyph(GLYPH_TIMES),
	                conflict->evidence == EVIDENCE_UNORDERED ? "unordered " : "",
	                conflict_kind_name(conflict->kind));
	x = draw_side(&conflict->a, y, x, (end - x - 4) / 2, ground);
	x += draw_words(y, x, end - x, STYLE_TEXT, ground, " %s ", glyph(GLYPH_AGAINST));
	x = draw_side(&conflict->b, y, x, end - x, ground);
	if (end - x < NAME_LEAST)
		return;
	x += draw_words(y, x, end - x, STYLE_TEXT, ground, "  on ");
	draw_word(y, x, end - x, STYLE_TEXT, ground,
	          conflict->map ? explain_map_name(conflict->map, name, sizeof(name)) : "a map");
}

static void draw_conflicts(struct ui *ui, const struct goroutine_row *goroutine,
                           const struct rect *area)
{
	struct goroutine_view *view = &ui->goroutine_view;
	struct list *list = &view->list;

	draw_title(area, false,
	           "Conflicts and unordered pairs whose latest sighting it was part of", NULL);
	view->first_y = area->y + 1;
	if (!view->conflict_count)
		draw_wrapped(view->first_y, area->x + 1, area->width - 2, area->height - 1,
		             STYLE_DIM,
		             goroutine->conflicts
		                     ? "None: others were seen there later. The maps have them all."
		             : rows_lost(&ui->rows) ? "None seen, but events were lost."
		                                    : "None seen.");
	list_show(list, area->height > 1 ? (size_t)area->height - 1 : 0);
	for (int i = 0; i < area->height - 1 && list->top + (size_t)i < list->count; i++) {
		bool selected = list->top + (size_t)i == list->selected;
		enum ground ground = selected ? GROUND_SELECTED : GROUND_NONE;

		draw_text(view->first_y + i, area->x, area->width, STYLE_STRONG, ground,
		          selected ? glyph(GLYPH_POINTER) : "");
		draw_conflict(view->conflicts[list->top + (size_t)i], view->first_y + i, area,
		              ground);
	}
}

static void draw(struct ui *ui, const struct rect *area)
{
	const struct goroutine_row *goroutine = goroutine_find(ui);
	struct rect rest;
	char title[64];
	int y = area->y + 1;

	if (!goroutine) {
		draw_title(area, true, "Goroutine", NULL);
		draw_wrapped(y, area->x + 1, area->width - 2, 3, STYLE_DIM,
		             "This goroutine is no longer among those that are kept. Esc goes "
		             "back.");
		return;
	}
	snprintf(title, sizeof(title), "Goroutine %" PRIu64 "  in process %u", goroutine->goid,
	         goroutine->tgid);
	draw_title(area, true, title, "Esc goes back");
	y = draw_counts(goroutine, y, area);
	if (area->height >= 12)
		y = draw_identity(goroutine, ui->rows.now_ns, y, area);
	rest = (struct rect){y, area->x, area->y + area->height - y, area->width};
	if (rest.height > 1)
		draw_conflicts(ui, goroutine, &rest);
}

/* ---- keys ---------------------------------------------------------------------------- */

static enum handled act(struct ui *ui, enum action action)
{
	struct goroutine_view *view = &ui->goroutine_view;
	struct list *list = &view->list;

	if (list_act(list, action)) {
		if (list->selected < view->conflict_count)
			list->key = key_of(view, list->selected);
		return HANDLED;
	}
	if (action == ACTION_LEFT) {
		ui_view_back(ui);
		return HANDLED;
	}
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	if (list->selected < view->conflict_count)
		conflict_view_open(ui, view->conflicts[list->selected]);
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	struct goroutine_view *view = &ui->goroutine_view;
	struct list *list = &view->list;
	size_t line = list->top + (size_t)(y - view->first_y);

	(void)x;
	if (y < view->first_y || line >= view->conflict_count)
		return false;
	if (line == list->selected)
		act(ui, ACTION_OPEN);
	list->selected = line;
	list->moved = true;
	list->key = key_of(view, line);
	return true;
}

struct searched {
	const struct goroutine_view *view;
	const struct pattern *pattern;
};

static bool conflict_has(const void *ctx, size_t index)
{
	const struct searched *searched = ctx;

	return match_conflict(searched->view->conflicts[index], searched->pattern);
}

/* Among its conflicts; else in what stands above them, which is all on the screen. */
static bool search(struct ui *ui, const struct pattern *pattern, int by)
{
	const struct goroutine_row *goroutine = goroutine_find(ui);
	struct goroutine_view *view = &ui->goroutine_view;
	struct searched searched = {view, pattern};

	if (!list_search(&view->list, by, conflict_has, &searched))
		return goroutine && match_goroutine(goroutine, pattern);
	view->list.key = key_of(view, view->list.selected);
	return true;
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	const struct goroutine_row *goroutine = goroutine_find(ui);
	struct copy_text text = {out, size, 0};
	char where[NAME_BYTES];

	if (!goroutine)
		return 0;
	copy_line(&text, "goroutine %" PRIu64 " of process %u", goroutine->goid, goroutine->tgid);
	copy_line(&text, "first in    %s",
	          goroutine->first_function ? goroutine->first_function : "not known");
	copy_line(&text, "created by  %s", place(&goroutine->created_by, where, sizeof(where)));
	copy_line(&text, "last at     %s", place(&goroutine->last_use, where, sizeof(where)));
	copy_line(&text, "conflicts   %" PRIu64, goroutine->conflicts);
	return text.used;
}

void goroutine_view_open(struct ui *ui, const struct goroutine_row *goroutine)
{
	ui->goroutine_view.key = goroutines_table.key(goroutine);
	ui->goroutine_view.list = (struct list){0};
	ui_view_open(ui, VIEW_GOROUTINE);
}

const struct view_ops view_goroutine = {
        .name = "goroutine",
        .draw = draw,
        .act = act,
        .click = click,
        .copy = copy,
        .search = search,
        .sync = sync,
};
