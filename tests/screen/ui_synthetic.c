/* SPDX-License-Identifier: MIT */
/*
 * ui_synthetic: the screen on a made-up process, for the screen tests and the pictures.
 *
 * The clock and the dice of the load are fixed, so that the same options give the same screen.
 * --ticks intervals have passed before the first frame; after that everything stands still, or,
 * with --live, goes on by one tick an interval.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/report/snapshot.h"
#include "tests/synthetic/synthetic.h"
#include "tui/view/ui.h"

#define QUEUE_BYTES (16u << 20)

struct load {
	struct synthetic_config synthetic;
	struct ui_config ui;
	unsigned int ticks;
	const char *snapshot_path, *color;
	bool live, gone, abort_now, exit_now;
	unsigned int choices; /* 0: no chooser; else one more than the processes it lists */
	struct event_queue *queue;
	struct synthetic *source;
	struct model *model;
};

/* An option is a row: name, what it fills and how. */
enum kind { FLAG, COUNT, COUNT64, RATE, MILLISECONDS, TEXT };

#define SYNTHETIC(field) offsetof(struct load, synthetic.field)
#define FIELD(field)     offsetof(struct load, field)

static const struct row {
	const char *name, *arg;
	enum kind kind;
	size_t offset;
	const char *help;
} rows[] = {
        {"ticks", "N", COUNT, FIELD(ticks), "intervals before the first frame (10)"},
        {"maps", "N", COUNT, SYNTHETIC(maps), "maps (12)"},
        {"goroutines", "N", COUNT, SYNTHETIC(goroutines), "goroutines (24)"},
        {"seed", "N", COUNT64, SYNTHETIC(seed), "seed of the dice (1)"},
        {"depth", "N", COUNT, SYNTHETIC(depth), "deepest call chain (12)"},
        {"processes", "N", COUNT, SYNTHETIC(processes), "processes (1)"},
        {"conflict-maps", "N", COUNT, SYNTHETIC(conflict_maps), "maps with conflicts (3)"},
        {"unordered-maps", "N", COUNT, SYNTHETIC(unordered_maps), "maps with unordered pairs (0)"},
        {"unordered", "RATE", RATE, SYNTHETIC(unordered_per_second),
         "unordered pairs a second (0)"},
        {"conflicts", "RATE", RATE, SYNTHETIC(conflicts_per_second), "conflicts a second (20)"},
        {"short-maps", "RATE", RATE, SYNTHETIC(short_maps_per_second), "short-lived maps (0)"},
        {"lost", "RATE", RATE, SYNTHETIC(lost_per_second), "events lost a second (0)"},
        {"crash", "STEP", COUNT, SYNTHETIC(crash_at_step), "a process dies in this interval"},
        {"hostile", NULL, FLAG, SYNTHETIC(hostile_names), "names with escape sequences"},
        {"live", NULL, FLAG, FIELD(live), "go on after the first frame"},
        {"gone", NULL, FLAG, FIELD(gone), "the targets have ended"},
        {"abort", NULL, FLAG, FIELD(abort_now), "call abort() at the first tick on the screen"},
        {"exit", NULL, FLAG, FIELD(exit_now), "call exit() at the first tick on the screen"},
        {"interval-ms", "MS", MILLISECONDS, FIELD(ui.interval_ns), "interval (100)"},
        {"duration-ms", "MS", MILLISECONDS, FIELD(ui.duration_ns), "leave after this time"},
        {"until-conflict", NULL, FLAG, FIELD(ui.until_conflict), "leave at a conflict"},
        {"until-finding", NULL, FLAG, FIELD(ui.until_finding),
         "leave at that or an unordered pair"},
        {"bell", NULL, FLAG, FIELD(ui.bell), "ring at the first finding"},
        {"color", "WHEN", TEXT, FIELD(color), "auto, always, never"},
        {"snapshot", "PATH", TEXT, FIELD(snapshot_path), "where the key w writes"},
        {"choose", "N", COUNT, FIELD(choices), "show the chooser with N-1 processes"},
};

#define ROWS      (sizeof(rows) / sizeof(rows[0]))
#define FIRST_KEY 256

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const struct row *row;
	char *field;

	if (key < FIRST_KEY || key >= FIRST_KEY + (int)ROWS)
		return ARGP_ERR_UNKNOWN;
	row = &rows[key - FIRST_KEY];
	field = (char *)state->input + row->offset;
	if (row->kind == FLAG)
		*(bool *)field = true;
	else if (row->kind == TEXT)
		*(const char **)field = arg;
	else if (row->kind == COUNT)
		*(unsigned int *)field = (unsigned int)strtoul(arg, NULL, 10);
	else if (row->kind == COUNT64)
		*(uint64_t *)field = strtoull(arg, NULL, 10);
	else if (row->kind == RATE)
		*(double *)field = strtod(arg, NULL);
	else
		*(uint64_t *)field = strtoull(arg, NULL, 10) * 1000000;
	return 0;
}

