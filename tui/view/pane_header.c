/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/plural.h"
#include "core/report/enough_text.h"
#include "tui/term/draw.h"
#include "tui/view/pane.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"

/* Line 1: what is watched and how it is. Line 2: how it is watched, what that costs and what it
 * misses. What may have to go for lack of room stands at the right. */

#define FILTER_SHOWN 20 /* columns of the filter */
#define GAP          2

/* A part of a line, GAP columns behind x (0: at x), whole or, where there is no room, not at all.
 * Returns the column behind what stands there. */
static int word_behind(int y, int x, int gap, int end, enum style style, const char *text)
{
	int used = x + gap < end ? draw_as(y, x + gap, end - x - gap, style, GROUND_NONE,
	                                   TEXT_WHOLE, text)
	                         : 0;

	return used ? x + gap + used : x;
}

static int word(int y, int x, int end, enum style style, const char *text)
{
	return word_behind(y, x, 0, end, style, text);
}

/* A name or a sentence, which may be shortened. */
static int put_text(int y, int x, int end, enum style style, enum text_kind kind, const char *what)
{
	return x < end ? x + draw_as(y, x, end - x, style, GROUND_NONE, kind, what) : x;
}

/* The clock: how long it has been watched. At the right, with PAUSED before it. */
#define BRAND_WIDTH 11 /* " gomaptop " and a blank: always there */

/* What must not be overlooked, to the left of end; a letter of it where there is no more room.
 * Returns the new end. */
static int draw_mark(const struct rect *area, int end, const char *text)
{
	char letter[4] = {' ', text[1], ' ', '\0'};
	int room = end - 1 - area->x - BRAND_WIDTH, width = text_width(text);

	if (width > room) {
		text = letter;
		width = 3;
	}
	if (width > room)
		return end;
	draw_word(area->y, end - width - 1, width, STYLE_PAUSED, GROUND_NONE, text);
	return end - width - 1;
}

