/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <string.h>

#include "core/go/go_binary.h"
#include "core/probe/probe_site.h"
#include "tests/fuzz/fuzz.h"
#include "tests/open_path.h"

#define FRAMES 32

static void addr_ask(uint64_t addr, void *ctx)
{
	struct go_binary *binary = ctx;
	struct frame frames[FRAMES];
	struct go_function function;

	for (int is_return = 0; is_return <= 1; is_return++) {
		int count = go_binary_frames(binary, addr, 0x1000, is_return, frames, FRAMES);
		FUZZ_CHECK(count >= 1 && count <= FRAMES);
		for (int i = 0; i < count; i++) {
			FUZZ_CHECK(frames[i].pc == addr + 0x1000);
			if (frames[i].function)
				FUZZ_CHECK(strlen(frames[i].function) < 65536 + 8);
			if (frames[i].file)
				FUZZ_CHECK(strlen(frames[i].file) < 65536);
		}
	}
	if (go_binary_function_at(binary, addr, &function) == 0)
		FUZZ_CHECK(function.entry <= addr && addr < function.end);
	go_binary_type_name(binary, addr);
}

/* A breakpoint goes only where an instruction of the wanted kind was decoded. */
static void site_check(struct go_binary *binary, const struct probe_site *site, const uint8_t *data,
                       size_t size)
{
	struct go_function function;
	unsigned char byte;

	FUZZ_CHECK(go_binary_function_find(binary, site->function, &function) == 0);
	FUZZ_CHECK(function.entry <= site->addr && site->addr < function.end);
	FUZZ_CHECK(site->file_offset < size);
	FUZZ_CHECK(go_binary_read(binary, site->addr, &byte, 1) == 0);
	FUZZ_CHECK(byte == data[site->file_offset]);
	if (go_binary_machine(binary) != EM_X86_64)
		FUZZ_CHECK(site->instruction != PROBE_AT_PUSH);
	else if (site->instruction == PROBE_AT_PUSH)
		FUZZ_CHECK(byte == 0x55);
	else if (site->instruction == PROBE_AT_JBE)
		FUZZ_CHECK(byte == 0x76 || byte == 0x0f);
}

static void plan_ask(struct go_binary *binary, const uint8_t *data, size_t size)
{
	struct probe_plan plan;
	struct error err;

	if (probe_plan_make(binary, &plan, &err)) {
		FUZZ_CHECK(!getenv("FUZZ_SEEDS"));
		return;
	}
	for (size_t i = 0; i < plan.site_count; i++) {
		site_check(binary, &plan.sites[i], data, size);
		addr_ask(plan.sites[i].addr, binary);
	}
	for (size_t i = 0; i < plan.skip_count; i++)
		FUZZ_CHECK(plan.skips[i].function && strlen(plan.skips[i].reason) > 0);
	probe_plan_free(&plan);
}

void fuzz_go_binary(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct go_binary *binary;
	struct elf_file *file;
	struct error err;

	if (!path || go_binary_open(path, &binary, &err)) {
		/* Of a seed all of it has to be readable, else the fuzzers begin with nothing. */
		FUZZ_CHECK(!getenv("FUZZ_SEEDS"));
		return;
	}
	FUZZ_CHECK(go_binary_version(binary) && go_binary_layout(binary));
	FUZZ_CHECK(go_binary_minor(binary) >= GO_MINOR_MIN);
	go_binary_stripped(binary);
	go_binary_build_id(binary);
	plan_ask(binary, data, size);
	/* The file is opened once more for its segments alone. */
	if (elf_file_open(path, &file, &err) == 0) {
		fuzz_addresses(file, addr_ask, binary);
		elf_file_close(file);
	}
	go_binary_close(binary);
}
