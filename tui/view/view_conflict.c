/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/local_time.h"
#include "core/base/sanitize.h"
#include "core/model/other_side.h"
#include "core/probe/access_key.h"
#include "tui/term/draw.h"
#include "tui/view/copy_text.h"
#include "tui/view/pane.h"
#include "tui/widget/text_pager.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"
#include "tui/words/source_text.h"

/* One conflict: both call chains side by side, aligned at the frames that they have in common
 * (the roots, at the bottom), so that the eye falls on where they part. */

#define NAME_BYTES    2048
#define FULL_BYTES    (1 << 20) /* names of 4 KB in two chains of 127 frames */
#define STACKED_BELOW 64        /* columns under which the sides stand one above the other */

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

/* How the chains are laid out: both sides alike, so that common frames stand level. */
struct chains {
	const struct side *longer;
	int common; /* frames that both have, at the root */
	int own;    /* frames of the longer own part */
	int step;   /* lines a frame: 2 where there is room for whole paths */
	int skip;   /* lines scrolled away */
};

static struct chains chains_of(const struct conflict_row *conflict, int height, bool level)
{
	struct chains chains = {.common = common_frames(&conflict->a, &conflict->b), .step = 2};
	int a = conflict->a.chain_length, b = conflict->b.chain_length;

	chains.longer = a > b ? &conflict->a : &conflict->b;
	chains.own = chains.longer->chain_length - chains.common;
	if (chains.longer->chain_length * 2 + 2 > height || !level)
		chains.step = 1;
	return chains;
}

static int lines_of(const struct chains *chains)
{
	return chains->longer->chain_length * chains->step + (chains->common > 0) +
	       (chains->longer->access.truncated != CHAIN_WHOLE);
}

/* One line: source line and function. Two: function, then its whole path. */
static void draw_frame(const struct frame *frame, enum style style, int step, int line,
                       const struct rect *at)
{
	char text[NAME_BYTES];
	int width = 0, least, most = at->width * 2 / 5;
	enum style line_style = style == STYLE_DIM ? STYLE_DIM : STYLE_LINE;

	if (step == 2 && line == 1) {
		draw_as(at->y, at->x + 2, at->width - 2, line_style, GROUND_NONE, TEXT_PLACE,
		        format_path(frame, text, sizeof(text)));
		return;
	}
	if (step == 1) {
		width = text_width(format_line(frame, text, sizeof(text)));
		least = text_least_width(text, TEXT_PLACE);
		most = most > least ? most : least;
		width = width > most ? most : width;
		draw_as(at->y, at->x, width++, line_style, GROUND_NONE, TEXT_PLACE, text);
	}
	if (frame->inlined)
		width += 1 + draw_word(at->y, at->x + width, 1, STYLE_DIM, GROUND_NONE,
		                       glyph(GLYPH_INLINED));
	draw_as(at->y, at->x + width, at->width - width, style, GROUND_NONE, TEXT_FUNCTION,
	        frame->function ? format_function(frame, text, sizeof(text)) : "unknown function");
}

/* The go statement that made the goroutine, and its parent. */
static void draw_origin(const struct side *side, int y, int x, int width)
{
	char function[512], line[256], text[NAME_BYTES];
	int used;

	if (!side->created_by.function) {
		draw_word(y, x, width, STYLE_DIM, GROUND_NONE, "created by: not known");
		return;
	}
	used = draw_words(y, x, width, STYLE_DIM, GROUND_NONE, "created by ");
	snprintf(text, sizeof(text), "%s %s", format_line(&side->created_by, line, sizeof(line)),
	         format_function(&side->created_by, function, sizeof(function)));
	used += draw_as(y, x + used, width - used, STYLE_DIM, GROUND_NONE, TEXT_SITE, text);
	snprintf(text, sizeof(text), " in goroutine %" PRIu64, (uint64_t)side->access.parent_goid);
	if (side->access.parent_goid)
		draw_as(y, x + used, width - used, STYLE_DIM, GROUND_NONE, TEXT_WHOLE, text);
}