static int draw_marks(const struct ui *ui, const struct rect *area)
{
	char watched[FORMAT_MAX];
	int end = area->x + area->width;

	format_age(ui->rows.coverage.watched_ns, 0, watched);
	end -= text_width(watched);
	draw_word(area->y, end, area->width, STYLE_DIM, GROUND_NONE, watched);
	if (ui->rows.frozen)
		end = draw_mark(area, end, " PAUSED ");
	if (!pattern_is_empty(&ui->filter)) {
		char filter[4 * FILTER_SHOWN + 12], word[TEXT_MAX];

		text_fit(ui->filter.text, FILTER_SHOWN, TEXT_NAME, word, sizeof(word));
		snprintf(filter, sizeof(filter), " filter %.80s ", word);
		end = draw_mark(area, end, filter);
	}
	if (ui->range.set)
		end = draw_mark(area, end, " range ");
	return end - GAP;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum style state_style(uint32_t state)
{
	return state == PROCESS_RUNNING   ? STYLE_GOOD
	       : state == PROCESS_CRASHED ? STYLE_ALARM
	                                  : STYLE_WARN;
}

/* Newer than what gomaptop knows: names and ids are shown where the process confirms them. */
static int draw_doubt(const struct target_row *target, int y, int x, int end)
{
	if (target->layout != GO_LAYOUT_UNVERIFIED)
		return x;
	return word_behind(y, x, GAP, end, STYLE_WARN, "unverified Go version");
}

static const struct target_row *doubtful_target(const struct rows *rows)
{
	for (size_t i = 0; i < rows->target_count; i++)
		if (rows->targets[i]->layout == GO_LAYOUT_UNVERIFIED)
			return rows->targets[i];
	return rows->targets[0];
}

static int draw_one_target(const struct target_row *target, int y, int x, int end)
{
	char pid[FORMAT_MAX], version[160];

	snprintf(pid, sizeof(pid), " %u", target->tgid);
	snprintf(version, sizeof(version), "%s %s", target->go_version,
	         target->map_runtime ? target->map_runtime : "");
	x = put_text(y, x, end, STYLE_STRONG, TEXT_NAME, base_name(target->exe));
	x = word(y, x, end, STYLE_TEXT, pid);
	x = word_behind(y, x, GAP, end, STYLE_DIM, version);
	x = draw_doubt(target, y, x, end);
	return word_behind(y, x, GAP, end, state_style(target->state),
	                   process_state_name(target->state));
}

static int draw_many_targets(const struct rows *rows, int y, int x, int end)
{
	unsigned int by_state[3] = {0};
	char text[128];

	for (size_t i = 0; i < rows->target_count; i++)
		by_state[rows->targets[i]->state % 3]++;
	snprintf(text, sizeof(text), "%zu processes", rows->target_count);
	x = word(y, x, end, STYLE_TEXT, text);
	x = word_behind(y, x, GAP, end, STYLE_STRONG, base_name(rows->targets[0]->exe));
	x = word_behind(y, x, GAP, end, STYLE_DIM, rows->targets[0]->go_version);
	x = draw_doubt(doubtful_target(rows), y, x, end);
	for (uint32_t state = 0; state < 3; state++) {
		if (!by_state[state])
			continue;
		snprintf(text, sizeof(text), "%u %s", by_state[state], process_state_name(state));
		x = word_behind(y, x, GAP, end, state_style(state), text);
	}
	return x;
}

static int draw_crash(const struct rows *rows, int y, int x, int end)
{
	char text[CRASH_MESSAGE_MAX + 16];

	if (!rows->crash_count)
		return x;
	snprintf(text, sizeof(text), "fatal error: %s",
	         rows->crashes[rows->crash_count - 1]->message);
	return put_text(y, x + GAP, end, STYLE_BAD, TEXT_SENTENCE, text);
}

static void draw_targets(const struct ui *ui, const struct rect *area)
{
	int end = draw_marks(ui, area);
	int x = word(area->y, area->x, end, STYLE_BRAND, " gomaptop ") + 1;

	if (ui->rows.target_count == 1)
		x = draw_one_target(ui->rows.targets[0], area->y, x, end);
	else if (ui->rows.target_count)
		x = draw_many_targets(&ui->rows, area->y, x, end);
	else
		x = word(area->y, x, end, STYLE_WARN, "no target yet");
	x = draw_crash(&ui->rows, area->y, x, end);
	if (ui->gone && ui->rows.target_count != 1)
		x = word_behind(area->y, x, GAP, end, STYLE_WARN, "all targets have ended");
	if (ui->source_error)
		word_behind(area->y, x, GAP, end, STYLE_WARN, "no more events will come");
}

/* Columns for what stands behind "none seen": operations and overhead; the time of a reset. */
#define BESIDE_NONE  34
#define BESIDE_RESET 22

/* As much of it as leaves room for the figures behind it, at least two words. */
static int draw_none(const struct ui *ui, int y, int x, int end)
{
	const struct enough *enough = &ui->rows.enough;
	int beside = BESIDE_NONE + (ui->reset_ns ? BESIDE_RESET : 0);
	enum style style = enough_seen(enough) ? STYLE_GOOD : STYLE_STRONG;
	char text[ENOUGH_TEXT_MAX];
	int level = 0;

	while (enough_short(enough, level, text) && x + text_width(text) + beside > end &&
	       level < ENOUGH_LEVELS - 1)
		level++;
	return word(y, x, end, style, text);
}

static int draw_findings(const struct ui *ui, int y, int x, int end)
{
	const struct rows *rows = &ui->rows;
	char text[96], count[FORMAT_MAX], lost[FORMAT_MAX];

	if (rows->conflict_total) {
		snprintf(text, sizeof(text), " %s conflict%s ",
		         format_count(rows->conflict_total, count),
		         rows->conflict_total == 1 ? "" : "s");
		x = word(y, x, end, STYLE_ALARM, text);
	}
	if (rows->unordered_total) {
		snprintf(text, sizeof(text), " %s unordered ",
		         format_count(rows->unordered_total, count));
		x = word(y, x, end, STYLE_UNORDERED, text);
	}
	if (rows->crash_count) {
		snprintf(text, sizeof(text), " %zu crash%s ", (size_t)rows->crash_count,
		         rows->crash_count == 1 ? "" : "es");
		x = word(y, x, end, STYLE_ALARM, text);
	}
	if (rows->conflict_total || rows->unordered_total || rows->crash_count)
		return x;
	if (!rows_lost(rows))
		return draw_none(ui, y, x, end);
	snprintf(text, sizeof(text), "none seen, %s event%s lost",
	         format_count(rows_lost(rows), lost), plural(rows_lost(rows)));
	return word(y, x, end, STYLE_WARN, text);
}

/* From when on the findings are counted, where that is not the beginning. */
static int draw_reset(const struct ui *ui, int y, int x, int end)
{
	char age[FORMAT_MAX], text[FORMAT_MAX + 24];

	if (!ui->reset_ns)
		return x;
	snprintf(text, sizeof(text), "since the reset %s ago",
	         format_age(ui->rows.now_ns, ui->reset_ns, age));
	return word(y, x + 1, end, STYLE_WARN, text);
}

static int draw_lost(const struct rows *rows, int y, int x, int end)
{
	char text[64], lost[FORMAT_MAX];

	snprintf(text, sizeof(text), "lost %s", format_count(rows_lost(rows), lost));
	return word_behind(y, x, GAP, end, rows_lost(rows) ? STYLE_WARN : STYLE_DIM, text);
}

/* What watching costs, and what it may cost. */
static int draw_overhead(const struct ui *ui, int y, int x, int end)
{
	const struct coverage_row *coverage = &ui->rows.coverage;
	char text[64], percent[FORMAT_MAX], limit[FORMAT_MAX];
	double overhead_limit = ui->source->overhead_limit;
	bool limited = overhead_limit > 0 && overhead_limit < 1;
	/* The first look is not within the limit yet, and says so. */
	bool settled = coverage->overhead_recent <= overhead_limit ||
	               coverage->watched_ns >= OVERHEAD_SPAN_SECONDS * UINT64_C(1000000000);
	int length;

	length = snprintf(text, sizeof(text), "overhead %s",
	                  format_percent(coverage->overhead_recent, percent));
	if (limited && !settled)
		snprintf(text + length, sizeof(text) - (size_t)length, " in %" PRIu64 "s",
		         coverage->watched_ns / 1000000000);
	else if (limited)
		snprintf(text + length, sizeof(text) - (size_t)length, " of %s",
		         format_percent(overhead_limit, limit));
	if (x + GAP + text_width(text) > end)
		text[length] = '\0';
	return word_behind(y, x, GAP, end,
	                   limited && settled && coverage->overhead_recent > overhead_limit
	                           ? STYLE_WARN
	                           : STYLE_TEXT,
	                   text);
}

/* How many probes, how many calls, and in brackets how: as many of these as there is room for, from
 * the first; half a word would say nothing. */
static void draw_attached(const struct ui *ui, int y, int x, int end)
{
	static const char *const ends[] = {" (", ", "};
	char text[256], *end_of_part;

	if (!ui->source->attach_line)
		return;
	ui->source->attach_line(ui->source->ctx, text, sizeof(text));
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends) && text_width(text) > end - x; i++) {
		end_of_part = strstr(text, ends[i]);
		if (end_of_part)
			*end_of_part = '\0';
	}
	if (text_width(text) <= end - x)
		word(y, x, end, STYLE_DIM, text);
}