static enum ui_color color_of(const char *word)
{
	return !word || strcmp(word, "auto") == 0 ? UI_COLOR_AUTO
	       : strcmp(word, "never") == 0       ? UI_COLOR_NEVER
	                                          : UI_COLOR_ALWAYS;
}

/* ---- the source of the screen -------------------------------------------------------- */

static int on_pump(void *ctx)
{
	struct load *load = ctx;

	if (load->abort_now)
		abort();
	if (load->exit_now)
		exit(7);
	if (!load->live)
		return 0;
	return synthetic_run(load->source, load->queue, load->model) < 0 ? -5 : 1;
}

static int on_snapshot(void *ctx, char *path, size_t size, struct error *err)
{
	struct load *load = ctx;
	FILE *file;

	if (!load->snapshot_path)
		return error_set(err, 13, "cannot write here");
	file = fopen(load->snapshot_path, "w");
	if (!file)
		return error_set(err, 13, "cannot write %s", load->snapshot_path);
	fprintf(file, "%zu maps\n", model_map_count(load->model));
	snprintf(path, size, "%s", load->snapshot_path);
	return fclose(file) ? -5 : 0;
}

static void on_attach_line(void *ctx, char *out, size_t size)
{
	(void)ctx;
	snprintf(out, size, "24/24 probes (synthetic)");
}

static bool on_gone(void *ctx)
{
	return ((struct load *)ctx)->gone;
}

static size_t on_list(void *ctx, struct ui_choice *out, size_t max, bool *complete)
{
	static const char *const commands[] = {"/usr/local/bin/ledgerd -listen :8080",
	                                       "/opt/prometheus/prometheus --web.enable-lifecycle",
	                                       "etcd\033[31m --data-dir /var/lib/etcd"};
	const struct load *load = ctx;
	size_t count = load->choices - 1 < max ? load->choices - 1 : max;

	*complete = true;
	for (size_t i = 0; i < count; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		out[i].pid = 1000 + (pid_t)i * 17;
		snprintf(out[i].command, sizeof(out[i].command), "%s", commands[i % 3]);
		snprintf(out[i].go_version, sizeof(out[i].go_version), "go1.2%zu.%zu", i % 5,
		         i % 7);
		snprintf(out[i].user, sizeof(out[i].user), "%s", i % 2 ? "www-data" : "root");
		snprintf(out[i].unit, sizeof(out[i].unit), "%s",
		         i % 3 ? "0123456789ab" : "ledgerd");
		out[i].started_ns =
		        clock_read(CLOCK_REALTIME) - (3 * i + 1) * UINT64_C(3600500000000);
		out[i].cpu_percent = 97.5 / (double)(1 + i * i);
	}
	return count;
}

static int show(struct load *load)
{
	struct ui_source source = {
	        .model = load->model,
	        .event_fd = -1,
	        .pump = on_pump,
	        .snapshot = on_snapshot,
	        .attach_line = on_attach_line,
	        .targets_gone = on_gone,
	        .ctx = load,
	        .realtime_offset_ns = INT64_C(1700000000) * 1000000000,
	};
	struct error err = {""};
	int rc;

	load->ui.color = color_of(load->color);
	if (load->choices) {
		const struct ui_choices choices = {on_list, load, -1};
		rc = ui_choose(&choices, &load->ui, &err);
		printf("chosen %d\n", rc);
	} else {
		rc = ui_run(&source, &load->ui, &err);
	}
	if (rc < 0)
		fprintf(stderr, "ui_synthetic: %s\n", err.text);
	return rc < 0;
}

static int load_open(struct load *load)
{
	struct model_config config = {0};

	if (event_queue_create(QUEUE_BYTES, &load->queue) ||
	    synthetic_create(&load->synthetic, load->queue, &load->source))
		return -1;
	config.symbols = synthetic_symbols(load->source);
	if (model_create(&config, &load->model) || synthetic_targets_add(load->source, load->model))
		return -1;
	for (unsigned int i = 0; i < load->ticks; i++)
		if (synthetic_run(load->source, load->queue, load->model) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct argp_option options[ROWS + 1] = {{0}};
	struct argp argp = {options, parse, NULL, "The screen on a made-up process.",
	                    NULL,    NULL,  NULL};
	struct load load = {
	        .synthetic = {.conflict_maps = 3,
	                      .conflicts_per_second = 20,
	                      .stalls_per_second = 50},
	        .ui = {.interval_ns = 100000000},
	        .ticks = 10,
	};
	int rc;

	for (size_t i = 0; i < ROWS; i++)
		options[i] = (struct argp_option){
		        rows[i].name, FIRST_KEY + (int)i, rows[i].arg, 0, rows[i].help, 0};
	if (argp_parse(&argp, argc, argv, 0, NULL, &load))
		return 2;
	rc = load_open(&load) ? 1 : show(&load);
	model_destroy(load.model);
	synthetic_destroy(load.source);
	event_queue_destroy(load.queue);
	return rc;
}
