/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <string.h>

#include "core/order/arm64_function.h"
#include "core/order/order_site.h"
#include "core/probe/amd64_length.h"
#include "tests/fuzz/fuzz.h"
#include "tests/open_path.h"

/* Is it the instruction that the plan says it is? */
static void instruction_check(const struct order_site *site, const uint8_t *code, size_t left)
{
	struct amd64_parts parts;

	FUZZ_CHECK(amd64_parts(code, left, &parts));
	FUZZ_CHECK(!parts.lock);
	switch (site->instruction) {
	case ORDER_AT_JCC:
		FUZZ_CHECK(parts.map == 0 ? parts.opcode >> 4 == 7
		                          : parts.map == 1 && parts.opcode >> 4 == 8);
		return;
	case ORDER_AT_NOP:
		FUZZ_CHECK(code[0] == 0x90 && site->condition == ORDER_ALWAYS);
		return;
	case ORDER_AT_PUSH:
		FUZZ_CHECK(parts.map == 0 && parts.opcode >> 3 == 0x50 >> 3);
		return;
	case ORDER_AT_JMP:
		FUZZ_CHECK(parts.map == 0 && (parts.opcode == 0xe9 || parts.opcode == 0xeb));
		return;
	case ORDER_AT_CALL:
		FUZZ_CHECK(code[0] == 0xe8 && parts.length == 5);
		return;
	case ORDER_AT_STEPPED:
		return;
	}
	FUZZ_CHECK(!"an instruction of the list");
}

static void arm64_instruction_check(const struct order_site *site, const uint8_t *code, size_t left)
{
	static const enum arm64_kind kinds[] = {
	        [ORDER_AT_JCC] = ARM64_JCC,
	        [ORDER_AT_NOP] = ARM64_NOP,
	        [ORDER_AT_JMP] = ARM64_JMP,
	        [ORDER_AT_CALL] = ARM64_CALL,
	};
	enum arm64_kind kind;
	uint32_t word;

	FUZZ_CHECK(left >= sizeof(word) && site->addr % 4 == 0);
	memcpy(&word, code, sizeof(word));
	kind = arm64_kind(word);
	FUZZ_CHECK(kind != ARM64_ATOMIC && kind != ARM64_REFUSED);
	FUZZ_CHECK(site->instruction != ORDER_AT_PUSH);
	FUZZ_CHECK(site->instruction == ORDER_AT_STEPPED || kind == kinds[site->instruction]);
}

/* Of a file that is not of whole instructions at its end nothing is said. */
static void arm64_atomic_check(struct go_binary *binary, const struct order_site *site)
{
	uint32_t word;

	if (go_binary_read(binary, site->atomic, &word, sizeof(word)))
		return;
	FUZZ_CHECK(arm64_kind(word) == ARM64_ATOMIC);
	FUZZ_CHECK((site->place == ORDER_BEFORE) == (site->addr <= site->atomic));
	FUZZ_CHECK(site->addr - site->atomic + 1024 < 2048);
}

/* The instruction that the site is about; in a table of functions out of order it cannot be asked
 * whose it is. */
static void atomic_check(struct go_binary *binary, const struct order_site *site)
{
	unsigned char code[AMD64_LENGTH_MAX] = {0};
	struct amd64_parts parts;
	size_t size = sizeof(code);

	while (size && go_binary_read(binary, site->atomic, code, size))
		size--; /* the last one of its segment */
	FUZZ_CHECK(amd64_parts(code, size, &parts));
	FUZZ_CHECK(parts.lock || ((parts.opcode == 0x86 || parts.opcode == 0x87) && parts.mod < 3));
	FUZZ_CHECK((site->place == ORDER_BEFORE) == (site->addr <= site->atomic));
	FUZZ_CHECK(site->addr - site->atomic + 1024 < 2048);
}

static void site_check(struct go_binary *binary, const struct order_site *site, const uint8_t *data,
                       size_t size)
{
	bool arm64 = go_binary_machine(binary) == EM_AARCH64;
	unsigned char byte;

	FUZZ_CHECK(site->kind < ORDER_KIND_COUNT && site->function < ORDER_FUNCTION_COUNT);
	FUZZ_CHECK(site->file_offset < size && site->base < (arm64 ? 32 : 16));
	FUZZ_CHECK(site->tested < 32 && site->bit < 64);
	FUZZ_CHECK(go_binary_read(binary, site->addr, &byte, 1) == 0);
	FUZZ_CHECK(byte == data[site->file_offset]);
	(arm64 ? arm64_instruction_check : instruction_check)(site, data + site->file_offset,
	                                                      size - site->file_offset);
	if (site->kind == ORDER_KIND_FUNCTION)
		FUZZ_CHECK(site->function != ORDER_NONE && !site->atomic);
	else
		(arm64 ? arm64_atomic_check : atomic_check)(binary, site);
}

static void plan_ask(struct go_binary *binary, const uint8_t *data, size_t size)
{
	struct order_plan plan;
	struct error err;

	if (order_plan_make(binary, &plan, &err)) {
		FUZZ_CHECK(strlen(err.text) > 0 && !plan.sites);
		FUZZ_CHECK(!getenv("FUZZ_SEEDS"));
		return;
	}
	for (size_t i = 0; i < plan.count; i++) {
		site_check(binary, &plan.sites[i], data, size);
		FUZZ_CHECK(i == 0 || plan.sites[i - 1].addr <= plan.sites[i].addr);
	}
	for (size_t i = 0; i < plan.missed_count && i < ORDER_MISSED_MAX; i++)
		FUZZ_CHECK(plan.missed[i].what && plan.missed[i].why);
	for (size_t i = 0; i < ORDER_SLOW_COUNT; i++)
		FUZZ_CHECK(plan.explained[i] <= plan.calls[i]);
	order_plan_free(&plan);
}

void fuzz_order(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct go_binary *binary;
	struct error err;

	if (!path || go_binary_open(path, &binary, &err)) {
		FUZZ_CHECK(!getenv("FUZZ_SEEDS"));
		return;
	}
	plan_ask(binary, data, size);
	go_binary_close(binary);
}
