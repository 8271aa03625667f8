/* SPDX-License-Identifier: MIT */
#include "core/probe/call_site.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/go/pclntab.h"
#include "core/probe/amd64_length.h"

#define SPAN_BYTES_MAX (1u << 20) /* a function of that length is not decoded */
#define WRAPPER_MAX    96         /* they have 40 to 80 bytes */

/* Wrappers that do nothing but to call the probed function once, with what they were given. */
static const struct {
	const char *function;
	enum probe_args args;
} wrappers[] = {
        {"runtime.mapaccess1", ARGS_TYPE_MAP},        {"runtime.mapaccess1_fast32", ARGS_TYPE_MAP},
        {"runtime.mapaccess1_fast64", ARGS_TYPE_MAP}, {"runtime.mapaccess1_faststr", ARGS_TYPE_MAP},
        {"runtime.mapIterNext", ARGS_ITERATOR},       {"runtime.mapclear", ARGS_TYPE_MAP},
};
#define WRAPPERS (sizeof(wrappers) / sizeof(wrappers[0]))

/* Their code works on maps on behalf of others. */
static const char *const packages[] = {"runtime.", "reflect.", "internal/runtime/",
                                       "runtime/internal/"};

/* What a call may lead to. */
struct callee {
	uint64_t entry;
	size_t site;
	const char *function;
	enum probe_args args;
	uint64_t wrapper_place; /* where the wrapper's call returns to; 0: the probed function */
};

struct call_sites {
	struct go_binary *binary;
	const struct probe_plan *plan;
	struct callee *callees;
	size_t count;
};

/* ---- calls --------------------------------------------------------------------------- */

static size_t call_size(const struct go_binary *binary)
{
	return go_binary_machine(binary) == EM_AARCH64 ? 4 : 5;
}

static bool is_call(const struct go_binary *binary, const unsigned char *code)
{
	/* bl: 0b100101 in the upper six bits of a little-endian word */
	return go_binary_machine(binary) == EM_AARCH64 ? code[3] >> 2 == 0x25 : code[0] == 0xe8;
}

static uint64_t call_target(const struct go_binary *binary, const unsigned char *code,
                            uint64_t addr)
{
	uint32_t word;
	int32_t distance;

	if (go_binary_machine(binary) == EM_AARCH64) {
		memcpy(&word, code, sizeof(word));
		distance = (int32_t)(word << 6) >> 4; /* 26 bits, in words */
		return addr + (uint64_t)(int64_t)distance;
	}
	memcpy(&distance, code + 1, sizeof(distance));
	return addr + 5 + (uint64_t)(int64_t)distance;
}

/* Length of the instruction at code; 0: none that is known. */
static size_t instruction_length(const struct go_binary *binary, const unsigned char *code,
                                 size_t size)
{
	if (go_binary_machine(binary) == EM_AARCH64)
		return size >= 4 ? 4 : 0;
	return amd64_length(code, size);
}

/* ---- what they may lead to ----------------------------------------------------------- */

static const struct callee *callee_at(const struct call_sites *s, uint64_t entry)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->callees[i].entry == entry)
			return &s->callees[i];
	return NULL;
}

static void probed_add(struct call_sites *s, size_t site)
{
	const struct probe_site *p = &s->plan->sites[site];
	struct go_function function;

	if (p->role != PROBE_MAP_OP || go_binary_function_find(s->binary, p->function, &function) ||
	    p->addr < function.entry || p->addr >= function.end)
		return;
	s->callees[s->count++] = (struct callee){
	        .entry = function.entry, .site = site, .function = p->function, .args = p->args};
}

/* The one call of a probed function in a short function, where it returns to; else 0. */
static uint64_t wrapper_call(const struct call_sites *s, const struct go_function *function,
                             const struct callee **callee)
{
	unsigned char code[WRAPPER_MAX];
	uint64_t size = function->end - function->entry, place = 0;

	if (size > sizeof(code) || go_binary_read(s->binary, function->entry, code, size))
		return 0;
	for (size_t at = 0, length; at < size; at += length) {
		const struct callee *target = NULL;

		length = instruction_length(s->binary, code + at, size - at);
		if (!length)
			return 0;
		if (length == call_size(s->binary) && is_call(s->binary, code + at))
			target = callee_at(s,
			                   call_target(s->binary, code + at, function->entry + at));
		if (!target)
			continue;
		if (place)
			return 0;
		place = function->entry + at + length;
		*callee = target;
	}
	return place;
}

static void wrapper_add(struct call_sites *s, size_t wrapper)
{
	const struct callee *callee = NULL;
	struct go_function function;
	uint64_t place;

	if (go_binary_function_find(s->binary, wrappers[wrapper].function, &function) ||
	    callee_at(s, function.entry))
		return;
	place = wrapper_call(s, &function, &callee);
	if (!place)
		return;
	s->callees[s->count++] = (struct callee){.entry = function.entry,
	                                         .site = callee->site,
	                                         .function = wrappers[wrapper].function,
	                                         .args = wrappers[wrapper].args,
	                                         .wrapper_place = place};
}

