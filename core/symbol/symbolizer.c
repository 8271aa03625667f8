/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/u64_map.h"
#include "core/symbol/symbolizer.h"

#define FRAMES_PER_PC 64 /* inlined calls deeper than this are cut; 20 is rare */

/* What is remembered stays until the end: rows of the model point to it. A program decides which
 * addresses come, so there is a most: about 40 MB. Of addresses that lie in no function an honest
 * program has a handful (C code, the vdso). */
#define EXPANSIONS_MAX 262144
#define NAMELESS_MAX   4096

/* Frames of one address, in one allocation. */
struct expansion {
	struct expansion *next; /* of all, for destroy */
	int count;
	struct frame frames[];
};

/* One program of one process. A process that executes another program gets a new one: what was
 * handed out for the old one stays valid. */
struct process {
	struct go_binary *binary;
	uint64_t bias;
	struct u64_map cache[2]; /* by address; [1]: of return addresses */
	struct process *next;    /* of all, for destroy */
};

struct symbolizer {
	struct u64_map processes; /* tgid -> struct process */
	struct process *process_list;
	struct expansion *expansions;
	size_t expansion_count, nameless_count;
	uint64_t refused;       /* look-ups beyond these */
	struct frame nowhere;   /* what they get */
	struct process unknown; /* of processes that were never added */
};

