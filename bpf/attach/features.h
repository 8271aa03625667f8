/* SPDX-License-Identifier: MIT */
/*
 * features: what this kernel can do of what gomaptop needs, found by trying, never by its version.
 *
 * The table (features.c) names for each feature the release and commit that brought it and what is
 * lost without it. Small ones are tried with small programs; how probes are attached is tried by
 * loading the programs that will watch and letting a function of gomaptop itself run into them, as
 * every watch does when it starts. No other process ever meets a probe of this. One thread at a
 * time; takes about a third of a second, most of it for taking out a perf-event probe.
 */
#ifndef GOMAPTOP_BPF_FEATURES_H
#define GOMAPTOP_BPF_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/probe/probe_site.h"

enum feature_answer { FEATURE_UNKNOWN, FEATURE_YES, FEATURE_NO };

enum feature_id {
	FEATURE_BTF,
	FEATURE_RING_BUFFER,
	FEATURE_ATOMICS,
	FEATURE_ATTACH_COOKIE,
	FEATURE_LOOP,
	FEATURE_UPROBE_MULTI,
	FEATURE_PID_FILTER,
	FEATURE_PERF_UPROBE,
	FEATURE_COUNT,
};

struct feature {
	const char *key;     /* "bpf_loop" */
	const char *since;   /* "5.17" */
	const char *commit;  /* of the kernel: "e6f2dd0f8067" */
	const char *use;     /* what it is good for here */
	const char *without; /* what is lost without it */
	bool needed;         /* false: there is another way, or a loss that can be lived with */
};

const struct feature *feature_row(enum feature_id id);

struct features; /* what was found; the programs stay loaded until it is destroyed */

/* Try everything. 0 or -ENOMEM; that features are missing is no error. */
int features_find(bool verbose, struct features **out);
void features_destroy(struct features *features); /* accepts NULL */

enum feature_answer features_answer(const struct features *features, enum feature_id id);

/* May this user use BPF at all? 0, or -EPERM and its like. */
int features_bpf_error(const struct features *features);
/* Do the programs that watch load, and does a probe reach them? 0, or -errno with words. */
int features_programs_error(const struct features *features, const char **words);
/* "uprobe_multi" or "perf_event": what a watch would use; NULL: none works. */
const char *features_attach_name(const struct features *features);
/* What a hit of a probe costs here; 0: unknown. */
uint64_t features_ns_per_hit(const struct features *features);

/* Would the kernel take probes in this file at these places? They are attached confined to
 * gomaptop's own process, which does not run the file, and taken out again: no breakpoint is set
 * anywhere. errors[i] becomes 0 or -errno of sites[i]; with perf events, slow as they are, only the
 * first is tried and speaks for all. 0, or -errno when it could not be tried. */
int features_try_sites(const struct features *features, const char *path,
                       const struct probe_site *sites, size_t count, int *errors);

#endif