int call_sites_create(struct go_binary *binary, const struct probe_plan *plan,
                      struct call_sites **out)
{
	struct call_sites *s = calloc(1, sizeof(*s));
	size_t probed;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->binary = binary;
	s->plan = plan;
	s->callees = calloc(plan->site_count + WRAPPERS, sizeof(*s->callees));
	if (!s->callees) {
		free(s);
		return -ENOMEM;
	}
	for (size_t i = 0; i < plan->site_count; i++)
		probed_add(s, i);
	probed = s->count;
	for (size_t i = 0; probed && i < WRAPPERS; i++)
		wrapper_add(s, i);
	*out = s;
	return 0;
}

void call_sites_destroy(struct call_sites *sites)
{
	if (!sites)
		return;
	free(sites->callees);
	free(sites);
}

/* ---- instruction boundaries ---------------------------------------------------------- */

struct boundary {
	struct go_binary *binary;
	uint64_t addr;
	bool decoded;
};

/* A stretch begins and ends between instructions: decoding must get from the one to the other, and
 * come by the address on its way. */
static bool span_has(struct boundary *b, const unsigned char *code, uint64_t begin, size_t size)
{
	bool met = false;
	size_t at = 0;

	while (at < size) {
		size_t length = instruction_length(b->binary, code + at, size - at);

		met |= begin + at == b->addr;
		if (!length)
			return false;
		at += length;
	}
	return met && at == size;
}

static int on_span(void *ctx, const struct pclntab_span *span)
{
	struct boundary *b = ctx;
	size_t size = span->end - span->begin;
	unsigned char *code;

	if (b->addr < span->begin || b->addr >= span->end)
		return 0;
	code = size <= SPAN_BYTES_MAX ? malloc(size) : NULL;
	if (code && !go_binary_read(b->binary, span->begin, code, size))
		b->decoded = span_has(b, code, span->begin, size);
	free(code);
	return 1;
}

static bool is_instruction(struct go_binary *binary, uint64_t addr)
{
	struct boundary b = {.binary = binary, .addr = addr};
	struct pclntab_function function;

	if (go_binary_machine(binary) == EM_AARCH64 && addr % 4)
		return false;
	if (pclntab_find(go_binary_pclntab(binary), addr, &function))
		return false;
	pclntab_sp_spans(go_binary_pclntab(binary), &function, on_span, &b);
	return b.decoded;
}

/* ---- one call ------------------------------------------------------------------------ */

static bool works_for_others(const struct call_sites *s, const struct go_function *function)
{
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (!strncmp(function->name, packages[i], strlen(packages[i])))
			return true;
	for (size_t i = 0; i < s->plan->caller_count; i++)
		if (s->plan->callers[i].addr == function->entry)
			return true;
	return false;
}

static bool distance_fits(uint64_t from, uint64_t to)
{
	return (int64_t)(to - from) == (int32_t)(to - from);
}

static enum call_refusal call_fill(const struct call_sites *s, const struct callee *callee,
                                   uint64_t addr, struct call_instruction *out)
{
	uint64_t probed = s->plan->sites[callee->site].addr;
	int64_t offset = go_binary_file_offset(s->binary, addr);

	if (offset < 0 || !distance_fits(addr, probed))
		return CALL_NO_SEGMENT;
	*out = (struct call_instruction){
	        .place = addr + call_size(s->binary),
	        .addr = addr,
	        .file_offset = (uint64_t)offset,
	        .site = callee->site,
	        .function = callee->function,
	        .args = callee->args,
	        .probed = (int32_t)(probed - addr),
	};
	if (!callee->wrapper_place)
		return CALL_NONE;
	if (!distance_fits(addr, callee->wrapper_place))
		return CALL_NO_SEGMENT;
	out->wrapper = (int32_t)(callee->wrapper_place - addr);
	return CALL_NONE;
}

enum call_refusal call_sites_find(struct call_sites *sites, uint64_t place,
                                  struct call_instruction *out)
{
	uint64_t addr = place - call_size(sites->binary);
	const struct callee *callee;
	struct go_function function;
	unsigned char code[5];

	if (place < sizeof(code) || go_binary_function_at(sites->binary, addr, &function) ||
	    place > function.end)
		return CALL_NO_FUNCTION;
	if (works_for_others(sites, &function))
		return CALL_NOT_OWN;
	if (go_binary_read(sites->binary, addr, code, call_size(sites->binary)) ||
	    !is_call(sites->binary, code))
		return CALL_NO_CALL;
	callee = callee_at(sites, call_target(sites->binary, code, addr));
	if (!callee)
		return CALL_OTHER_FUNCTION;
	if (!is_instruction(sites->binary, addr))
		return CALL_NOT_DECODED;
	return call_fill(sites, callee, addr, out);
}

const char *call_refusal_words(enum call_refusal refusal)
{
	static const char *const words[CALL_REFUSAL_COUNT] = {
#define X(id, text) [CALL_##id] = text,
	        CALL_REFUSALS(X)
#undef X
	};

	return refusal < CALL_REFUSAL_COUNT ? words[refusal] : "unknown";
}
