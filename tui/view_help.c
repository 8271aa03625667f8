/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>

#include "tui/draw.h"
#include "tui/pane.h"
#include "tui/text.h"

/* The keys from the keymap table, then what the words on the screen mean. */

#define KEYS_WIDTH 16

static const struct {
	const char *word;
	enum style style;
	const char *meaning;
} words[] = {
        {"conflict", STYLE_CONFLICT,
         "two goroutines were inside operations on the map at the same "
         "time and one changed it: proven"},
        {"suspect", STYLE_SUSPECT,
         "several goroutines, at least one changes it, no overlap seen "
         "yet: not an accusation"},
        {"guarded", STYLE_GUARDED,
         "the same, but by now overlaps should have been seen if nothing "
         "kept them apart"},
        {"shared", STYLE_SHARED, "several goroutines, nobody changes it"},
        {"local", STYLE_LOCAL, "one goroutine"},
        {"rd wr de it/s", STYLE_HEAD, "reads, writes, deletes and clears, iterations per second"},
        {"gors", STYLE_HEAD, "goroutines that used it (~: estimated)"},
        {"confl", STYLE_HEAD, "conflicts seen"},
        {"exp", STYLE_HEAD, "overlaps to be expected if nothing kept the goroutines apart"},
        {"heat", STYLE_HEAD,
         "conflicts per second by depth of the deeper call chain: 1 rare, 5 from "
         "1/s, 9 from 100/s"},
        {"armed", STYLE_HEAD, "part of the time in which the probes were in place"},
        {"overhead", STYLE_HEAD, "estimate of the target's CPU time that watching costs"},
};

#define WORDS ((int)(sizeof(words) / sizeof(words[0])))

/* Lines that are scrolled away are drawn to nowhere. */
static int draw_entry(const struct rect *area, int row, const char *key, enum style style,
                      const char *text)
{
	int width = area->width - KEYS_WIDTH - 3;
	size_t skip;

	if (row >= 0 && row < area->height)
		draw_word(area->y + row, area->x + 2, KEYS_WIDTH - 1, style, GROUND_NONE, key);
	for (size_t n; (n = text_wrap(text, width, &skip)) != 0; text += skip, row++)
		if (row >= 0 && row < area->height)
			draw_words(area->y + row, area->x + 2 + KEYS_WIDTH, width, STYLE_TEXT,
			           GROUND_NONE, "%.*s", (int)n, text);
	return row;
}

static int lines_of(const char *text, int width)
{
	int lines = 0;
	size_t skip;

	for (; text_wrap(text, width, &skip) != 0; text += skip)
		lines++;
	return lines;
}

static int lines_of_all(int width)
{
	int lines = 1;

	for (int i = 0; i < ACTION_COUNT; i++)
		lines += lines_of(keymap_entry((enum action)i)->help, width);
	for (int i = 0; i < WORDS; i++)
		lines += lines_of(words[i].meaning, width);
	return lines;
}

static void draw(struct ui *ui, const struct rect *area)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	int lines = lines_of_all(area->width - KEYS_WIDTH - 3);
	int row;

	if (ui->help_scroll > lines - body.height)
		ui->help_scroll = lines - body.height;
	if (ui->help_scroll < 0)
		ui->help_scroll = 0;
	draw_title(area, true, "Help",
	           lines > body.height ? "Up and Down scroll, Esc goes back" : "Esc goes back");
	row = -ui->help_scroll;
	for (int i = 0; i < ACTION_COUNT; i++) {
		const struct keymap_entry *entry = keymap_entry((enum action)i);

		row = draw_entry(&body, row, entry->keys, STYLE_KEY, entry->help);
	}
	row++;
	for (int i = 0; i < WORDS; i++)
		row = draw_entry(&body, row, words[i].word, words[i].style, words[i].meaning);
}

static enum handled act(struct ui *ui, enum action action)
{
	static const int by[ACTION_COUNT] = {
	        [ACTION_UP] = -1,        [ACTION_DOWN] = 1,     [ACTION_PAGE_UP] = -10,
	        [ACTION_PAGE_DOWN] = 10, [ACTION_HOME] = -1000, [ACTION_END] = 1000,
	};

	if (action == ACTION_HELP || action == ACTION_LEFT) {
		ui_view_back(ui);
		return HANDLED;
	}
	if (action >= ACTION_COUNT || !by[action])
		return NOT_HANDLED;
	ui->help_scroll += by[action];
	if (ui->help_scroll < 0)
		ui->help_scroll = 0;
	return HANDLED;
}

const struct view_ops view_help = {"help", draw, act, NULL, NULL, NULL};
