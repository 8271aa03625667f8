/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/probe/probe_caller.h"
#include "core/probe/probe_note.h"
#include "core/probe/probe_site.h"
#include "core/probe/prologue.h"

/* ---- the functions ------------------------------------------------------------------- */

/* Which maps a function belongs to; WHOLE: it is an operation in itself, and others of the table
 * that it calls are part of that. */
enum trait { ON_HMAP = 1 << GO_MAP_HMAP, ON_SWISS = 1 << GO_MAP_SWISS, ON_BOTH = 3, WHOLE = 4 };
_Static_assert((ON_BOTH & WHOLE) == 0 && ON_BOTH == (ON_HMAP | ON_SWISS), "one bit each");

struct candidate {
	const char *name;
	enum probe_role role;
	enum map_op op;
	enum probe_args args;
	unsigned int traits;         /* enum trait */
	int minor_first, minor_last; /* releases that have it; 0: no limit */
};

#define MAP_OP PROBE_MAP_OP
#define SWISS  "internal/runtime/maps."

/*
 * One operation of the program is to be one hit of one of these, but for parts of a whole.
 *
 * Iteration: its start and every further step. The start takes the first step itself, which is
 * part of it; so a range over N entries is N+1, and one over an empty map is 1. (The step alone
 * would be one trap less, and would miss that somebody ranges over a map that others fill.)
 * runtime.mapiterinit of Swiss maps is there for libraries that borrow it by linkname.
 *
 * Delete: the entry that the compiler calls, so that deleting an absent key counts too;
 * reflect.mapdelete is there because on Swiss maps it calls (*Map).Delete with no runtime.mapdelete
 * in between (elsewhere it is a wrapper and goes by that rule). The *_fat reads, mapaccessK and the
 * rest of reflect all end in one of these and are left out.
 *
 * Cloning is a read: it walks the whole source in one call and hands nothing to the program in
 * between, so there is no step to meet; one hit stands for one look at the source. What it does to
 * the copy, which nobody else has yet, is part of it.
 */