/* What the part of each side was, by evidence. */
static const char *const parts[EVIDENCE_COUNT][2] = {
        [EVIDENCE_OVERLAP] = {"came first, was held", "came meanwhile"},
        [EVIDENCE_FATAL] = {"", ""},
        [EVIDENCE_UNORDERED] = {"first access", "second access"},
};

/* Who it was, in fewer words where there is little room. Returns the columns used. */
static int draw_goroutine(const struct access *access, int y, int x, int width)
{
	char text[64];
	int used, length = snprintf(text, sizeof(text), " by goroutine %" PRIu64,
	                            (uint64_t)access->goid);

	if (length > width)
		snprintf(text, sizeof(text), " by %" PRIu64, (uint64_t)access->goid);
	used = draw_as(y, x, width, STYLE_STRONG, GROUND_NONE, TEXT_WHOLE, text);
	snprintf(text, sizeof(text), " thread %u", access->tid);
	return used + draw_as(y, x + used, width - used, STYLE_DIM, GROUND_NONE, TEXT_WHOLE, text);
}

/* What is written about one side: its first line, or all of it. */
static void draw_who(const struct ui *ui, const struct conflict_row *conflict,
                     const struct side *side, int lines, const struct rect *area)
{
	char key[4 * KEY_BYTES_MAX];
	struct frame first = {.function = side->first_function};
	char clock[LOCAL_TIME_MAX] = "", function[512];
	int y = area->y, x = area->x, width = area->width, used;
	const char *part = parts[conflict->evidence][side == &conflict->b];

	used = draw_words(y, x, width, op_changes(side->access.op) ? STYLE_CHANGE : STYLE_LOOK,
	                  GROUND_NONE, "%s", map_op_name(side->access.op));
	used += draw_goroutine(&side->access, y, x + used, width - used);
	/* The last frame of the chain says the same: here only where there is room for all of
	 * it. */
	if (side->first_function &&
	    text_width(format_function(&first, function, sizeof(function))) + 3 <= width - used)
		draw_words(y, x + used, width - used, STYLE_TEXT, GROUND_NONE, " (%s)", function);
	if (lines == 1)
		return;
	if (ui->source->realtime_offset_ns)
		local_clock_format(side->access.time_ns + (uint64_t)ui->source->realtime_offset_ns,
		                   clock);
	draw_words(y + 1, x, width, STYLE_DIM, GROUND_NONE, "%s%s%s", clock,
	           *clock && *part ? ", " : "", part);
	used = draw_words(y + 2, x, width, STYLE_DIM, GROUND_NONE, "in %s",
	                  side->runtime_function ? side->runtime_function : "the runtime");
	if (access_key_text(&side->access, key, sizeof(key)))
		draw_words(y + 2, x + used, width - used, STYLE_TEXT, GROUND_NONE, "  key %s", key);
	draw_origin(side, y + 3, x, width);
}

/* The line of the chain area on which a frame begins. */
static int line_of(const struct chains *chains, const struct side *side, int frame)
{
	int own = side->chain_length - chains->common;

	if (frame < own)
		return frame * chains->step;
	return (chains->own + frame - own) * chains->step + 1;
}

static void draw_line_at(int line, const struct chains *chains, const struct rect *area,
                         enum style style, const char *text)
{
	line -= chains->skip;
	if (line >= 0 && line < area->height)
		draw_as(area->y + line, area->x, area->width, style, GROUND_NONE, TEXT_SENTENCE,
		        text);
}