int symbolizer_create(struct symbolizer **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void process_clear(struct process *process)
{
	u64_map_free(&process->cache[0]);
	u64_map_free(&process->cache[1]);
}

void symbolizer_destroy(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (struct expansion *at = symbolizer->expansions; at;) {
		struct expansion *next = at->next;
		free(at);
		at = next;
	}
	for (struct process *at = symbolizer->process_list; at;) {
		struct process *next = at->next;
		process_clear(at);
		free(at);
		at = next;
	}
	process_clear(&symbolizer->unknown);
	u64_map_free(&symbolizer->processes);
	free(symbolizer);
}

int symbolizer_process_add(struct symbolizer *symbolizer, uint32_t tgid, struct go_binary *binary,
                           uint64_t bias)
{
	struct process *process = u64_map_get(&symbolizer->processes, tgid);

	if (process && process->binary == binary && process->bias == bias)
		return 0;
	process = calloc(1, sizeof(*process));
	if (!process)
		return -ENOMEM;
	*process =
	        (struct process){.binary = binary, .bias = bias, .next = symbolizer->process_list};
	if (u64_map_put(&symbolizer->processes, tgid, process)) {
		free(process);
		return -ENOMEM;
	}
	symbolizer->process_list = process;
	return 0;
}

/* ---- one address --------------------------------------------------------------------- */

static int address_expand(const struct process *process, uint64_t pc, bool is_return_address,
                          struct frame *out)
{
	if (process->binary)
		return go_binary_frames(process->binary, pc - process->bias, process->bias,
		                        is_return_address, out, FRAMES_PER_PC);
	out[0] = (struct frame){.pc = pc};
	return 1;
}

static struct expansion *expansion_make(struct symbolizer *symbolizer, struct process *process,
                                        uint64_t pc, bool is_return_address)
{
	struct frame frames[FRAMES_PER_PC];
	int count = address_expand(process, pc, is_return_address, frames);
	size_t size = (size_t)count * sizeof(*frames);
	bool nameless = count == 1 && !frames[0].function;
	struct expansion *made;

	if (symbolizer->expansion_count >= EXPANSIONS_MAX ||
	    (nameless && symbolizer->nameless_count >= NAMELESS_MAX))
		return NULL;
	made = malloc(sizeof(*made) + size);
	if (!made)
		return NULL;
	made->count = count;
	memcpy(made->frames, frames, size);
	if (u64_map_put(&process->cache[is_return_address], pc, made)) {
		free(made);
		return NULL;
	}
	made->next = symbolizer->expansions;
	symbolizer->expansions = made;
	symbolizer->expansion_count++;
	symbolizer->nameless_count += nameless;
	return made;
}

const struct frame *symbolizer_frames(struct symbolizer *symbolizer, uint32_t tgid, uint64_t pc,
                                      bool is_return_address, int *count)
{
	struct process *process = u64_map_get(&symbolizer->processes, tgid);

	if (!process)
		process = &symbolizer->unknown;
	struct expansion *found = u64_map_get(&process->cache[is_return_address], pc);
	if (!found)
		found = expansion_make(symbolizer, process, pc, is_return_address);
	symbolizer->refused += !found;
	*count = found ? found->count : 1;
	return found ? found->frames : &symbolizer->nowhere;
}

uint64_t symbolizer_refused(const struct symbolizer *symbolizer)
{
	return symbolizer->refused;
}

const char *symbolizer_first_function(const struct symbolizer *symbolizer, uint32_t tgid,
                                      uint64_t startpc)
{
	const struct process *process = u64_map_get(&symbolizer->processes, tgid);

	return process && startpc
	               ? go_binary_first_function(process->binary, startpc - process->bias)
	               : NULL;
}

/* ---- call chains --------------------------------------------------------------------- */

/* Return addresses of an access, innermost first, without the probed instruction itself. Where the
 * kernel's walk began at the caller's frame, it lacks the way back into the caller: that is known
 * from the stack's top word. */
static int chain_addresses(const struct access *access, uint64_t *out)
{
	int depth = access->depth < STACK_DEPTH_MAX ? access->depth : STACK_DEPTH_MAX;
	int count = 0;

	if (access->caller && (depth < 2 || access->stack[1] != access->caller))
		out[count++] = access->caller;
	for (int i = 1; i < depth; i++)
		out[count++] = access->stack[i];
	return count;
}

static bool function_is(const struct frame *frame, const char *name)
{
	return frame && frame->function && strcmp(frame->function, name) == 0;
}

/* sigpanic is entered as if the faulting instruction had called it, a preemption likewise: the
 * address below is that instruction's own. */
static bool is_entered_by_fault(const struct frame *callee)
{
	return function_is(callee, "runtime.sigpanic") ||
	       function_is(callee, "runtime.asyncPreempt");
}

/* As runtime.Callers does: a wrapper is left out unless it itself panicked. */
static bool is_elided(const struct frame *frame, const struct frame *callee)
{
	return frame->wrapper && !function_is(callee, "runtime.gopanic") &&
	       !function_is(callee, "runtime.sigpanic") &&
	       !function_is(callee, "runtime.panicwrap");
}

static bool is_library_inside(const struct frame *frame)
{
	static const char *const packages[] = {"runtime.", "reflect.", "internal/", "maps."};

	for (size_t i = 0; frame->function && i < sizeof(packages) / sizeof(packages[0]); i++)
		if (strncmp(frame->function, packages[i], strlen(packages[i])) == 0)
			return true;
	return false;
}

/* State of one walk from the innermost frame outwards. */
struct chain {
	struct frame *out;
	int count, max;
	const struct frame *callee; /* the frame before, elided ones included */
	bool skipping;              /* still inside the library that was called */
};

static void chain_push(struct chain *chain, const struct frame *frame)
{
	bool elided = is_elided(frame, chain->callee);

	chain->callee = frame;
	if (chain->skipping && is_library_inside(frame))
		return;
	if (elided)
		return;
	chain->skipping = false;
	if (chain->count < chain->max)
		chain->out[chain->count++] = *frame;
}

static void chain_walk(struct symbolizer *symbolizer, uint32_t tgid, const uint64_t *addresses,
                       int address_count, struct chain *chain)
{
	for (int i = 0; i < address_count && chain->count < chain->max; i++) {
		int count;
		const struct frame *frames =
		        symbolizer_frames(symbolizer, tgid, addresses[i],
		                          !is_entered_by_fault(chain->callee), &count);
		/* The door from C: frame pointers beyond it are anything. */
		if (count == 1 && function_is(frames, "crosscall2"))
			break;
		for (int k = 0; k < count; k++)
			chain_push(chain, &frames[k]);
	}
	if (chain->count > 0 && function_is(&chain->out[chain->count - 1], "runtime.goexit"))
		chain->count--;
}

int symbolizer_call_chain(struct symbolizer *symbolizer, const struct access *access,
                          struct frame *out, int max)
{
	uint64_t addresses[STACK_DEPTH_MAX + 1];
	int address_count = chain_addresses(access, addresses);
	struct chain chain = {.out = out, .max = max, .skipping = true};

	chain_walk(symbolizer, access->tgid, addresses, address_count, &chain);
	if (chain.count == 0) {
		/* All of it is the runtime's own doing: better told whole than not at all. */
		chain = (struct chain){.out = out, .max = max};
		chain_walk(symbolizer, access->tgid, addresses, address_count, &chain);
	}
	return chain.count;
}
