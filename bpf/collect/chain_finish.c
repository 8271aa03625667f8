/* SPDX-License-Identifier: MIT */
#include "bpf/collect/chain_finish.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/collect/executables.h"
#include "bpf/wire/wire.h"
#include "core/base/u64_map.h"
#include "core/process/go_process.h"
#include "core/symbol/unwind.h"

/* Copies come right before their events; the two sides of a conflict and some other goroutine's
 * events may lie between. A held access is in the events of all who met it. */
#define CHAINS_KEPT 64

struct process {
	struct executable *executable;
	struct chain_ends ends; /* as it has them in memory */
	uint64_t bias;
};

/* What came of one copy. */
struct chain {
	uint64_t g, time_ns;
	uint32_t tgid;
	int depth; /* 0: unused */
	bool complete;
	uint64_t stack[STACK_DEPTH_MAX];
};

struct chain_finish {
	int targets_fd;
	int depth;
	bool verbose;
	struct unwind *unwind;    /* NULL: not on this machine */
	struct u64_map processes; /* tgid -> struct process */
	struct chain chains[CHAINS_KEPT];
	unsigned int chain_next;
	uint64_t copies, complete, finished, compared, differ, lost;
};

int chain_finish_create(int targets_fd, int depth, bool verbose, struct chain_finish **out)
{
	struct chain_finish *finish = calloc(1, sizeof(*finish));
	int rc;

	*out = NULL;
	if (!finish)
		return -ENOMEM;
	finish->targets_fd = targets_fd;
	finish->depth = depth > 0 && depth < STACK_DEPTH_MAX ? depth : STACK_DEPTH_MAX;
	finish->verbose = verbose;
	rc = unwind_create(&finish->unwind);
	if (rc && rc != -ENOTSUP) {
		free(finish);
		return rc;
	}
	*out = finish;
	return 0;
}

static void counts_say(const struct chain_finish *f)
{
	if (f->verbose && (f->copies || f->lost))
		fprintf(stderr,
		        "gomaptop: %lu stacks copied, %lu unwound to the start; %lu chains "
		        "finished, %lu cut off; %lu compared with the frame pointers, %lu differ\n",
		        f->copies, f->complete, f->finished, f->lost, f->compared, f->differ);
}

void chain_finish_destroy(struct chain_finish *finish)
{
	if (!finish)
		return;
	counts_say(finish);
	for (size_t i = 0; finish->processes.slots && i <= finish->processes.mask; i++)
		free(finish->processes.slots[i].value);
	u64_map_free(&finish->processes);
	unwind_destroy(finish->unwind);
	free(finish);
}

/* ---- where chains end ---------------------------------------------------------------- */

void chain_ends_read(struct go_binary *binary, struct chain_ends *out)
{
	struct go_function function;

	*out = (struct chain_ends){0};
	/* goexit begins with one NOP, so that what "returns" to it is inside of it. */
	if (!go_binary_function_find(binary, "runtime.goexit", &function))
		out->goexit = function.entry + (go_binary_machine(binary) == EM_AARCH64 ? 4 : 1);
	if (!go_binary_function_find(binary, "runtime.cgocallback", &function)) {
		out->callback_begin = function.entry;
		out->callback_end = function.end;
	}
}

static struct chain_ends ends_in_memory(const struct chain_ends *in_file, uint64_t bias)
{
	struct chain_ends ends = {0};

	if (in_file->goexit)
		ends.goexit = in_file->goexit + bias;
	if (in_file->callback_end) {
		ends.callback_begin = in_file->callback_begin + bias;
		ends.callback_end = in_file->callback_end + bias;
	}
	return ends;
}

static void bpf_tell(const struct chain_finish *f, uint32_t tgid, const struct chain_ends *ends)
{
	struct target_state state;

	if (!f->unwind || !ends->goexit || bpf_map_lookup_elem(f->targets_fd, &tgid, &state))
		return;
	state.goexit = ends->goexit;
	state.callback_begin = ends->callback_begin;
	state.callback_end = ends->callback_end;
	bpf_map_update_elem(f->targets_fd, &tgid, &state, BPF_EXIST);
}

void chain_finish_process(struct chain_finish *finish, uint32_t tgid, struct executable *executable)
{
	struct process *process = u64_map_get(&finish->processes, tgid);
	struct process fresh = {.executable = executable};
	const struct collector_executable *what;

	if (!executable)
		return;
	what = executable_what(executable);
	if (go_process_load_bias((pid_t)tgid, what->binary, &fresh.bias))
		return;
	fresh.ends = ends_in_memory(&what->ends, fresh.bias);
	if (!process) {
		process = calloc(1, sizeof(*process));
		if (!process || u64_map_put(&finish->processes, tgid, process)) {
			free(process);
			return;
		}
	}
	*process = fresh;
	bpf_tell(finish, tgid, &process->ends);
}

/* ---- copies -------------------------------------------------------------------------- */

