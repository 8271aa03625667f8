/* SPDX-License-Identifier: MIT */
/*
 * watch_internal: what the files of the watch share. All of it belongs to the thread that made the
 * watch; the collector has its own copies.
 */
#ifndef GOMAPTOP_BPF_WATCH_INTERNAL_H
#define GOMAPTOP_BPF_WATCH_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bpf/birth_probes.h"
#include "bpf/collector.h"
#include "bpf/governor.h"
#include "bpf/link_keeper.h"
#include "bpf/probe_set.h"
#include "bpf/program.h"
#include "bpf/site_zoom.h"
#include "bpf/watch.h"
#include "core/go_type_live.h"
#include "core/symbolizer.h"

/* One executable that is watched; several processes may run it. */
struct watch_binary {
	struct go_binary *binary;
	char path[PATH_MAX];    /* for words: nothing opens it again */
	struct probe_file file; /* opened once: parsed, and probed through this descriptor */
	struct probe_plan plan;
	size_t first_site; /* of its probes among all */
	size_t row;        /* of its fields */
};

struct watch_target {
	pid_t pid;
	size_t binary;
	uint64_t bias;
	bool placed;         /* the load bias is known, the symbolizer knows the process */
	uint64_t started_ns; /* tells it from an earlier process with its pid; 0: not known */
	struct go_type_live types;
};

struct watch {
	struct watch_config config;
	struct program program;
	struct link_keeper *keeper;
	struct watch_binary *binaries;
	size_t binary_count;
	struct watch_target *targets;
	size_t target_count;
	const char **site_functions;
	uint64_t *site_addrs; /* file addresses of the probed instructions */
	size_t site_count;
	struct probe_set *standing; /* probes on crashes: always in place */
	struct probe_set *governed; /* those on map operations */
	struct governor *governor;
	struct site_zoom *sites; /* probes at calls, driven by the governor; NULL: none */
	pid_t *site_pids;        /* in which processes, by binary */
	struct probe_skip *skips;
	size_t skip_count, wanted, attached;
	const struct probe_note *unseen[PROBE_NOTES_MAX];
	size_t unseen_count;
	struct event_queue *queue;
	struct symbolizer *symbolizer;
	struct birth_probes *births;
	struct collector *collector;
	int event_fd;
	bool stopped;
};

/* watch_binaries.c: open what the targets run, plan the probes. */
int watch_binaries_open(struct watch *w, struct error *err);
void watch_binaries_close(struct watch *w);

/* watch_names.c: processes and symbols. */
struct watch_target *watch_target_find(struct watch *w, pid_t pid);
int watch_target_register(struct watch *w, pid_t pid, size_t binary);
int watch_target_place(struct watch *w, struct watch_target *t);

/* watch_lengths.c: see struct model_symbols. */
void watch_lengths(struct watch *w, struct map_length *maps, size_t count);

/* watch_births.c: where maps are made. */
int watch_births_create(struct watch *w);
void watch_births_start(struct watch *w);

/* watch_sites.c: probes at calls, where that can be had. */
void watch_sites_create(struct watch *w);

/* watch_attach.c: what to probe, and probes in. plan: 0 or -ENOMEM. */
int watch_attach_plan(struct watch *w);
int watch_attach(struct watch *w, struct error *err);

#endif
