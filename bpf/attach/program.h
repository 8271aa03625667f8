/* SPDX-License-Identifier: MIT */
/*
 * program: the BPF programs, configured, loaded, and tried out on gomaptop itself.
 */
#ifndef GOMAPTOP_BPF_PROGRAM_H
#define GOMAPTOP_BPF_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/attach/probe_link.h"
#include "bpf/wire/wire.h"
#include "core/base/error.h"
#include "core/budget/overhead_cost.h"

struct gomaptop; /* the skeleton */

struct program_config {
	uint64_t stall_min_ns, stall_max_ns;
	int stack_depth;
	bool any_process;
	bool family; /* only those that stem from `-- CMD`, which is followed */
	bool show_keys;
	bool stack_copies_all; /* for tests: also of stacks that the frame pointers lead through */
	bool perf_only;        /* for tests: as if the kernel had no uprobe_multi */
	bool verbose;
	size_t ring_bytes, maps_max, goroutines_max; /* 0: default */
};

struct program {
	struct gomaptop *skeleton;
	enum probe_link_mode mode;
	/* -errno for which perf events are used; 0: they are not, or were asked for */
	int multi_error;
	bool pid_filter;             /* a link can be confined to one process, all its threads */
	struct overhead_costs costs; /* of a hit on this machine */
	uint64_t budget_divisor;
	size_t maps_max, goroutines_max;
	struct probe_links *trial; /* the probes on gomaptop itself: nobody runs into it any more */
};

/* Load, preferring uprobe_multi, and calibrate. -EPERM, -EOPNOTSUPP, ... with words in err. */
int program_load(const struct program_config *config, struct program *program, struct error *err);
void program_unload(struct program *program); /* accepts a zeroed one */

int program_probe(const struct program *program); /* descriptor of the program of all probes */
/* 0 or -errno: hits of this process count from now on. */
int program_target_add(const struct program *program, uint32_t tgid);

/* The fields of a binary, before its first probe goes in. Any thread; the last row is the
 * trial's. */
void program_row_set(const struct program *program, size_t row, const struct field_row *fields);

/* The callers of a site, before its probe is attached. 0 or -errno. */
int program_callers_set(const struct program *program, uint32_t site,
                        const struct site_callers *callers);

#endif
