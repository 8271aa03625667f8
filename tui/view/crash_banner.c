/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/crash_banner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/local_time.h"
#include "core/base/sanitize.h"
#include "tui/term/draw.h"
#include "tui/words/format.h"

#define BANNER_BYTES 2048
#define NAME_BYTES   512

/* The one that the banner tells of; NULL: there is no banner. */
static const struct crash_row *crash_of(const struct ui *ui)
{
	const struct rows *rows = &ui->rows;
	const struct crash_row *latest =
	        rows->crash_count ? rows->crashes[rows->crash_count - 1] : NULL;

	return latest && latest->time_ns > ui->dismissed_ns ? latest : NULL;
}

/* "write at ledger.go:12 main.(*ledger).credit" */
static void place_words(const struct side *side, char *out, size_t size)
{
	char line[NAME_BYTES], function[NAME_BYTES];

	if (!side->chain_length) {
		snprintf(out, size, "at a line that is not known");
		return;
	}
	format_line(&side->chain[0], line, sizeof(line));
	snprintf(out, size, "%s at %s %s", map_op_name(side->access.op), line,
	         side->chain[0].function
	                 ? format_function(&side->chain[0], function, sizeof(function))
	                 : "");
}

static void time_words(const struct ui *ui, const struct crash_row *crash, char out[FORMAT_MAX])
{
	char age[FORMAT_MAX], clock[LOCAL_TIME_MAX];

	if (!ui->source->realtime_offset_ns) {
		snprintf(out, FORMAT_MAX, "%.20s ago",
		         format_age(ui->rows.now_ns, crash->time_ns, age));
		return;
	}
	local_clock_format(crash->time_ns + (uint64_t)ui->source->realtime_offset_ns, clock);
	/* Without the fraction: ".123456" between the time and its zone. */
	snprintf(out, FORMAT_MAX, "%.8s%.8s", clock, clock + 15);
}

/* Two paragraphs: what the runtime said; who, when, where, and the key. */
static void words(const struct ui *ui, const struct crash_row *crash, char message[BANNER_BYTES],
                  char facts[BANNER_BYTES])
{
	char raw[BANNER_BYTES], place[2 * NAME_BYTES + 32], when[FORMAT_MAX], more[64] = "";
	const char *keys = keymap_entry(ACTION_DISMISS)->keys;

	snprintf(raw, sizeof(raw), "fatal error: %s", crash->message);
	sanitize(raw, message, BANNER_BYTES);
	place_words(&crash->side, place, sizeof(place));
	time_words(ui, crash, when);
	if (ui->rows.crash_count > 1)
		snprintf(more, sizeof(more), "; the latest of %zu crashes", ui->rows.crash_count);
	snprintf(raw, sizeof(raw), "process %u died at %s: goroutine %" PRIu64 ", %s%s. ",
	         crash->tgid, when, (uint64_t)crash->side.access.goid, place, more);
	if (*keys)
		snprintf(raw + strlen(raw), sizeof(raw) - strlen(raw), "%.*s takes this away.",
		         (int)strcspn(keys, " "), keys);
	sanitize(raw, facts, BANNER_BYTES);
}

static int lines_of(const char *text, int width)
{
	int lines = 0;
	size_t skip;

	for (; text_wrap(text, width, &skip); text += skip)
		lines++;
	return lines;
}

int crash_banner_lines(const struct ui *ui, int width)
{
	const struct crash_row *crash = crash_of(ui);
	char message[BANNER_BYTES], facts[BANNER_BYTES];

	if (!crash)
		return 0;
	words(ui, crash, message, facts);
	return lines_of(message, width - 2) + lines_of(facts, width - 2);
}

void crash_banner_draw(const struct ui *ui, const struct rect *area)
{
	const struct crash_row *crash = crash_of(ui);
	char message[BANNER_BYTES], facts[BANNER_BYTES];
	int used;

	if (!crash || area->height < 1)
		return;
	words(ui, crash, message, facts);
	for (int i = 0; i < area->height; i++)
		draw_text(area->y + i, area->x, area->width, STYLE_ALARM, GROUND_NONE, "");
	used = draw_wrapped(area->y, area->x + 1, area->width - 2, area->height, STYLE_ALARM,
	                    message);
	if (used < area->height)
		draw_wrapped(area->y + used, area->x + 1, area->width - 2, area->height - used,
		             STYLE_ALARM, facts);
}

void crash_banner_dismiss(struct ui *ui)
{
	const struct crash_row *crash = crash_of(ui);

	if (!crash) {
		ui_notice(ui, false, "there is no banner of a crash to take away");
		return;
	}
	ui->dismissed_ns = crash->time_ns; /* the messages and the header keep it */
}
