/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/draw.h"
#include "tui/explain.h"
#include "tui/format.h"
#include "tui/pane.h"

/* One conflict: both call chains side by side, aligned at the frames that they have in common
 * (the roots, at the bottom), so that the eye falls on where they part. */

#define NAME_BYTES    2048
#define STACKED_BELOW 64 /* columns under which the sides stand one above the other */

static bool same_function(const struct frame *a, const struct frame *b)
{
	return a->function && b->function && strcmp(a->function, b->function) == 0;
}

/* How many frames, counted from the root, both chains share. */
static int common_frames(const struct side *a, const struct side *b)
{
	int n = 0;

	while (n < a->chain_length && n < b->chain_length &&
	       same_function(&a->chain[a->chain_length - 1 - n],
	                     &b->chain[b->chain_length - 1 - n]))
		n++;
	return n;
}

/* Each frame takes two lines where there is width for neither in one: function, then its line. */
static void draw_frame(const struct frame *frame, bool first, bool common, const struct rect *at)
{
	char line[NAME_BYTES];
	enum style style = first ? STYLE_STRONG : common || frame->inlined ? STYLE_DIM : STYLE_TEXT;
	int width, most = at->width * 2 / 5;

	format_line(frame, line, sizeof(line));
	width = text_width(line);
	width = width > most ? most : width;
	draw_word(at->y, at->x, width, common ? STYLE_DIM : STYLE_LINE, GROUND_NONE, line);
	if (frame->inlined) {
		draw_word(at->y, at->x + width + 1, 1, STYLE_DIM, GROUND_NONE,
		          glyph(GLYPH_INLINED));
		width += 2;
	}
	format_function(frame, line, sizeof(line));
	draw_word(at->y, at->x + width + 1, at->width - width - 1, style, GROUND_NONE,
	          frame->function ? line : "unknown function");
}

static void draw_who(const struct ui *ui, const struct conflict_row *conflict,
                     const struct side *side, const struct rect *area)
{
	char text[256], clock[FORMAT_MAX], function[512], line[256];
	int y = area->y, x = area->x, width = area->width, used;
	bool held = side == &conflict->a;

	used = draw_words(y, x, width, op_changes(side->access.op) ? STYLE_CHANGE : STYLE_LOOK,
	                  GROUND_NONE, "%s", map_op_name(side->access.op));
	used += draw_words(y, x + used, width - used, STYLE_STRONG, GROUND_NONE,
	                   " by goroutine %" PRIu64, (uint64_t)side->access.goid);
	draw_words(y, x + used, width - used, STYLE_DIM, GROUND_NONE, " thread %u",
	           side->access.tid);
	if (ui->source->realtime_offset_ns)
		snprintf(text, sizeof(text), " at %s",
		         format_clock(side->access.time_ns +
		                              (uint64_t)ui->source->realtime_offset_ns,
		                      clock));
	else
		text[0] = '\0';
	draw_words(y + 1, x, width, STYLE_DIM, GROUND_NONE, "%s%s, in %s",
	           held ? "came first" : "came meanwhile", text,
	           side->runtime_function ? side->runtime_function : "the runtime");
	if (side->created_by.function)
		draw_words(y + 2, x, width, STYLE_DIM, GROUND_NONE, "created by %s %s",
		           format_line(&side->created_by, line, sizeof(line)),
		           format_function(&side->created_by, function, sizeof(function)));
	else
		draw_word(y + 2, x, width, STYLE_DIM, GROUND_NONE, "created by: not known");
}

/* The chain in area; skip frames of it scrolled away, pad lines left blank above the common
 * part. */
static void draw_chain(const struct side *side, int common, int pad, int skip,
                       const struct rect *area)
{
	int own = side->chain_length - common;
	struct rect at = {area->y, area->x, 1, area->width};

	if (!side->chain_length) {
		draw_wrapped(area->y, area->x, area->width, 3, STYLE_DIM,
		             "The call chain could not be walked; the operation and the goroutine "
		             "are certain.");
		return;
	}
	for (int i = 0; i < side->chain_length; i++) {
		int row = i + (i >= own ? pad : 0) - skip;

		if (row < 0 || row >= area->height)
			continue;
		at.y = area->y + row;
		draw_frame(&side->chain[i], i == 0, i >= own, &at);
	}
	if (side->access.truncated && side->chain_length + pad - skip < area->height)
		draw_words(area->y + side->chain_length + pad - skip, area->x, area->width,
		           STYLE_WARN, GROUND_NONE, "deeper frames were cut: --stack-depth");
}

