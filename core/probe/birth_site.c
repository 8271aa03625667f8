/* SPDX-License-Identifier: MIT */
#include "core/probe/birth_site.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/go/pclntab.h"

/*
 * Each map that is made passes one of these. Classic maps: everything else that makes maps calls
 * makemap; a clone gets the seed of its original only after that, so that its birth is told again
 * by mapclone2, with the seed that it keeps. Swiss maps: makemap, reflect and (until 1.24)
 * mapclone2 call NewMap; makemap_small has its own copy of it; Clone copies (1.25).
 */
static const struct {
	const char *function;
	enum go_map_runtime runtime;
} makers[] = {
        {"runtime.makemap", GO_MAP_HMAP},
        {"runtime.makemap_small", GO_MAP_HMAP},
        {"runtime.mapclone2", GO_MAP_HMAP},
        {"internal/runtime/maps.NewMap", GO_MAP_SWISS},
        {"internal/runtime/maps.(*Map).Clone", GO_MAP_SWISS},
        {"runtime.makemap_small", GO_MAP_SWISS},
};

struct returns {
	struct go_binary *binary;
	struct birth_plan *plan;
	const char *function;
	uint64_t entry;
};

static bool is_return(struct go_binary *binary, uint64_t addr)
{
	static const unsigned char amd64[] = {0xc3}, arm64[] = {0xc0, 0x03, 0x5f, 0xd6};
	bool x86 = go_binary_machine(binary) == EM_X86_64;
	unsigned char code[4];
	size_t size = x86 ? sizeof(amd64) : sizeof(arm64);

	return go_binary_read(binary, addr, code, size) == 0 &&
	       memcmp(code, x86 ? amd64 : arm64, size) == 0;
}

/* What the assembler pads with (cmd/internal/obj/x86/asm6.go, nop): it keeps branches from crossing
 * 32 bytes, so some may stand before a return. */
static const struct {
	uint8_t size, bytes[4]; /* as many of them as it has */
} pads[] = {
        {1, {0x90}},
        {2, {0x66, 0x90}},
        {3, {0x0f, 0x1f, 0x00}},
        {4, {0x0f, 0x1f, 0x40, 0x00}},
        {5, {0x0f, 0x1f, 0x44, 0x00}},
        {6, {0x66, 0x0f, 0x1f, 0x44}},
        {7, {0x0f, 0x1f, 0x80, 0x00}},
        {8, {0x0f, 0x1f, 0x84, 0x00}},
        {9, {0x66, 0x0f, 0x1f, 0x84}},
};

/* Length of the padding instruction at addr; 0: it is something else. */
static size_t pad_length(struct go_binary *binary, uint64_t addr)
{
	unsigned char code[sizeof(pads[0].bytes)];

	if (go_binary_machine(binary) != EM_X86_64 ||
	    go_binary_read(binary, addr, code, sizeof(code)))
		return 0;
	for (size_t i = 0; i < sizeof(pads) / sizeof(pads[0]); i++) {
		size_t known = pads[i].size < sizeof(code) ? pads[i].size : sizeof(code);

		if (memcmp(code, pads[i].bytes, known) == 0)
			return pads[i].size;
	}
	return 0;
}

static int site_add(struct returns *r, uint64_t addr)
{
	struct birth_plan *plan = r->plan;
	int64_t offset = go_binary_file_offset(r->binary, addr);

	if (offset < 0)
		return 0;
	if (plan->count == plan->room) {
		size_t room = plan->room ? 2 * plan->room : 8;
		void *more = reallocarray(plan->sites, room, sizeof(*plan->sites));

		if (!more)
			return -ENOMEM;
		plan->sites = more;
		plan->room = room;
	}
	plan->sites[plan->count++] = (struct birth_site){
	        .function = r->function, .addr = addr, .file_offset = (uint64_t)offset};
	return 0;
}

static int on_span(void *ctx, const struct pclntab_span *span)
{
	struct returns *r = ctx;
	uint64_t at = span->begin;
	size_t pad;

	if (span->sp_delta != 0 || span->begin == r->entry)
		return 0;
	while (at < span->end && (pad = pad_length(r->binary, at)))
		at += pad;
	return at < span->end && is_return(r->binary, at) ? site_add(r, at) : 0;
}

int birth_plan_make(struct go_binary *binary, struct birth_plan *plan)
{
	*plan = (struct birth_plan){0};
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		struct returns r = {.binary = binary, .plan = plan, .function = makers[i].function};
		const struct pclntab *tab = go_binary_pclntab(binary);
		struct pclntab_function code;
		struct go_function function;

		if (makers[i].runtime != go_binary_map_runtime(binary) ||
		    go_binary_function_find(binary, makers[i].function, &function))
			continue;
		r.entry = function.entry;
		if (pclntab_find(tab, function.entry, &code))
			continue;
		if (pclntab_sp_spans(tab, &code, on_span, &r) == -ENOMEM) {
			birth_plan_free(plan);
			return -ENOMEM;
		}
	}
	return 0;
}

void birth_plan_free(struct birth_plan *plan)
{
	free(plan->sites);
	*plan = (struct birth_plan){0};
}
