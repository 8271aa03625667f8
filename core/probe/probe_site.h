/* SPDX-License-Identifier: MIT */
/*
 * probe_site: which instruction of which runtime function to probe.
 *
 * The table of map functions (probe_site.c) is declared once: name, operation, which register
 * holds what. For each function that the binary has, the prologue is decoded and the probe placed
 * on the instruction that the kernel emulates: `push %rbp` from Go 1.21 on, `jbe` before (there
 * the hit with CF or ZF set is the one that is about to grow the stack: skip it). Functions whose
 * body calls another function of the table are wrappers and not probed, so that each operation
 * counts once. Where an operation is more than that other one (the start of a range takes the
 * first step, a clone walks its source), it is probed, and what it calls is part of it.
 */
#ifndef GOMAPTOP_CORE_PROBE_SITE_H
#define GOMAPTOP_CORE_PROBE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/event/event.h"
#include "core/go/go_binary.h"
#include "core/probe/probe_kinds.h"

struct probe_site {
	const char *function; /* "runtime.mapassign_fast64"; static, or owned by the go_binary */
	enum probe_role role;
	enum map_op op; /* PROBE_MAP_OP only */
	enum probe_args args;
	enum probe_instruction instruction;
	uint64_t addr;        /* file address of the probed instruction */
	uint64_t file_offset; /* what the uprobe is attached to */
	size_t first_caller;  /* its callers: plan.callers[first_caller], caller_count of them */
	size_t caller_count;
};

/* Code of the runtime or of a library through which a probed function is reached: a return address
 * within it is none of the program's own. */
struct probe_caller {
	uint64_t addr; /* file address */
	uint64_t size;
	/* a probed function that calls this one: a hit from there is part of its own */
	bool probed;
};

struct probe_skip {
	const char *function;
	enum probe_role role;
	enum map_op op;  /* PROBE_MAP_OP only */
	char reason[96]; /* "wrapper of runtime.mapaccess2", "not in this binary", ... */
	int wanted;      /* 1: its absence narrows what can be seen; 0: as it should be */
};

/* A way to touch a map that no probe of this binary sees. */
struct probe_note {
	const char *operation; /* "len(m)" */
	const char *reason;
};

#define PROBE_NOTES_MAX 16

struct probe_plan {
	struct probe_site *sites;
	size_t site_count;
	struct probe_skip *skips;
	size_t skip_count;
	struct probe_caller *callers;
	size_t caller_count;
	const struct probe_note *unseen[PROBE_NOTES_MAX]; /* static */
	size_t unseen_count;
};

/* Work out the plan for a binary. 0, or -ENODATA with words in err when not a single map function
 * can be probed. The plan is owned by the caller and refers to the binary's names. */
int probe_plan_make(struct go_binary *binary, struct probe_plan *plan, struct error *err);
void probe_plan_free(struct probe_plan *plan); /* accepts NULL and a zeroed plan */

#endif