static int draw_summary(const struct ui *ui, const struct conflict_row *conflict,
                        const struct rect *area)
{
	char count[FORMAT_MAX], rate[FORMAT_MAX], first[FORMAT_MAX], last[FORMAT_MAX],
	        hold[FORMAT_MAX], after[FORMAT_MAX], text[512];
	uint64_t now = ui->rows.now_ns;

	snprintf(text, sizeof(text), "Seen %s times, %s/s now; first %s ago, last %s ago.",
	         format_count(conflict->count, count), format_rate(conflict->rate, rate),
	         format_duration(now > conflict->first_ns ? now - conflict->first_ns : 0, first),
	         format_duration(now > conflict->last_ns ? now - conflict->last_ns : 0, last));
	draw_word(area->y + 1, area->x + 1, area->width - 2, STYLE_TEXT, GROUND_NONE, text);
	if (conflict->evidence == EVIDENCE_FATAL)
		snprintf(text, sizeof(text),
		         "The runtime itself found it and ended the process: fatal error.");
	else
		snprintf(text, sizeof(text),
		         "The left access was held for %s; the right one came after %s of it.",
		         format_duration(conflict->hold_ns, hold),
		         format_duration(conflict->after_ns, after));
	draw_word(area->y + 2, area->x + 1, area->width - 2, STYLE_TEXT, GROUND_NONE, text);
	return area->y + 3;
}

/* Who, then the chain, of one side. Returns the rows the chain had. */
static void draw_party(struct ui *ui, const struct conflict_row *conflict, const struct side *side,
                       int pad, const struct rect *area)
{
	struct rect chain = {area->y + 4, area->x, area->height - 4, area->width};

	draw_who(ui, conflict, side, area);
	draw_chain(side, common_frames(&conflict->a, &conflict->b), pad, ui->conflict_scroll,
	           &chain);
}

static void clamp_scroll(struct ui *ui, int lines, int room)
{
	if (ui->conflict_scroll > lines - room)
		ui->conflict_scroll = lines - room;
	if (ui->conflict_scroll < 0)
		ui->conflict_scroll = 0;
}

static void draw_sides(struct ui *ui, const struct conflict_row *conflict, const struct rect *area)
{
	int a = conflict->a.chain_length, b = conflict->b.chain_length;
	int longer = a > b ? a : b;
	struct rect left = *area, right = *area;

	left.x = area->x + 1;
	left.width = area->width / 2 - 2;
	right.x = area->x + area->width / 2 + 1;
	right.width = area->width - area->width / 2 - 2;
	clamp_scroll(ui, longer + 1, area->height - 4);
	draw_party(ui, conflict, &conflict->a, longer - a, &left);
	draw_party(ui, conflict, &conflict->b, longer - b, &right);
	draw_divider(area->y, area->x + area->width / 2 - 1, area->height, GLYPH_VLINE);
}

static void draw_stacked(struct ui *ui, const struct conflict_row *conflict,
                         const struct rect *area)
{
	int a = conflict->a.chain_length, b = conflict->b.chain_length;
	struct rect upper = {area->y, area->x + 1, area->height / 2, area->width - 2};
	struct rect lower = {area->y + upper.height, area->x + 1, area->height - upper.height,
	                     area->width - 2};

	clamp_scroll(ui, (a > b ? a : b) + 1, upper.height - 4);
	draw_party(ui, conflict, &conflict->a, 0, &upper);
	draw_party(ui, conflict, &conflict->b, 0, &lower);
}

static void draw(struct ui *ui, const struct rect *area)
{
	const struct conflict_row *conflict = rows_conflict(&ui->rows, ui->conflict_number);
	char name[EXPLAIN_MAX], title[EXPLAIN_MAX + 64];
	struct rect body;
	int y;

	if (!conflict) {
		draw_title(area, true, "Conflict", NULL);
		draw_wrapped(area->y + 1, area->x + 1, area->width - 2, 3, STYLE_DIM,
		             "This conflict is no longer among those that are kept. Esc goes "
		             "back.");
		return;
	}
	snprintf(title, sizeof(title), "Conflict: %s on m%u  %s",
	         conflict_kind_name(conflict->kind), conflict->map ? conflict->map->number : 0,
	         conflict->map ? explain_map_name(conflict->map, name, sizeof(name)) : "");
	draw_title(area, true, title, "Esc goes back");
	y = draw_summary(ui, conflict, area);
	body = (struct rect){y + 1, area->x, area->y + area->height - y - 1, area->width};
	if (area->width < STACKED_BELOW)
		draw_stacked(ui, conflict, &body);
	else
		draw_sides(ui, conflict, &body);
}

static enum handled act(struct ui *ui, enum action action)
{
	static const struct {
		enum action action;
		int by;
	} moves[] = {
	        {ACTION_UP, -1},
	        {ACTION_DOWN, 1},
	        {ACTION_PAGE_UP, -10},
	        {ACTION_PAGE_DOWN, 10},
	        {ACTION_HOME, -STACK_DEPTH_MAX * 8},
	        {ACTION_END, STACK_DEPTH_MAX * 8},
	};

	if (action == ACTION_LEFT) {
		ui_view_back(ui);
		return HANDLED;
	}
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].action == action) {
			ui->conflict_scroll += moves[i].by; /* drawing holds it within bounds */
			if (ui->conflict_scroll < 0)
				ui->conflict_scroll = 0;
			return HANDLED;
		}
	return NOT_HANDLED;
}

const struct view_ops view_conflict = {"conflict", draw, act};
