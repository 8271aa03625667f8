/* SPDX-License-Identifier: MIT */
#include "core/process/layout_code.h"

#include <elf.h>
#include <string.h>

static uint64_t entry_of(struct go_binary *binary, const char *name)
{
	struct go_function function;

	return go_binary_function_find(binary, name, &function) ? 0 : function.entry;
}

void layout_code_open(struct layout_code_finder *finder, struct go_binary *binary)
{
	*finder = (struct layout_code_finder){
	        .binary = binary,
	        .main = entry_of(binary, "runtime.main"),
	        .starters = {entry_of(binary, "runtime.newproc"),
	                     entry_of(binary, "runtime.newcoro")},
	};
}

/* Target of the call instruction that ends at addr, 0: there is none. */
static uint64_t call_before_amd64(const struct go_binary *binary, uint64_t addr)
{
	unsigned char code[5]; /* e8 rel32 */
	int32_t distance;

	if (go_binary_read(binary, addr - sizeof(code), code, sizeof(code)) || code[0] != 0xe8)
		return 0;
	memcpy(&distance, code + 1, sizeof(distance));
	return addr + (uint64_t)(int64_t)distance;
}

static uint64_t call_before_arm64(const struct go_binary *binary, uint64_t addr)
{
	uint32_t code; /* bl imm26 */

	if (go_binary_read(binary, addr - sizeof(code), &code, sizeof(code)) || code >> 26 != 0x25)
		return 0;
	/* imm26 words, signed */
	return addr - sizeof(code) + (uint64_t)((int64_t)((uint64_t)code << 38) >> 36);
}

static bool starts_goroutine(const struct layout_code_finder *finder, uint64_t addr)
{
	uint64_t target = go_binary_machine(finder->binary) == EM_AARCH64
	                          ? call_before_arm64(finder->binary, addr)
	                          : call_before_amd64(finder->binary, addr);

	return target && (target == finder->starters[0] || target == finder->starters[1]);
}

enum layout_code layout_code_at(const struct layout_code_finder *finder, uint64_t addr)
{
	struct go_function function;

	if (!addr)
		return CODE_NONE;
	if (go_binary_function_at(finder->binary, addr, &function))
		return CODE_ELSEWHERE;
	if (addr == finder->main)
		return CODE_MAIN;
	if (addr == function.entry)
		return CODE_ENTRY;
	return starts_goroutine(finder, addr) ? CODE_GO : CODE_INSIDE;
}