static const struct candidate candidates[] = {
        {"runtime.mapaccess1", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapaccess1_fast32", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapaccess1_fast64", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapaccess1_faststr", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapaccess2", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapaccess2_fast32", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapaccess2_fast64", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapaccess2_faststr", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapassign", MAP_OP, OP_WRITE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapassign_fast32", MAP_OP, OP_WRITE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapassign_fast64", MAP_OP, OP_WRITE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapassign_fast64ptr", MAP_OP, OP_WRITE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapassign_faststr", MAP_OP, OP_WRITE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapdelete", MAP_OP, OP_DELETE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapdelete_fast32", MAP_OP, OP_DELETE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapdelete_fast64", MAP_OP, OP_DELETE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"runtime.mapdelete_faststr", MAP_OP, OP_DELETE, ARGS_TYPE_MAP, ON_BOTH, 0, 0},
        {"reflect.mapdelete", MAP_OP, OP_DELETE, ARGS_TYPE_MAP, ON_SWISS, 0, 0},
        {"runtime.mapclear", MAP_OP, OP_CLEAR, ARGS_TYPE_MAP, ON_HMAP, 0, 0},
        {SWISS "(*Map).Clear", MAP_OP, OP_CLEAR, ARGS_MAP_TYPE, ON_SWISS, 0, 0},
        {"runtime.mapiterinit", MAP_OP, OP_ITERATE, ARGS_TYPE_MAP, ON_BOTH | WHOLE, 0, 0},
        {"reflect.mapiterinit", MAP_OP, OP_ITERATE, ARGS_TYPE_MAP, ON_SWISS | WHOLE, 0, 0},
        {"runtime.mapIterStart", MAP_OP, OP_ITERATE, ARGS_TYPE_MAP, ON_SWISS | WHOLE, 0, 0},
        {"reflect.mapIterStart", MAP_OP, OP_ITERATE, ARGS_TYPE_MAP, ON_SWISS | WHOLE, 0, 0},
        {"runtime.mapiternext", MAP_OP, OP_ITERATE, ARGS_ITERATOR, ON_HMAP, 0, 0},
        {SWISS "(*Iter).Next", MAP_OP, OP_ITERATE, ARGS_ITERATOR, ON_SWISS, 0, 0},
        {"runtime.mapclone2", MAP_OP, OP_READ, ARGS_TYPE_MAP, ON_BOTH | WHOLE, 21, 25},
        {SWISS "(*Map).Clone", MAP_OP, OP_READ, ARGS_MAP_TYPE, ON_SWISS | WHOLE, 25, 0},
        {"runtime.throw", PROBE_CRASH, 0, ARGS_MESSAGE, ON_BOTH, 0, 0},
        {"runtime.fatal", PROBE_CRASH, 0, ARGS_MESSAGE, ON_BOTH, 19, 0},
};
#define CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

static bool candidate_applies(const struct candidate *candidate, const struct go_binary *binary)
{
	int minor = go_binary_minor(binary);

	return candidate->traits & 1U << go_binary_map_runtime(binary) &&
	       minor >= candidate->minor_first &&
	       (!candidate->minor_last || minor <= candidate->minor_last);
}

/* ---- planning ------------------------------------------------------------------------ */

#define CODE_MAX 16384 /* the longest of these functions has about 2 KiB */

struct planner {
	struct go_binary *binary;
	struct probe_plan *plan;
	uint64_t entries[CANDIDATES]; /* file address; 0: not there */
	unsigned char code[CODE_MAX];
	size_t code_len;
};

static struct probe_skip *skip_add(struct planner *planner, size_t i, bool wanted)
{
	struct probe_skip *skip = &planner->plan->skips[planner->plan->skip_count++];

	skip->function = candidates[i].name;
	skip->role = candidates[i].role;
	skip->op = candidates[i].op;
	skip->wanted = wanted;
	return skip;
}

/* Is a hit of callee the same operation as one of caller? The first step is not the start of an
 * iteration, but one start may call another. */
static bool call_repeats(const struct candidate *caller, const struct candidate *callee)
{
	return caller->op == callee->op && (caller->traits & WHOLE) == (callee->traits & WHOLE);
}

/* Another candidate that this one calls and that makes the same hit again, or NULL. */
static const struct candidate *callee_find(const struct planner *planner, size_t caller)
{
	for (size_t i = 0; i < CANDIDATES; i++)
		if (i != caller && planner->entries[i] && candidates[i].role == PROBE_MAP_OP &&
		    call_repeats(&candidates[caller], &candidates[i]) &&
		    code_calls(go_binary_machine(planner->binary), planner->code, planner->code_len,
		               planner->entries[caller], planner->entries[i]))
			return &candidates[i];
	return NULL;
}

static void site_add(struct planner *planner, size_t i, const struct prologue *prologue)
{
	uint64_t addr = planner->entries[i] + prologue->offset;
	int64_t offset = go_binary_file_offset(planner->binary, addr);

	if (offset < 0) {
		snprintf(skip_add(planner, i, true)->reason, sizeof(planner->plan->skips->reason),
		         "outside the executable segments");
		return;
	}
	planner->plan->sites[planner->plan->site_count++] = (struct probe_site){
	        .function = candidates[i].name,
	        .role = candidates[i].role,
	        .op = candidates[i].op,
	        .args = candidates[i].args,
	        .instruction = prologue->instruction,
	        .addr = addr,
	        .file_offset = (uint64_t)offset,
	};
}

static void skip_unknown_prologue(struct planner *planner, size_t i)
{
	struct probe_skip *skip = skip_add(planner, i, true);
	size_t len = planner->code_len < 12 ? planner->code_len : 12;
	int at = snprintf(skip->reason, sizeof(skip->reason), "unknown prologue:");

	for (size_t k = 0; k < len; k++)
		at += snprintf(skip->reason + at, sizeof(skip->reason) - (size_t)at, " %02x",
		               planner->code[k]);
}

static bool code_load(struct planner *planner, const struct go_function *function)
{
	uint64_t len = function->end - function->entry;

	planner->code_len = len < CODE_MAX ? (size_t)len : CODE_MAX;
	return go_binary_read(planner->binary, function->entry, planner->code, planner->code_len) ==
	       0;
}

/* Arguments are in registers on amd64 from 1.17 on, on arm64 from 1.18. */
static bool arguments_on_stack(const struct go_binary *binary)
{
	return go_binary_machine(binary) == EM_AARCH64 && go_binary_minor(binary) == 17;
}

static void candidate_plan(struct planner *planner, size_t i)
{
	struct go_function function;
	struct prologue prologue;
	size_t room = sizeof(planner->plan->skips->reason);

	if (!planner->entries[i] ||
	    go_binary_function_find(planner->binary, candidates[i].name, &function) ||
	    !code_load(planner, &function)) {
		snprintf(skip_add(planner, i, false)->reason, room,
		         "not in this binary (the linker dropped it)");
		return;
	}
	const struct candidate *callee =
	        candidates[i].role == PROBE_MAP_OP ? callee_find(planner, i) : NULL;
	if (callee)
		snprintf(skip_add(planner, i, false)->reason, room, "wrapper of %s", callee->name);
	else if (arguments_on_stack(planner->binary))
		snprintf(skip_add(planner, i, true)->reason, room,
		         "arguments are on the stack (Go 1.17 on arm64)");
	else if (prologue_decode(go_binary_machine(planner->binary), planner->code,
	                         planner->code_len, &prologue))
		site_add(planner, i, &prologue);
	else
		skip_unknown_prologue(planner, i);
}

static int plan_check(const struct probe_plan *plan, const struct go_binary *binary,
                      struct error *err)
{
	for (size_t i = 0; i < plan->site_count; i++)
		if (plan->sites[i].role == PROBE_MAP_OP)
			return 0;
	for (size_t i = 0; i < plan->skip_count; i++)
		if (plan->skips[i].wanted)
			return error_set(
			        err, ENODATA,
			        "no map function of this %s program can be probed (%s: %s); "
			        "watch a build without instrumented prologues",
			        go_binary_version(binary), plan->skips[i].function,
			        plan->skips[i].reason);
	return error_set(err, ENODATA,
	                 "this %s program has no map functions, it uses no maps; watch another",
	                 go_binary_version(binary));
}

int probe_plan_make(struct go_binary *binary, struct probe_plan *plan, struct error *err)
{
	struct planner *planner = calloc(1, sizeof(*planner));
	struct go_function function;

	*plan = (struct probe_plan){
	        .sites = calloc(CANDIDATES, sizeof(*plan->sites)),
	        .skips = calloc(CANDIDATES, sizeof(*plan->skips)),
	};
	if (!planner || !plan->sites || !plan->skips) {
		free(planner);
		probe_plan_free(plan);
		return error_no_memory(err);
	}
	planner->binary = binary;
	planner->plan = plan;
	/* All entries first: wrappers are known by what they call. */
	for (size_t i = 0; i < CANDIDATES; i++)
		if (candidate_applies(&candidates[i], binary) &&
		    go_binary_function_find(binary, candidates[i].name, &function) == 0)
			planner->entries[i] = function.entry;
	for (size_t i = 0; i < CANDIDATES; i++)
		if (candidate_applies(&candidates[i], binary))
			candidate_plan(planner, i);
	free(planner);
	int rc = plan_check(plan, binary, err);
	if (!rc && probe_callers_find(binary, plan))
		rc = error_no_memory(err);
	probe_notes_find(binary, plan);
	if (rc)
		probe_plan_free(plan);
	return rc;
}

void probe_plan_free(struct probe_plan *plan)
{
	if (!plan)
		return;
	free(plan->sites);
	free(plan->skips);
	free(plan->callers);
	*plan = (struct probe_plan){0};
}
