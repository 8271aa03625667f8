/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tui/term/draw.h"
#include "tui/term/loop.h"
#include "tui/term/screen.h"
#include "tui/view/ui.h"
#include "tui/widget/column.h"
#include "tui/widget/list.h"
#include "tui/words/format.h"

/* The Go processes that run here, to choose one from. `/` narrows the list as it is typed. */

#define CHOICES_MAX 1024
#define FILTER_MAX  64
#define SECOND_NS   UINT64_C(1000000000)

struct chooser {
	const struct ui_choices *choices;
	struct ui_choice *all;
	struct ui_choice *shown[CHOICES_MAX];
	size_t all_count;
	struct list list;
	char filter[FILTER_MAX];
	bool typing;   /* keys go into the filter */
	bool complete; /* every process was looked at once */
	pid_t chosen, refused;
};

/* ---- columns ------------------------------------------------------------------------------------
 */

static void render_pid(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%d", ((const struct ui_choice *)row)->pid);
}

static void render_user(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%s", ((const struct ui_choice *)row)->user);
}

static void render_version(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%s", ((const struct ui_choice *)row)->go_version);
	cell->style = ((const struct ui_choice *)row)->unreadable ? STYLE_BAD : STYLE_LOOK;
}

static void render_cpu(const void *row, struct cell *cell)
{
	double cpu = ((const struct ui_choice *)row)->cpu_percent;

	snprintf(cell->text, sizeof(cell->text), "%.1f", cpu);
	if (cpu < 0.05)
		cell->style = STYLE_DIM;
}

static void render_unit(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%s", ((const struct ui_choice *)row)->unit);
}

static void render_age(const void *row, struct cell *cell)
{
	uint64_t started = ((const struct ui_choice *)row)->started_ns;
	char age[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s",
	         started ? format_age(clock_read(CLOCK_REALTIME), started, age) : "");
}

static void render_command(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%s", ((const struct ui_choice *)row)->command);
}

static const struct column columns[] = {
        {.title = "pid",
         .holds = TEXT_WHOLE,
         .width = 7,
         .importance = 90,
         .right = true,
         .render = render_pid},
        {.title = "user", .holds = TEXT_NAME, .width = 8, .importance = 20, .render = render_user},
        {.title = "cpu %",
         .holds = TEXT_WHOLE,
         .width = 5,
         .importance = 30,
         .right = true,
         .render = render_cpu},
        {.title = "age",
         .holds = TEXT_WHOLE,
         .width = 4,
         .importance = 25,
         .right = true,
         .render = render_age},
        {.title = "unit", .holds = TEXT_NAME, .width = 12, .importance = 15, .render = render_unit},
        {.title = "go",
         .holds = TEXT_WHOLE,
         .width = 12,
         .importance = 50,
         .render = render_version},
        {.title = "command",
         .holds = TEXT_NAME,
         .width = 32,
         .grow = 1,
         .importance = 100,
         .render = render_command},
};

#define COLUMN_COUNT ((int)(sizeof(columns) / sizeof(columns[0])))

/* ---- rows ---------------------------------------------------------------------------------------
 */

static uint64_t key_of(const void *ctx, size_t index)
{
	return (uint64_t)((const struct chooser *)ctx)->shown[index]->pid;
}

static bool matches(const struct chooser *chooser, const struct ui_choice *choice)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", choice->pid);
	return !chooser->filter[0] || strcasestr(choice->command, chooser->filter) ||
	       strcasestr(choice->user, chooser->filter) ||
	       strcasestr(choice->unit, chooser->filter) || strstr(pid, chooser->filter);
}

static void filter_apply(struct chooser *chooser)
{
	size_t count = 0;

	for (size_t i = 0; i < chooser->all_count; i++)
		if (matches(chooser, &chooser->all[i]))
			chooser->shown[count++] = &chooser->all[i];
	list_sync(&chooser->list, count, key_of, chooser);
}

/* ---- drawing ------------------------------------------------------------------------------------
 */

static void draw_empty(const struct chooser *chooser, int width, int height)
{
	char text[256];

	if (chooser->all_count)
		snprintf(text, sizeof(text),
		         "None of the %zu Go processes matches '%s'. Esc shows "
		         "all of them.",
		         chooser->all_count, chooser->filter);
	else if (!chooser->complete)
		snprintf(text, sizeof(text), "Looking at the processes of this host...");
	else
		snprintf(text, sizeof(text),
		         "No Go process that you may watch runs here. Start one (it appears by "
		         "itself)%s, or let gomaptop start it: gomaptop -- CMD.",
		         geteuid() == 0 ? "" : ", run this as root to see those of others");
	draw_wrapped(4, 2, width - 4, height - 5, STYLE_DIM, text);
}

static void draw_rows(struct chooser *chooser, int width, int height)
{
	struct column_need needs[COLUMNS_MAX] = {{0}};
	int widths[COLUMNS_MAX];
	int visible = height - 5;

	list_show(&chooser->list, (size_t)visible);
	for (size_t i = chooser->list.top; i < chooser->list.count; i++)
		columns_measure(columns, COLUMN_COUNT, 0, chooser->shown[i], needs);
	columns_fit(columns, COLUMN_COUNT, 0, needs, width - 2, widths);
	columns_draw_titles(columns, COLUMN_COUNT, widths, 3, 2, width - 2, -1);
	for (int i = 0; i < visible; i++) {
		size_t index = chooser->list.top + (size_t)i;
		bool selected = index == chooser->list.selected;
		enum ground ground = selected ? GROUND_SELECTED : GROUND_NONE;

		if (index >= chooser->list.count)
			break;
		draw_text(4 + i, 0, 2, STYLE_STRONG, ground, selected ? glyph(GLYPH_POINTER) : "");
		columns_draw_row(columns, COLUMN_COUNT, widths, 4 + i, 2, width - 2, ground,
		                 chooser->shown[index]);
	}
}

