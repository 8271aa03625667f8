/* SPDX-License-Identifier: MIT */
/*
 * screen_sweep: every view at many sizes, in UTF-8 and ASCII, on a made-up process with large
 * values, as text on standard output, for test_sweep.py.
 *
 * A frame is a line "@ SCENE CHARSET COLUMNSxLINES" and then the lines of the screen. The frames of
 * the size VAST come first: there nothing has to be shortened.
 */
#define _GNU_SOURCE
#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/synthetic/synthetic.h"
#include "tui/term/screen.h"
#include "tui/term/text.h"
#include "tui/view/pane.h"

#define QUEUE_BYTES  (64u << 20)
#define TICKS        20
#define VAST_LINES   400
#define VAST_COLUMNS 500
#define TAB          "\t"
#define ENTER        "\r"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where the frames are taken: keys that lead there. */
static const struct scene {
	const char *name, *keys;
	bool unordered; /* of the process with unordered pairs and no conflict */
} scenes[] = {
        {"overview", "", false},
        {"overview-heat", TAB, false},
        {"overview-goroutines", TAB TAB, false},
        {"overview-chains", TAB TAB TAB, false},
        {"maps-zoomed", "z", false},
        {"goroutines-zoomed", TAB TAB "z", false},
        {"chains-zoomed", TAB TAB TAB "z", false},
        {"chain-open", TAB TAB TAB "zG" ENTER, false},
        {"filtered", "\\main" ENTER, false},
        {"heat-frequency", "v" TAB, false},
        {"heat-map", "vv" TAB, false},
        {"heat-time", "vvv" TAB, false},
        {"map", ENTER, false},
        {"map-heat", ENTER TAB, false},
        {"map-lines", ENTER TAB TAB, false},
        {"map-timeline", ENTER TAB TAB TAB, false},
        {"conflict", "c", false},
        {"conflict-full", "c" ENTER, false},
        {"goroutine", TAB TAB ENTER, false},
        {"tree", "t", false},
        {"messages", "m", false},
        {"processes", "P", false},
        {"setup", "O", false},
        {"help", "?", false},
        {"unordered", "", true},
        {"unordered-map", ENTER, true},
        {"unordered-pair", "c", true},
        {"unordered-chains", TAB TAB TAB "z", true},
        {"unordered-messages", "m", true},
};

static const int heights[] = {10, 15, 24, 60};
static const int widths[] = {40, 43, 47, 52, 56, 60, 65, 72, 80, 92, 100, 112, 124, 132, 160, 200};

struct process {
	struct event_queue *queue;
	struct synthetic *synthetic;
	struct model *model;
	struct ui_source source;
};

static void fail(const char *what)
{
	endwin();
	fprintf(stderr, "screen_sweep: %s\n", what);
	exit(2);
}

static void on_attach_line(void *ctx, char *out, size_t size)
{
	(void)ctx;
	snprintf(out, size, "24/24 probes, 12345 calls (synthetic)");
}

static void load(struct process *process, bool unordered)
{
	const struct synthetic_config made_up = {
	        .maps = 1200,
	        .goroutines = 300,
	        .depth = 30,
	        .conflict_maps = unordered ? 0 : 100,
	        .unordered_maps = unordered ? 100 : 0,
	        .operations_per_second = 1e10,
	        .conflicts_per_second = unordered ? 0 : 2000,
	        .unordered_per_second = unordered ? 2000 : 0,
	        .stalls_per_second = 200,
	        .short_maps_per_second = 1500,
	        .lost_per_second = 12345,
	        .crash_at_step = unordered ? 0 : TICKS - 2,
	        .large_values = true,
	};
	struct model_config config = {.maps_max = 16384, .goroutines_max = 16384};

	if (event_queue_create(QUEUE_BYTES, &process->queue) ||
	    synthetic_create(&made_up, process->queue, &process->synthetic))
		fail("not enough memory");
	config.symbols = synthetic_symbols(process->synthetic);
	if (model_create(&config, &process->model) ||
	    synthetic_targets_add(process->synthetic, process->model))
		fail("not enough memory");
	for (int i = 0; i < TICKS; i++)
		if (synthetic_run(process->synthetic, process->queue, process->model) < 0)
			fail("the model takes no more events");
	process->source = (struct ui_source){.model = process->model,
	                                     .event_fd = -1,
	                                     .attach_line = on_attach_line,
	                                     .overhead_limit = 0.125,
	                                     .realtime_offset_ns = INT64_C(1700000000) * 1000000000,
	                                     .ctx = process};
}

static void unload(struct process *process)
{
	model_destroy(process->model);
	synthetic_destroy(process->synthetic);
	event_queue_destroy(process->queue);
}

static void print_screen(int height, int width)
{
	static wchar_t line[VAST_COLUMNS + 1];

	for (int y = 0; y < height; y++) {
		int length = mvinnwstr(y, 0, line, width);

		while (length > 0 && line[length - 1] == L' ')
			length--;
		line[length > 0 ? length : 0] = L'\0';
		printf("%ls\n", line);
	}
}

static void frame(struct ui *ui, const char *name, int height, int width)
{
	resizeterm(height, width);
	screen_begin();
	ui_frame(ui);
	printf("@ %s %s %dx%d\n", name, text_is_utf8() ? "utf8" : "ascii", width, height);
	print_screen(height, width);
}

static void run(const struct process *process, const struct scene *scene, bool vast)
{
	const struct ui_config config = {.interval_ns = 1000000000};
	struct ui *ui = ui_create(&process->source, &config);

	if (!ui)
		fail("not enough memory");
	resizeterm(VAST_LINES, VAST_COLUMNS);
	ui_frame(ui);
	for (const char *key = scene->keys; *key; key++)
		ui_key(ui, (unsigned char)*key);
	ui_refresh(ui);
	if (vast)
		frame(ui, scene->name, VAST_LINES, VAST_COLUMNS);
	for (size_t h = 0; !vast && h < COUNT(heights); h++)
		for (size_t w = 0; w < COUNT(widths); w++)
			frame(ui, scene->name, heights[h], widths[w]);
	ui_destroy(ui);
}

int main(void)
{
	static struct process processes[2];
	FILE *nowhere = fopen("/dev/null", "r+");

	setlocale(LC_ALL, "C.UTF-8");
	load(&processes[0], false);
	load(&processes[1], true);
	if (!nowhere || !newterm("xterm-256color", nowhere, nowhere))
		fail("no terminal type xterm-256color");
	style_setup(true);
	for (int part = 0; part < 3; part++) {
		text_set_utf8(part < 2);
		for (size_t i = 0; i < COUNT(scenes); i++)
			run(&processes[scenes[i].unordered], &scenes[i], part == 0);
	}
	endwin();
	unload(&processes[0]);
	unload(&processes[1]);
	return 0;
}
