/* SPDX-License-Identifier: MIT */
/*
 * What a frame costs: CPU time and bytes sent, at 200x60 with 10,000 maps and 10,000 goroutines in
 * the model, filled by the synthetic load. A frame is all that the screen does for one interval of
 * news: ask the model for its rows, filter and sort them, draw, send what differs. Feeding the
 * model is the collector's work and not counted.
 *
 *     bench_frame [FRAMES [MAPS [GOROUTINES [SCREEN]]]]      SCREEN: only that one, "map view"
 *
 * Figures are lower quartiles: what else runs on the machine makes frames dearer, never cheaper.
 * The last line says whether the frames of all screens stay within 2 ms.
 */
#define _GNU_SOURCE
#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/synthetic/synthetic.h"
#include "tui/term/screen.h"
#include "tui/term/text.h"
#include "tui/view/pane.h"

#define QUEUE_BYTES (64u << 20)
#define FRAMES_MAX  10000
#define BOUND_MS    2.0

struct bench {
	struct event_queue *queue;
	struct synthetic *synthetic;
	struct model *model;
	struct ui_source source;
	struct ui_config config;
	struct ui *ui;
	int sent; /* a file: what the terminal got */
};

/* Where the frames are taken: keys that lead there, whether there is news. */
static const struct scene {
	const char *name, *keys;
	bool news;
} scenes[] = {
        {"overview, at rest", "", false},
        {"overview", "", true},
        {"overview, another order", "S", true},
        {"overview, filtered", "\\map\r", true},
        {"overview, few filtered", "\\func:nowhere\r", true},
        {"overview, heat by time", "v", true},
        {"map view", "\r", true},
        {"call tree", "t", true},
};

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	endwin();
	fprintf(stderr, "bench_frame: %s\n", what);
	exit(2);
}

static void on_attach_line(void *ctx, char *out, size_t size)
{
	(void)ctx;
	snprintf(out, size, "24/24 probes (synthetic)");
}

static void load(struct bench *bench, unsigned int maps, unsigned int goroutines)
{
	const struct synthetic_config made_up = {
	        .maps = maps,
	        .goroutines = goroutines,
	        .conflict_maps = 100,
	        .operations_per_second = 1e6,
	        .conflicts_per_second = 200,
	        .stalls_per_second = 200,
	        .short_maps_per_second = 20,
	};
	struct model_config config = {.maps_max = 16384, .goroutines_max = 16384};

	if (event_queue_create(QUEUE_BYTES, &bench->queue) ||
	    synthetic_create(&made_up, bench->queue, &bench->synthetic))
		fail("not enough memory");
	config.symbols = synthetic_symbols(bench->synthetic);
	if (model_create(&config, &bench->model) ||
	    synthetic_targets_add(bench->synthetic, bench->model))
		fail("not enough memory");
}

static void feed(struct bench *bench)
{
	if (synthetic_run(bench->synthetic, bench->queue, bench->model) < 0)
		fail("the model takes no more events");
}

static void open_screen(struct bench *bench)
{
	FILE *out = tmpfile();

	bench->sent = out ? fileno(out) : -1;
	if (!out || !newterm("xterm-256color", out, out))
		fail("no terminal type xterm-256color");
	typeahead(-1);
	style_setup(true);
	resizeterm(60, 200);
	bench->source = (struct ui_source){.model = bench->model,
	                                   .event_fd = -1,
	                                   .attach_line = on_attach_line,
	                                   .realtime_offset_ns = 1,
	                                   .ctx = bench};
}

static void show(struct bench *bench)
{
	screen_begin();
	ui_frame(bench->ui);
	screen_show();
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double quartile(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 4];
}

/* Returns what a frame usually cost, in milliseconds. */
static double run(struct bench *bench, const struct scene *scene, int frames)
{
	static double total[FRAMES_MAX], rows[FRAMES_MAX];
	long bytes = 0;
	double usual;

	bench->config.interval_ns = 1000000000;
	bench->ui = ui_create(&bench->source, &bench->config);
	if (!bench->ui)
		fail("not enough memory");
	for (const char *key = scene->keys; *key; key++)
		ui_key(bench->ui, (unsigned char)*key);
	ui_refresh(bench->ui);
	show(bench);
	for (int i = 0; i < frames; i++) {
		double begin, drawn;
		off_t before = lseek(bench->sent, 0, SEEK_CUR);

		if (scene->news)
			feed(bench);
		begin = cpu_ms();
		ui_refresh(bench->ui);
		drawn = cpu_ms();
		show(bench);
		total[i] = cpu_ms() - begin;
		rows[i] = drawn - begin;
		bytes += lseek(bench->sent, 0, SEEK_CUR) - before;
	}
	ui_destroy(bench->ui);
	usual = quartile(total, frames);
	printf("%-26s %7.2f ms %7.2f ms %7.2f ms %8.2f ms %8ld\n", scene->name, usual,
	       quartile(rows, frames), usual - quartile(rows, frames), total[frames - 1],
	       bytes / frames);
	fflush(stdout);
	return usual;
}

static long resident_kib(void)
{
	long pages = 0, shared;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%*d %ld %ld", &pages, &shared) != 2)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
	int frames = argc > 1 ? atoi(argv[1]) : 40;
	unsigned int maps = argc > 2 ? (unsigned int)atoi(argv[2]) : 10000;
	unsigned int goroutines = argc > 3 ? (unsigned int)atoi(argv[3]) : 10000;
	struct bench bench = {0};
	bool slow = false;

	if (frames < 1 || frames > FRAMES_MAX)
		fail("1 to 10000 frames");
	setlocale(LC_ALL, "C.UTF-8");
	text_set_utf8(true);
	load(&bench, maps, goroutines);
	for (int i = 0; i < 5; i++)
		feed(&bench);
	open_screen(&bench);
	printf("%zu maps, %zu goroutines, %zu conflicts, 200x60, %d frames\n",
	       model_map_count(bench.model), model_goroutine_count(bench.model),
	       model_conflict_count(bench.model), frames);
	printf("%-26s %10s %10s %10s %11s %8s\n", "screen", "a frame", "rows", "drawing", "slowest",
	       "bytes");
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (argc <= 4 || strcmp(argv[4], scenes[i].name) == 0)
			slow |= run(&bench, &scenes[i], frames) > BOUND_MS;
	printf("memory: %ld MB resident, the made-up process and its queue included\n",
	       resident_kib() / 1024);
	model_destroy(bench.model);
	synthetic_destroy(bench.synthetic);
	event_queue_destroy(bench.queue);
	printf("bound of %.0f ms: %s\n", BOUND_MS, slow ? "MISSED" : "kept");
	return 0;
}
