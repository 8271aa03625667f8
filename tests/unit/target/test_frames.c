/* SPDX-License-Identifier: MIT */
/* The screen without a terminal: every view at every size, nothing runs over; random keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curses.h>
#include <locale.h>

#include "tests/synthetic/synthetic.h"
#include "tui/term/draw.h"
#include "tui/term/screen.h"
#include "tui/view/pane.h"

#define QUEUE_BYTES (16u << 20)
#define RANDOM_KEYS 100000

struct stage {
	struct synthetic *synthetic;
	struct event_queue *queue;
	struct model *model;
	struct ui_source source;
	struct ui_config config;
	struct ui *ui;
	SCREEN *terminal;
	FILE *out;
};

static int on_pump(void *ctx)
{
	struct stage *stage = ctx;

	return synthetic_run(stage->synthetic, stage->queue, stage->model) < 0 ? -5 : 1;
}

static void on_attach_line(void *ctx, char *out, size_t size)
{
	(void)ctx;
	snprintf(out, size, "24/24 probes (synthetic)");
}

static void stage_set(struct stage *stage, bool hostile)
{
	const struct synthetic_config load = {
	        .maps = 40,
	        .goroutines = 60,
	        .depth = 40,
	        .conflict_maps = 6,
	        .conflicts_per_second = 40,
	        .stalls_per_second = 60,
	        .short_maps_per_second = 20,
	        .lost_per_second = 1,
	        .crash_at_step = 30,
	        .hostile_names = hostile,
	};
	struct model_config config = {0};

	memset(stage, 0, sizeof(*stage));
	assert_int_equal(event_queue_create(QUEUE_BYTES, &stage->queue), 0);
	assert_int_equal(synthetic_create(&load, stage->queue, &stage->synthetic), 0);
	config.symbols = synthetic_symbols(stage->synthetic);
	assert_int_equal(model_create(&config, &stage->model), 0);
	assert_int_equal(synthetic_targets_add(stage->synthetic, stage->model), 0);
	for (int i = 0; i < 60; i++)
		assert_true(on_pump(stage) > 0);
	stage->source = (struct ui_source){
	        .model = stage->model,
	        .event_fd = -1,
	        .pump = on_pump,
	        .attach_line = on_attach_line,
	        .ctx = stage,
	        .realtime_offset_ns = INT64_C(1700000000) * 1000000000,
	};
	stage->config.interval_ns = 1000000000;
	stage->ui = ui_create(&stage->source, &stage->config);
	assert_non_null(stage->ui);
	stage->out = fopen("/dev/null", "w+");
	assert_non_null(stage->out);
	stage->terminal = newterm("xterm-256color", stage->out, stage->out);
	assert_non_null(stage->terminal);
	set_term(stage->terminal);
	style_setup(true);
}

static void stage_clear(struct stage *stage)
{
	ui_destroy(stage->ui);
	endwin();
	delscreen(stage->terminal);
	fclose(stage->out);
	model_destroy(stage->model);
	synthetic_destroy(stage->synthetic);
	event_queue_destroy(stage->queue);
}

static void frame(struct stage *stage)
{
	erase();
	ui_frame(stage->ui);
	wnoutrefresh(stdscr);
}

/* ---- every size ---------------------------------------------------------------------- */

/* Keys that lead to a view from the overview, and that make more of it. */
static const struct way {
	const char *name, *keys;
} ways[] = {
        {"overview", ""},
        {"zoomed", "z"},
        {"heat by time", "v"},
        {"heat by frequency", "vv"},
        {"map", "\r"},
        {"map, heat", "\r\t"},
        {"map, lines", "\r\t\t"},
        {"map, timeline", "\r\t\t\t"},
        {"conflict", "c"},
        {"goroutine", "\t\t\r"},
        {"tree", "t"},
        {"messages", "m"},
        {"setup", "O"},
        {"help", "?"},
        {"prompt", "/looked for"},
};

static void press(struct stage *stage, const char *keys)
{
	for (; *keys; keys++)
		ui_key(stage->ui, (unsigned char)*keys);
}