static void draw_bottom(const struct chooser *chooser, int y, int width)
{
	static const char *const keys[][2] = {
	        {"Enter", "watch"}, {"/", "filter"}, {"Esc", "all"}, {"q", "quit"}};
	int x = 0;

	if (chooser->refused) {
		draw_words(y, 0, width, STYLE_BAD, GROUND_NONE,
		           "%d: its executable could not be read in time or within limits; "
		           "`gomaptop check %d` says more",
		           chooser->refused, chooser->refused);
		return;
	}
	if (chooser->typing || chooser->filter[0]) {
		draw_words(y, 0, width, STYLE_STRONG, GROUND_NONE, "filter: %s%s", chooser->filter,
		           chooser->typing ? "_" : "   (Esc shows all)");
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		x += draw_word(y, x, width - x, STYLE_KEY, GROUND_NONE, keys[i][0]) + 1;
		x += draw_word(y, x, width - x, STYLE_DIM, GROUND_NONE, keys[i][1]) + 2;
	}
}

static void on_draw(void *ctx)
{
	struct chooser *chooser = ctx;
	int width = screen_width(), height = screen_height();
	struct rect title = {2, 0, 1, width};
	int x;

	if (width < LAYOUT_MIN_WIDTH || height < LAYOUT_MIN_HEIGHT) {
		draw_words(0, 0, width, STYLE_TEXT, GROUND_NONE, "gomaptop needs %dx%d, has %dx%d",
		           LAYOUT_MIN_WIDTH, LAYOUT_MIN_HEIGHT, width, height);
		return;
	}
	x = draw_word(0, 0, width, STYLE_BRAND, GROUND_NONE, " gomaptop ") + 1;
	draw_word(0, x, width - x, STYLE_TEXT, GROUND_NONE,
	          "concurrent map conflicts in running Go processes");
	draw_title(&title, true, "Which Go process?", NULL);
	if (chooser->list.count)
		draw_rows(chooser, width, height);
	else
		draw_empty(chooser, width, height);
	draw_bottom(chooser, height - 1, width);
}

/* ---- keys ---------------------------------------------------------------------------------------
 */

/* True when the key went into the filter. */
static bool filter_key(struct chooser *chooser, int code)
{
	size_t length = strlen(chooser->filter);
	enum action action = keymap_action(code);

	if (code >= ' ' && code < 0x7f && length + 1 < sizeof(chooser->filter)) {
		chooser->filter[length] = (char)code;
		chooser->filter[length + 1] = '\0';
	} else if (action == ACTION_BACK && code != 0x1b) {
		chooser->filter[length ? length - 1 : 0] = '\0';
	} else {
		return false;
	}
	filter_apply(chooser);
	return true;
}

static enum loop_answer on_key(void *ctx, int code)
{
	struct chooser *chooser = ctx;
	enum action action = keymap_action(code);
	bool asks = action == ACTION_SEARCH || action == ACTION_FILTER || code == '/';

	chooser->refused = 0;
	if (chooser->typing && filter_key(chooser, code))
		return LOOP_DRAW;
	if (list_act(&chooser->list, action)) {
		if (chooser->list.count)
			chooser->list.key = key_of(chooser, chooser->list.selected);
		return LOOP_DRAW;
	}
	if (asks || action == ACTION_BACK) {
		chooser->typing = asks;
		chooser->filter[0] = '\0';
		filter_apply(chooser);
	}
	if (action == ACTION_REDRAW)
		screen_invalidate();
	if (action == ACTION_OPEN && chooser->list.count) {
		const struct ui_choice *choice = chooser->shown[chooser->list.selected];
		*(choice->unreadable ? &chooser->refused : &chooser->chosen) = choice->pid;
	}
	return action == ACTION_QUIT || action == ACTION_CLOSE || chooser->chosen ? LOOP_QUIT
	                                                                          : LOOP_DRAW;
}

static enum loop_answer on_news(void *ctx, bool clock)
{
	struct chooser *chooser = ctx;

	(void)clock;
	chooser->all_count = chooser->choices->list(chooser->choices->ctx, chooser->all,
	                                            CHOICES_MAX, &chooser->complete);
	filter_apply(chooser);
	return LOOP_DRAW;
}

pid_t ui_choose(const struct ui_choices *choices, const struct ui_config *config, struct error *err)
{
	struct chooser *chooser = calloc(1, sizeof(*chooser));
	struct loop loop = {
	        .event_fd = choices->event_fd,
	        .interval_ns = config->interval_ns < SECOND_NS ? config->interval_ns : SECOND_NS,
	        .key = on_key,
	        .news = on_news,
	        .draw = on_draw,
	        .ctx = chooser,
	};
	pid_t result = -ENOMEM;

	if (!chooser)
		return error_set(err, ENOMEM, "not enough memory: name the process with -p PID");
	chooser->choices = choices;
	chooser->all = calloc(CHOICES_MAX, sizeof(*chooser->all));
	if (chooser->all)
		result = screen_open(config->color, err);
	if (!result) {
		result = loop_run(&loop);
		screen_close();
		result = result ? result : chooser->chosen;
	}
	free(chooser->all);
	free(chooser);
	return result;
}