void chain_finish_stack(struct chain_finish *finish, const struct event_stack *stack)
{
	const struct process *process = u64_map_get(&finish->processes, stack->h.tgid);
	struct unwind_stack from = {
	        .pc = stack->pc,
	        .sp = stack->sp,
	        .fp = stack->fp,
	        .bytes = stack->data,
	        .size = stack->bytes < STACK_COPY_MAX ? stack->bytes : STACK_COPY_MAX,
	};
	struct go_binary *binary;
	struct chain *chain;

	if (!process || !finish->unwind)
		return;
	binary = executable_binary(process->executable);
	if (!binary)
		return;
	chain = &finish->chains[finish->chain_next++ % CHAINS_KEPT];
	chain->g = stack->g;
	chain->time_ns = stack->h.time_ns;
	chain->tgid = stack->h.tgid;
	chain->depth = unwind_walk(finish->unwind, binary, process->bias, &from, chain->stack,
	                           STACK_DEPTH_MAX, &chain->complete);
	finish->copies++;
	finish->complete += chain->complete;
}

/* From a probed call the walk begins at the call; the access has its return address in that place,
 * and before it what the call leads through. */
static void chain_align(struct chain *chain, const struct access *access)
{
	int front = 0, room;

	while (front < 3 && front < access->depth &&
	       access->stack[front] != chain->stack[0] + CALL_BYTES)
		front++;
	if (!front || front == 3 || front == access->depth || access->stack[0] == chain->stack[0])
		return;
	room = STACK_DEPTH_MAX - front;
	if (chain->depth > room)
		chain->depth = room;
	memmove(chain->stack + front, chain->stack, (size_t)chain->depth * sizeof(*chain->stack));
	memcpy(chain->stack, access->stack, ((size_t)front + 1) * sizeof(*chain->stack));
	chain->depth += front;
}

static const struct chain *chain_of(struct chain_finish *f, const struct access *access)
{
	for (int i = 0; i < CHAINS_KEPT; i++) {
		struct chain *chain = &f->chains[i];

		if (chain->depth && chain->g == access->g && chain->tgid == access->tgid &&
		    chain->time_ns == access->time_ns) {
			chain_align(chain, access);
			return chain;
		}
	}
	return NULL;
}

/* ---- events -------------------------------------------------------------------------- */

/* How much of the frame pointers' chain is true: up to and with runtime.cgocallback's caller. */
static int depth_true(const struct process *process, const struct access *access)
{
	const struct chain_ends *ends = &process->ends;

	for (int i = 0; i < access->depth; i++)
		if (access->stack[i] - ends->callback_begin <
		    ends->callback_end - ends->callback_begin)
			return i + 1;
	return access->depth;
}

/* Both ways say the same of the first `depth` entries. A walk from a `jbe` lacks the caller. */
static bool chain_agrees(const struct chain *chain, const struct access *access, int depth)
{
	int missing = depth > 1 && access->stack[1] != access->caller;

	if (depth + missing > chain->depth || chain->stack[0] != access->stack[0] ||
	    chain->stack[1] != access->caller)
		return false;
	return depth < 2 || !memcmp(chain->stack + 1 + missing, access->stack + 1,
	                            (size_t)(depth - 1) * sizeof(*chain->stack));
}

static void chain_replace(const struct chain_finish *f, const struct chain *chain,
                          struct access *access)
{
	int depth = chain->depth < f->depth ? chain->depth : f->depth;

	memcpy(access->stack, chain->stack, (size_t)depth * sizeof(*chain->stack));
	access->depth = (uint16_t)depth;
	if (depth < chain->depth || depth == STACK_DEPTH_MAX)
		access->truncated =
		        chain->complete && depth == chain->depth ? CHAIN_WHOLE : CHAIN_TOO_DEEP;
	else
		access->truncated = chain->complete ? CHAIN_WHOLE : CHAIN_LOST;
}

/* Leaves a chain alone that is whole. */
static void access_finish(struct chain_finish *f, const struct process *process,
                          struct access *access)
{
	int depth = access->depth < STACK_DEPTH_MAX ? access->depth : STACK_DEPTH_MAX;
	const struct chain *chain = depth ? chain_of(f, access) : NULL;
	int good = depth_true(process, access);
	bool ends = depth && access->stack[depth - 1] == process->ends.goexit;

	if (!depth || (good == depth && (ends || access->truncated))) {
		f->compared += chain != NULL;
		f->differ += chain && !chain_agrees(chain, access, good);
		/* With as many entries as there is room for it was taken for one cut off. */
		if (ends && access->truncated == CHAIN_TOO_DEEP)
			access->truncated = CHAIN_WHOLE;
		return;
	}
	if (chain && chain_agrees(chain, access, good)) {
		chain_replace(f, chain, access);
		f->finished++;
		return;
	}
	f->differ += chain != NULL;
	f->lost++;
	access->depth = (uint16_t)good;
	access->truncated = CHAIN_LOST;
}

void chain_finish_event(struct chain_finish *finish, struct event_header *event)
{
	/* Where events have accesses; 0: no more. */
	static const size_t accesses[EVENT_KINDS][2] = {
	        [EVENT_STALL] = {offsetof(struct event_stall, access)},
	        [EVENT_OVERLAP] = {offsetof(struct event_overlap, held),
	                           offsetof(struct event_overlap, came)},
	        [EVENT_CRASH] = {offsetof(struct event_crash, access)},
	        [EVENT_BIRTH] = {offsetof(struct event_birth, access)},
	};
	const struct process *process = u64_map_get(&finish->processes, event->tgid);

	if (!process || !process->ends.goexit || event->kind >= EVENT_KINDS)
		return;
	for (int i = 0; i < 2 && accesses[event->kind][i]; i++)
		access_finish(finish, process,
		              (struct access *)((unsigned char *)event + accesses[event->kind][i]));
}
