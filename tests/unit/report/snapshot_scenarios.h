/* SPDX-License-Identifier: MIT */
/*
 * snapshot_scenarios: models to take snapshots of, filled by the synthetic source.
 */
#ifndef GOMAPTOP_TESTS_UNIT_SNAPSHOT_SCENARIOS_H
#define GOMAPTOP_TESTS_UNIT_SNAPSHOT_SCENARIOS_H

#include <stdlib.h>
#include <string.h>

#include "core/report/snapshot.h"
#include "tests/synthetic/synthetic.h"

struct scenario {
	const char *name;
	int steps;
	struct synthetic_config config;
};

static const struct scenario scenarios[] = {
        {"empty", 0, {0}},
        {"quiet", 5, {.maps = 8}},
        {"lossy", 5, {.maps = 8, .lost_per_second = 3}},
        {"busy",
         20,
         {.conflict_maps = 3,
          .conflicts_per_second = 20,
          .stalls_per_second = 100,
          .short_maps_per_second = 50,
          .lost_per_second = 0.5}},
        {"crash",
         4,
         {.processes = 2, .conflict_maps = 2, .conflicts_per_second = 5, .crash_at_step = 3}},
        {"unordered",
         4,
         {.maps = 9, .unordered_maps = 2, .unordered_per_second = 6, .stalls_per_second = 30}},
        {"proven", /* and unordered pairs beside conflicts */
         5,
         {.conflict_maps = 2,
          .conflicts_per_second = 5,
          .unordered_maps = 2,
          .unordered_per_second = 6,
          .lost_per_second = 1}},
        {"hostile",
         5,
         {.conflict_maps = 4,
          .conflicts_per_second = 30,
          .stalls_per_second = 30,
          .hostile_names = true}},
};

#define SCENARIO_COUNT (sizeof(scenarios) / sizeof(scenarios[0]))

static const struct snapshot_skip scenario_skips[] = {
        {"runtime.mapaccess1", "wrapper of runtime.mapaccess2"},
        {"runtime.\x1b[7mmap", "bytes that are no UTF-8: \xff"},
};

static const struct probe_note scenario_note = {"len(m)", "no function is called"};
static const struct probe_note *const scenario_unseen[] = {&scenario_note};

/* Monotonic 1000 s is 2025-01-02T03:04:05. */
static const struct snapshot_context scenario_context = {
        .tool_version = "0.1.0",
        .written_realtime_ns = 1735787055123456789,
        .realtime_offset_ns = 1735787045000000000 - 1000000000000,
        .seconds = 10.02,
        .kernel = "6.1.0-18-amd64",
        .arch = "x86_64",
        .cpus = 2,
        .attach = "uprobe_multi",
        .overhead_limit = 0.03,
        .probes_wanted = 24,
        .probes_attached = 22,
        .skips = scenario_skips,
        .skip_count = 2,
        .unseen = scenario_unseen,
        .unseen_count = 1,
};

struct scene {
	struct event_queue *queue;
	struct synthetic *synthetic;
	struct model *model;
};

static void scene_close(struct scene *scene)
{
	model_destroy(scene->model);
	synthetic_destroy(scene->synthetic);
	event_queue_destroy(scene->queue);
	memset(scene, 0, sizeof(*scene));
}

/* 0, or -1 when something is wrong with the source. */
static int scene_open(struct scene *scene, const char *name)
{
	const struct scenario *scenario = scenarios;
	struct model_config config = {0};

	memset(scene, 0, sizeof(*scene));
	while (strcmp(scenario->name, name) != 0) {
		if (++scenario == scenarios + SCENARIO_COUNT)
			return -1;
	}
	if (event_queue_create(1, &scene->queue) < 0 ||
	    synthetic_create(&scenario->config, scene->queue, &scene->synthetic) < 0)
		return -1;
	config.symbols = synthetic_symbols(scene->synthetic);
	if (model_create(&config, &scene->model) < 0 ||
	    synthetic_targets_add(scene->synthetic, scene->model) < 0)
		return -1;
	for (int i = 0; i < scenario->steps; i++) {
		if (synthetic_run(scene->synthetic, scene->queue, scene->model) < 0)
			return -1;
	}
	return 0;
}

#endif