/* Whatever is on the screen, to where it was at first. */
static void leave(struct stage *stage)
{
	ui_destroy(stage->ui);
	stage->config.interval_ns = 1000000000;
	stage->ui = ui_create(&stage->source, &stage->config);
	assert_non_null(stage->ui);
}

static void check_frame(struct stage *stage, const struct way *way, int height, int width)
{
	char brand[16] = "", bottom[400];

	frame(stage);
	if (draw_overruns())
		fail_msg("%s runs over at %dx%d", way->name, width, height);
	mvinnstr(0, 0, brand, 10);
	mvinnstr(height - 1, 0, bottom, width < 399 ? width : 399);
	if (height < LAYOUT_MIN_HEIGHT || width < LAYOUT_MIN_WIDTH)
		assert_true(width < 14 || strncmp(brand, "gomaptop n", 10) == 0);
	else if (strcmp(brand, " gomaptop ") != 0 || strspn(bottom, " ") == strlen(bottom))
		fail_msg("%s at %dx%d has no header or no last line", way->name, width, height);
}

static void nothing_runs_over(bool hostile)
{
	struct stage stage;

	stage_set(&stage, hostile);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		leave(&stage);
		press(&stage, ways[i].keys);
		for (int height = 1; height <= 100; height += height < 50 ? 3 : 17)
			for (int width = 1; width <= 400; width += width < 150 ? 7 : 41) {
				assert_int_equal(resizeterm(height, width), OK);
				check_frame(&stage, &ways[i], height, width);
			}
	}
	stage_clear(&stage);
}

static void nothing_runs_over_at_any_size(void **state)
{
	(void)state;
	nothing_runs_over(false);
}

static void nothing_runs_over_with_hostile_names(void **state)
{
	(void)state;
	nothing_runs_over(true);
}

/* ---- random keys --------------------------------------------------------------------- */

static int random_key(void)
{
	static const int special[] = {KEY_UP,    KEY_DOWN,      KEY_LEFT, KEY_RIGHT, KEY_PPAGE,
	                              KEY_NPAGE, KEY_HOME,      KEY_END,  KEY_BTAB,  '\r',
	                              '\t',      KEY_BACKSPACE, 0x1b,     KEY_F(1),  KEY_F(2),
	                              KEY_F(3),  KEY_F(4),      KEY_F(5), KEY_F(6),  KEY_F(7),
	                              KEY_F(8),  KEY_RESIZE};
	int dice = rand() % 10;

	if (dice < 4)
		return special[(size_t)rand() % (sizeof(special) / sizeof(special[0]))];
	return dice < 9 ? ' ' + rand() % 95 : rand() % 0x200;
}

/* Quitting is refused, writing into files too: there is nobody to read them. */
static bool is_allowed(const struct ui *ui, int code)
{
	enum action action = keymap_action(code);

	if (prompt_is_open(&ui->prompt))
		return ui->question != QUESTION_KEYS;
	return action != ACTION_QUIT && action != ACTION_COPY && action != ACTION_SNAPSHOT;
}

static void random_keys_do_no_harm(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, true);
	setenv("XDG_CONFIG_HOME", "/dev/null", 1);
	srand(7);
	for (int i = 0; i < RANDOM_KEYS; i++) {
		int code = random_key();

		if (stage.ui->question == QUESTION_KEYS)
			code = 0x1b;
		else if (!is_allowed(stage.ui, code))
			continue;
		ui_key(stage.ui, code);
		if (i % 500 == 0)
			resizeterm(5 + rand() % 60, 20 + rand() % 200);
		if (i % 1000 == 0)
			ui_news(stage.ui);
		if (i % 16 == 0)
			frame(&stage);
		if (draw_overruns())
			break;
	}
	printf("%s %dx%d\n", ui_view(stage.ui)->name, COLS, LINES);
	assert_int_equal(draw_overruns(), 0);
	stage_clear(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_runs_over_at_any_size),
	        cmocka_unit_test(nothing_runs_over_with_hostile_names),
	        cmocka_unit_test(random_keys_do_no_harm),
	};

	setlocale(LC_ALL, "C.UTF-8");
	text_set_utf8(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
