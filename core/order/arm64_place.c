/* SPDX-License-Identifier: MIT */
#include "core/order/arm64_place.h"

#include <elf.h>

#include "core/order/arm64_match.h"
#include "core/probe/prologue.h"

#define CODE_MAX    16384 /* the longest of these, selectgo, has 4 KiB */
#define LEAF_WITHIN 12 /* instructions in which the first jump of a small function is looked for */

/* ORDER_A0 is R0, ORDER_A1 is R1. */
static void site_set(const struct arm64_function *code, size_t at,
                     const struct order_function_row *row, struct order_site *site)
{
	site->addr = arm64_function_addr(code, at);
	site->instruction = arm64_probed_as(code, at);
	if (row->object == ORDER_ARGUMENT_NONE)
		return;
	site->object = ORDER_OBJECT_REGISTER;
	site->base = row->object == ORDER_A1;
}

/* The only call of runtime.runqput: who is put there is its second argument. */
static bool child_find(struct go_binary *binary, const struct arm64_function *code, size_t *at)
{
	struct go_function callee;

	if (go_binary_function_find(binary, "runtime.runqput", &callee))
		return false;
	for (*at = 0; *at < code->count; ++*at)
		if (code->instructions[*at].kind == ARM64_CALL &&
		    arm64_function_leads(code, *at) == callee.entry)
			return true;
	return false;
}

/* The first conditional jump, through which every call passes once, with the argument in place;
 * else the first instruction. */
static bool leaf_find(const struct arm64_function *code, size_t *at)
{
	*at = 0;
	for (size_t i = 0; i < code->count && i < LEAF_WITHIN; i++) {
		const struct arm64_instruction *instruction = &code->instructions[i];

		if (instruction->targets)
			break;
		if (instruction->kind == ARM64_JCC && arm64_can_probe(code, i)) {
			*at = i;
			return true;
		}
		if ((instruction->kind != ARM64_PLAIN && instruction->kind != ARM64_NOP) ||
		    arm64_may_write(instruction->word, 0) || arm64_may_write(instruction->word, 1))
			break;
	}
	return code->count && !code->instructions[0].targets && arm64_can_probe(code, 0);
}

bool arm64_place_function(struct go_binary *binary, const struct order_function_row *row,
                          const struct go_function *function, struct arm64_function *scratch,
                          struct order_site *site, const char **why)
{
	unsigned char code[CODE_MAX];
	uint64_t size = function->end - function->entry;
	struct prologue prologue;
	size_t at;

	*why = "too long, or not in the file";
	if (size > sizeof(code) || go_binary_read(binary, function->entry, code, size))
		return false;
	*why = "its instructions could not be decoded";
	if (arm64_function_decode(scratch, function->entry, code, size))
		return false;
	if (row->function == ORDER_CHILD) {
		*why = "no call of runtime.runqput";
		if (!child_find(binary, scratch, &at))
			return false;
	} else if (prologue_decode(EM_AARCH64, code, size, &prologue) &&
	           prologue.instruction == PROBE_AT_JBE) {
		at = prologue.offset / 4;
		site->condition = ORDER_IF_NO_CF_ZF;
	} else {
		*why = "its first instruction cannot be probed";
		if (!leaf_find(scratch, &at))
			return false;
	}
	site_set(scratch, at, row, site);
	return true;
}