static void draw_chain(const struct side *side, const struct chains *chains,
                       const struct rect *area)
{
	int own = side->chain_length - chains->common;
	struct rect at = {area->y, area->x, 1, area->width};

	if (!side->chain_length) {
		draw_wrapped(area->y, area->x, area->width, area->height < 3 ? area->height : 3,
		             STYLE_DIM,
		             "The call chain could not be walked; the operation and the goroutine "
		             "are certain.");
		return;
	}
	for (int i = 0; i < side->chain_length * chains->step; i++) {
		int frame = i / chains->step;
		int line = line_of(chains, side, frame) + i % chains->step - chains->skip;
		enum style style = frame == 0     ? STYLE_STRONG
		                   : frame >= own ? STYLE_DIM
		                                  : STYLE_TEXT;

		if (line < 0 || line >= area->height)
			continue;
		at.y = area->y + line;
		draw_frame(&side->chain[frame], style, chains->step, i % chains->step, &at);
	}
	if (chains->common)
		draw_line_at(chains->own * chains->step, chains, area, STYLE_RULE,
		             "both came this way:");
	if (side->access.truncated)
		draw_line_at(line_of(chains, side, side->chain_length), chains, area, STYLE_WARN,
		             side->access.truncated == CHAIN_LOST ? "called from C code, cut here"
		                                                  : "cut here: see --stack-depth");
}

static void evidence_words(const struct conflict_row *conflict, char *out, size_t size)
{
	char hold[FORMAT_MAX], after[FORMAT_MAX];

	if (conflict->evidence == EVIDENCE_FATAL)
		snprintf(out, size,
		         "The runtime itself found it and ended the process: fatal error.");
	else if (conflict->also_overlaps)
		snprintf(out, size,
		         "Nothing orders them, %s apart; by now they were seen at the same time, "
		         "too.",
		         format_duration(conflict->gap_ns, hold));
	else if (conflict->evidence == EVIDENCE_UNORDERED)
		snprintf(out, size,
		         "Nothing between the two orders them, %s apart; not caught at the same "
		         "time.",
		         format_duration(conflict->gap_ns, hold));
	else
		snprintf(out, size, "The first access was held for %s; the second came %s into it.",
		         format_duration(conflict->hold_ns, hold),
		         format_duration(conflict->after_ns, after));
}

static int draw_summary(const struct ui *ui, const struct conflict_row *conflict,
                        const struct rect *area)
{
	char count[FORMAT_MAX], rate[FORMAT_MAX], first[FORMAT_MAX], last[FORMAT_MAX], text[512];
	uint64_t now = ui->rows.now_ns;

	snprintf(text, sizeof(text), "Seen %s time%s, %s/s now; first %s ago, last %s ago.",
	         format_count(conflict->count, count), conflict->count == 1 ? "" : "s",
	         format_rate(conflict->rate, rate), format_age(now, conflict->first_ns, first),
	         format_age(now, conflict->last_ns, last));
	draw_as(area->y + 1, area->x + 1, area->width - 2, STYLE_TEXT, GROUND_NONE, TEXT_SENTENCE,
	        text);
	evidence_words(conflict, text, sizeof(text));
	draw_as(area->y + 2, area->x + 1, area->width - 2, STYLE_TEXT, GROUND_NONE, TEXT_SENTENCE,
	        text);
	return area->y + 3;
}

#define WHO_LINES 5 /* what is said about a side, and a blank line */

/* A side's source around its line, or why there is none. False: nothing to say. */
static bool source_of(const struct side *side, struct source_lines *out)
{
	if (!side->chain_length)
		return false;
	source_text_around(side->access.tgid, &side->chain[0], out);
	return out->count || *out->missing;
}

/* Lines of source that there is room for, with the call chain below in mind. */
static int source_room(const struct rect *area)
{
	static const struct {
		int height, lines;
	} rooms[] = {{34, 7}, {26, 5}, {18, 3}, {0, 1}};
	int i = 0;

	while (area->height < rooms[i].height)
		i++;
	return rooms[i].lines;
}

/* The same number for both sides, so that both stay level. */
static int source_height(const struct conflict_row *conflict, const struct rect *area)
{
	struct source_lines a, b;
	bool has_a = source_of(&conflict->a, &a), has_b = source_of(&conflict->b, &b);

	if ((has_a && a.count) || (has_b && b.count))
		return source_room(area);
	/* Why it is not shown is worth a line where there is plenty. */
	return (has_a || has_b) && source_room(area) > 1;
}

