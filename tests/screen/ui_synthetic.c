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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/snapshot.h"
#include "core/synthetic.h"
#include "tui/ui.h"

#define QUEUE_BYTES (16u << 20)

struct load {
	struct synthetic_config synthetic;
	struct ui_config ui;
	unsigned long ticks;
	const char *snapshot_path;
	bool live, gone, choose, crash_now;
	unsigned int choices;
	struct event_queue *queue;
	struct synthetic *source;
	struct model *model;
};

enum {
	OPT_TICKS = 256,
	OPT_MAPS,
	OPT_GOROUTINES,
	OPT_SEED,
	OPT_DEPTH,
	OPT_PROCESSES,
	OPT_CONFLICT_MAPS,
	OPT_CONFLICTS,
	OPT_SHORT_MAPS,
	OPT_LOST,
	OPT_CRASH,
	OPT_HOSTILE,
	OPT_LIVE,
	OPT_GONE,
	OPT_INTERVAL,
	OPT_COLOR,
	OPT_SNAPSHOT,
	OPT_CHOOSE,
	OPT_DURATION,
	OPT_ABORT,
};

static const struct argp_option options[] = {
        {"ticks", OPT_TICKS, "N", 0, "intervals before the first frame (10)", 0},
        {"maps", OPT_MAPS, "N", 0, "maps (12)", 0},
        {"goroutines", OPT_GOROUTINES, "N", 0, "goroutines (24)", 0},
        {"seed", OPT_SEED, "N", 0, "seed of the dice (1)", 0},
        {"depth", OPT_DEPTH, "N", 0, "deepest call chain (12)", 0},
        {"processes", OPT_PROCESSES, "N", 0, "processes (1)", 0},
        {"conflict-maps", OPT_CONFLICT_MAPS, "N", 0, "maps with conflicts (3)", 0},
        {"conflicts", OPT_CONFLICTS, "RATE", 0, "conflicts per second (20)", 0},
        {"short-maps", OPT_SHORT_MAPS, "RATE", 0, "short-lived maps per second (0)", 0},
        {"lost", OPT_LOST, "RATE", 0, "events lost per second (0)", 0},
        {"crash", OPT_CRASH, "STEP", 0, "a process dies in this interval", 0},
        {"hostile", OPT_HOSTILE, NULL, 0, "names with escape sequences", 0},
        {"live", OPT_LIVE, NULL, 0, "go on after the first frame", 0},
        {"gone", OPT_GONE, NULL, 0, "the targets have ended", 0},
        {"interval-ms", OPT_INTERVAL, "MS", 0, "interval of the screen (100)", 0},
        {"duration-ms", OPT_DURATION, "MS", 0, "leave after this time", 0},
        {"color", OPT_COLOR, "WHEN", 0, "auto, always, never", 0},
        {"snapshot", OPT_SNAPSHOT, "PATH", 0, "where the key w writes", 0},
        {"choose", OPT_CHOOSE, "N", 0, "show the chooser with N processes", 0},
        {"abort", OPT_ABORT, NULL, 0, "call abort() at the first tick on the screen", 0},
        {0},
};

static enum ui_color color_of(const char *word)
{
	return strcmp(word, "never") == 0    ? UI_COLOR_NEVER
	       : strcmp(word, "always") == 0 ? UI_COLOR_ALWAYS
	                                     : UI_COLOR_AUTO;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct load *load = state->input;
	double number = arg ? atof(arg) : 0;
	unsigned int whole = (unsigned int)number;

	switch (key) {
	case OPT_TICKS:
		load->ticks = whole;
		break;
	case OPT_MAPS:
		load->synthetic.maps = whole;
		break;
	case OPT_GOROUTINES:
		load->synthetic.goroutines = whole;
		break;
	case OPT_SEED:
		load->synthetic.seed = whole;
		break;
	case OPT_DEPTH:
		load->synthetic.depth = whole;
		break;
	case OPT_PROCESSES:
		load->synthetic.processes = whole;
		break;
	case OPT_CONFLICT_MAPS:
		load->synthetic.conflict_maps = whole;
		break;
	case OPT_CONFLICTS:
		load->synthetic.conflicts_per_second = number;
		break;
	case OPT_SHORT_MAPS:
		load->synthetic.short_maps_per_second = number;
		break;
	case OPT_LOST:
		load->synthetic.lost_per_second = number;
		break;
	case OPT_CRASH:
		load->synthetic.crash_at_step = whole;
		break;
	case OPT_HOSTILE:
		load->synthetic.hostile_names = true;
		break;
	case OPT_LIVE:
		load->live = true;
		break;
	case OPT_GONE:
		load->gone = true;
		break;
	case OPT_INTERVAL:
		load->ui.interval_ns = (uint64_t)(number * 1e6);
		break;
	case OPT_DURATION:
		load->ui.duration_ns = (uint64_t)(number * 1e6);
		break;
	case OPT_COLOR:
		load->ui.color = color_of(arg);
		break;
	case OPT_SNAPSHOT:
		load->snapshot_path = arg;
		break;
	case OPT_CHOOSE:
		load->choose = true;
		load->choices = whole;
		break;
	case OPT_ABORT:
		load->crash_now = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- the source of the screen
 * -------------------------------------------------------------------- */

static int on_pump(void *ctx)
{
	struct load *load = ctx;

	if (load->crash_now)
		abort();
	if (!load->live)
		return 0;
	return synthetic_run(load->source, load->queue, load->model) < 0 ? -5 : 1;
}

static int on_snapshot(void *ctx, char *path, size_t size, struct error *err)
{
	struct load *load = ctx;
	FILE *file;

	if (!load->snapshot_path)
		return error_set(err, 13, "cannot write here: start again in another folder");
	file = fopen(load->snapshot_path, "w");
	if (!file)
		return error_set(err, 13, "cannot write %s: start again in another folder",
		                 load->snapshot_path);
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

static size_t on_list(void *ctx, struct ui_choice *out, size_t max)
{
	static const char *const commands[] = {"/usr/local/bin/ledgerd -listen :8080",
	                                       "/opt/prometheus/prometheus --web.enable-lifecycle",
	                                       "etcd\033[31m --data-dir /var/lib/etcd"};
	const struct load *load = ctx;
	size_t count = load->choices < max ? load->choices : max;

	for (size_t i = 0; i < count; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		out[i].pid = 1000 + (pid_t)i * 17;
		snprintf(out[i].command, sizeof(out[i].command), "%s", commands[i % 3]);
		snprintf(out[i].go_version, sizeof(out[i].go_version), "go1.2%zu.%zu", i % 5,
		         i % 7);
		snprintf(out[i].user, sizeof(out[i].user), "%s", i % 2 ? "www-data" : "root");
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

	if (load->choose) {
		rc = ui_choose(on_list, load, &load->ui, &err);
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
	for (unsigned long i = 0; i < load->ticks; i++)
		if (synthetic_run(load->source, load->queue, load->model) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
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

	if (argp_parse(&argp, argc, argv, 0, NULL, &load))
		return 2;
	rc = load_open(&load) ? 1 : show(&load);
	model_destroy(load.model);
	synthetic_destroy(load.source);
	event_queue_destroy(load.queue);
	return rc;
}