static void draw_watch(const struct ui *ui, const struct rect *area)
{
	const struct coverage_row *coverage = &ui->rows.coverage;
	char text[64], rate[FORMAT_MAX], armed[FORMAT_MAX];
	int y = area->y + 1, end = area->x + area->width;
	int x = draw_findings(ui, y, area->x, end);

	x = draw_reset(ui, y, x, end);
	snprintf(text, sizeof(text), "%s%s ops/s", coverage->rates_estimated ? "~" : "",
	         format_rate(coverage->ops_rate, rate));
	x = word_behind(y, x, GAP, end, STYLE_STRONG, text);
	x = draw_overhead(ui, y, x, end);
	if (ui->rows.conflict_total || ui->rows.unordered_total || ui->rows.crash_count ||
	    !rows_lost(&ui->rows)) /* else said already */
		x = draw_lost(&ui->rows, y, x, end);
	if (coverage->watched_ns) {
		snprintf(text, sizeof(text), "armed %s",
		         format_percent(coverage->armed_now, armed));
		x = word_behind(y, x, GAP, end, STYLE_DIM, text);
	}
	draw_attached(ui, y, x + GAP, end);
}

void pane_header_draw(struct ui *ui, const struct rect *area)
{
	draw_targets(ui, area);
	draw_watch(ui, area);
}