static void draw_source_line(const struct source_lines *source, int index, int y, int x, int width)
{
	bool marked = index == source->marked;
	char code[SOURCE_LINE_BYTES], clean[SOURCE_LINE_BYTES];
	int used = draw_words(y, x, width, marked ? STYLE_LINE : STYLE_DIM, GROUND_NONE,
	                      "%d: ", source->first + index);

	sanitize(source->text[index], clean, sizeof(clean));
	/* A comment goes before code does. */
	if (text_width(clean) > width - used && source_text_code(clean, code, sizeof(code)))
		memcpy(clean, code, sizeof(code));
	draw_as(y, x + used, width - used, marked ? STYLE_STRONG : STYLE_DIM, GROUND_NONE,
	        TEXT_SENTENCE, clean);
}

/* As many lines around the marked one as fit. */
static void draw_source(const struct side *side, int y, int x, int width, int height)
{
	struct source_lines source;
	char clean[SOURCE_LINE_BYTES];
	int first;

	if (!source_of(side, &source) || height < 1)
		return;
	if (!source.count) {
		sanitize(source.missing, clean, sizeof(clean));
		draw_as(y, x, width, STYLE_DIM, GROUND_NONE, TEXT_SENTENCE, clean);
		return;
	}
	first = source.marked - height / 2;
	first = first + height > source.count ? source.count - height : first;
	first = first > 0 ? first : 0;
	for (int i = 0; i < height && first + i < source.count; i++)
		draw_source_line(&source, first + i, y + i, x, width);
}

static void draw_party(struct ui *ui, const struct conflict_row *conflict, const struct side *side,
                       bool level, const struct rect *area)
{
	/* Where there is little room the lines of the program come before everything else. */
	int source = source_height(conflict, area), all = WHO_LINES + source;
	int who = area->height >= all + 3 ? all : area->height > 1;
	struct rect body = {area->y + who, area->x, area->height - who, area->width};
	struct chains chains = chains_of(conflict, body.height, level);
	int most = lines_of(&chains) - body.height;
	char other[OTHER_SIDE_MAX], clean[OTHER_SIDE_MAX];

	if (!explain_side_is_known(conflict, side)) {
		other_side_text(conflict, other);
		other[0] = 'T';
		sanitize(other, clean, sizeof(clean));
		draw_wrapped(area->y, area->x, area->width, area->height < 8 ? area->height : 8,
		             STYLE_DIM, clean);
		return;
	}
	if (!level) /* one above the other: nothing to align */
		chains.common = 0;
	if (ui->conflict_view.scroll > most)
		ui->conflict_view.scroll = most > 0 ? most : 0;
	chains.skip = ui->conflict_view.scroll;
	if (who)
		draw_who(ui, conflict, side, who, area);
	if (who > WHO_LINES)
		draw_source(side, area->y + WHO_LINES - 1, area->x, area->width, source);
	draw_chain(side, &chains, &body);
}

static void draw_sides(struct ui *ui, const struct conflict_row *conflict, const struct rect *area)
{
	struct rect left = *area, right = *area;

	left.x = area->x + 1;
	left.width = area->width / 2 - 2;
	right.x = area->x + area->width / 2 + 1;
	right.width = area->width - area->width / 2 - 2;
	draw_party(ui, conflict, &conflict->a, true, &left);
	draw_party(ui, conflict, &conflict->b, true, &right);
	draw_divider(area->y, area->x + area->width / 2 - 1, area->height, GLYPH_VLINE);
}

static void draw_stacked(struct ui *ui, const struct conflict_row *conflict,
                         const struct rect *area)
{
	struct rect upper = {area->y, area->x + 1, area->height / 2, area->width - 2};
	struct rect lower = {area->y + upper.height, area->x + 1, area->height - upper.height,
	                     area->width - 2};

	draw_party(ui, conflict, &conflict->a, false, &upper);
	draw_party(ui, conflict, &conflict->b, false, &lower);
}

