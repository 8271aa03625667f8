/* SPDX-License-Identifier: MIT */
#include "core/order/order_place.h"

#include <elf.h>

#include "core/order/amd64_effect.h"
#include "core/probe/prologue.h"

#define CODE_MAX    16384 /* the longest of these, selectgo, has 4 KiB */
#define LEAF_WITHIN 12 /* instructions in which the first jump of a small function is looked for */
#define PUSH_RBP    0x55

struct place {
	struct go_binary *binary;
	const struct order_function_row *row;
	const struct go_function *function;
	struct amd64_function *code; /* decoded only where count > 0 */
	struct order_site *site;
};

static void object_set(const struct place *p)
{
	static const uint8_t registers[] = {[ORDER_A0] = 0, [ORDER_A1] = 3};
	enum order_argument object = p->row->object;

	if (object == ORDER_ARGUMENT_NONE)
		return;
	p->site->object = ORDER_OBJECT_REGISTER;
	p->site->base = registers[object];
}

/* The only call of runtime.runqput: who is put there is its second argument. */
static bool child_place(const struct place *p, const char **why)
{
	struct go_function callee;

	*why = "no call of runtime.runqput";
	if (go_binary_function_find(p->binary, "runtime.runqput", &callee))
		return false;
	for (size_t i = 0; i < p->code->count; i++) {
		if (p->code->instructions[i].kind != AMD64_CALL ||
		    amd64_function_leads(p->code, i) != callee.entry)
			continue;
		p->site->addr = amd64_function_addr(p->code, i);
		p->site->instruction = ORDER_AT_CALL;
		object_set(p);
		return true;
	}
	return false;
}

/* The first conditional jump, through which every call passes once, with the argument in place. */
static bool leaf_jump(const struct place *p, size_t *at)
{
	for (size_t i = 0; i < p->code->count && i < LEAF_WITHIN; i++) {
		struct amd64_parts parts;

		if (p->code->instructions[i].target)
			return false;
		if (p->code->instructions[i].kind == AMD64_JCC) {
			*at = i;
			return true;
		}
		if (p->code->instructions[i].kind != AMD64_PLAIN &&
		    p->code->instructions[i].kind != AMD64_NOP)
			return false;
		amd64_function_parts(p->code, i, &parts);
		if (amd64_may_write(&parts, 0) || amd64_may_write(&parts, 3))
			return false;
	}
	return false;
}

static bool leaf_place(const struct place *p, const char **why)
{
	const struct amd64_instruction *first = p->code->instructions;
	size_t at = 0;

	*why = "its first instruction cannot be probed";
	if (first->target || first->kind == AMD64_ATOMIC)
		return false;
	p->site->instruction = leaf_jump(p, &at) ? ORDER_AT_JCC : ORDER_AT_STEPPED;
	p->site->addr = amd64_function_addr(p->code, at);
	object_set(p);
	return true;
}

static bool prologue_place(const struct place *p)
{
	struct prologue prologue;

	if (!prologue_decode(EM_X86_64, p->code->code, p->code->size, &prologue))
		return false;
	p->site->addr = p->function->entry + prologue.offset;
	if (prologue.instruction == PROBE_AT_JBE) {
		p->site->instruction = ORDER_AT_JCC;
		p->site->condition = ORDER_IF_NO_CF_ZF;
	} else if (p->code->code[prologue.offset] == PUSH_RBP) {
		p->site->instruction = ORDER_AT_PUSH;
	} else {
		return false;
	}
	object_set(p);
	return true;
}

bool order_place_function(struct go_binary *binary, const struct order_function_row *row,
                          const struct go_function *function, struct amd64_function *scratch,
                          struct order_site *site, const char **why)
{
	unsigned char code[CODE_MAX];
	uint64_t size = function->end - function->entry;
	struct place p = {binary, row, function, scratch, site};

	*why = "too long, or not in the file";
	if (size > sizeof(code) || go_binary_read(binary, function->entry, code, size))
		return false;
	*why = "its instructions could not be decoded";
	if (amd64_function_decode(scratch, function->entry, code, size))
		return false;
	if (row->function == ORDER_CHILD)
		return child_place(&p, why);
	return prologue_place(&p) || leaf_place(&p, why);
}