static const char *full_text(const struct conflict_row *conflict)
{
	static char text[FULL_BYTES];

	copy_conflict(conflict, text, sizeof(text));
	return text;
}

/* Side by side long names are elided; here nothing is. */
static void draw_in_full(struct ui *ui, const struct conflict_row *conflict,
                         const struct rect *area)
{
	const char *text = full_text(conflict);
	struct rect body = {area->y, area->x + 1, area->height, area->width - 2};

	int row;

	text_pager_draw(text, &body, &ui->conflict_view.scroll);
	if (!ui->conflict_view.found)
		return;
	row = text_pager_row(text, body.width, ui->conflict_view.found) - ui->conflict_view.scroll;
	if (row >= 0 && row < body.height)
		draw_word(body.y + row, area->x, 1, STYLE_STRONG, GROUND_NONE,
		          glyph(GLYPH_POINTER));
}

/* In the text in full: beside each other the call chains are cut short. */
static bool search(struct ui *ui, const struct pattern *pattern, int by)
{
	const struct conflict_row *conflict = rows_conflict(&ui->rows, ui->conflict_view.number);
	struct conflict_view *view = &ui->conflict_view;
	const char *text;
	int found;

	if (!conflict)
		return false;
	text = full_text(conflict);
	found = text_pager_search(text, pattern, view->found, by);
	if (!found)
		return false;
	view->in_full = true;
	view->found = found;
	view->scroll = text_pager_row(text, ui->layout.body.width - 2, found);
	return true;
}

static void draw(struct ui *ui, const struct rect *area)
{
	const struct conflict_row *conflict = rows_conflict(&ui->rows, ui->conflict_view.number);
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
	snprintf(title, sizeof(title), "%s: %s on m%u  %s",
	         conflict->evidence == EVIDENCE_UNORDERED ? "Unordered" : "Conflict",
	         conflict_kind_name(conflict->kind), conflict->map ? conflict->map->number : 0,
	         conflict->map ? explain_map_name(conflict->map, name, sizeof(name)) : "");
	draw_title(area, true, title,
	           ui->conflict_view.in_full ? "Enter: side by side" : "Enter: in full");
	y = draw_summary(ui, conflict, area);
	body = (struct rect){y + 1, area->x, area->y + area->height - y - 1, area->width};
	if (ui->conflict_view.in_full)
		draw_in_full(ui, conflict, &body);
	else if (area->width < STACKED_BELOW)
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

	if (action == ACTION_OPEN || action == ACTION_RIGHT ||
	    (action == ACTION_LEFT && ui->conflict_view.in_full)) {
		ui->conflict_view.in_full = action != ACTION_LEFT && !ui->conflict_view.in_full;
		ui->conflict_view.scroll = ui->conflict_view.found = 0;
		return HANDLED;
	}
	if (action == ACTION_LEFT) {
		ui_view_back(ui);
		return HANDLED;
	}
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].action == action) {
			ui->conflict_view.scroll +=
			        moves[i].by; /* drawing holds it within bounds */
			if (ui->conflict_view.scroll < 0)
				ui->conflict_view.scroll = 0;
			return HANDLED;
		}
	return NOT_HANDLED;
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	const struct conflict_row *conflict = rows_conflict(&ui->rows, ui->conflict_view.number);

	if (conflict && ui->source->report)
		return ui->source->report(ui->source->ctx, conflict, out, size);
	return conflict ? copy_conflict(conflict, out, size) : 0;
}

void conflict_view_open(struct ui *ui, const struct conflict_row *conflict)
{
	ui->conflict_view = (struct conflict_view){.number = conflict->number};
	ui_view_open(ui, VIEW_CONFLICT);
}

const struct view_ops view_conflict = {
        .name = "conflict", .draw = draw, .act = act, .copy = copy, .search = search};
