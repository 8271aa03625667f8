/* SPDX-License-Identifier: MIT */
#include "core/order/amd64_function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum amd64_kind kind_of_two_byte(const struct amd64_parts *p)
{
	if (p->opcode >= 0x80 && p->opcode <= 0x8f)
		return AMD64_JCC;
	return p->opcode == 0x0b ? AMD64_END : AMD64_PLAIN;
}

static enum amd64_kind kind_of_one_byte(const struct amd64_parts *p)
{
	switch (p->opcode) {
	case 0x90:
		return p->length == 1 ? AMD64_NOP : AMD64_PLAIN;
	case 0xe8:
		return p->length == 5 ? AMD64_CALL : AMD64_INDIRECT;
	case 0xe9:
	case 0xeb:
		return AMD64_JMP;
	case 0xc2:
	case 0xc3:
	case 0xcc:
	case 0xf4:
		return AMD64_END;
	case 0xe0: /* loop, jrcxz: in assembly only */
	case 0xe1:
	case 0xe2:
	case 0xe3:
		return AMD64_INDIRECT;
	case 0xff:
		return (p->reg & 7) >= 2 && (p->reg & 7) <= 5 ? AMD64_INDIRECT : AMD64_PLAIN;
	default:
		if (p->opcode >= 0x50 && p->opcode <= 0x57 && !p->operand16)
			return AMD64_PUSH;
		if ((p->opcode & 0xf0) == 0x70)
			return AMD64_JCC;
		return AMD64_PLAIN;
	}
}

static enum amd64_kind kind_of(const struct amd64_parts *p)
{
	bool exchange = p->map == 0 && (p->opcode == 0x86 || p->opcode == 0x87) && p->mod != 3;

	if (p->vector || p->map > 1)
		return AMD64_PLAIN;
	if (p->lock || exchange)
		return AMD64_ATOMIC;
	return p->map ? kind_of_two_byte(p) : kind_of_one_byte(p);
}

static int instruction_add(struct amd64_function *f, size_t at, const struct amd64_parts *p)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? 2 * f->capacity : 4096;
		void *more = reallocarray(f->instructions, capacity, sizeof(*f->instructions));

		if (!more)
			return -ENOMEM;
		f->instructions = more;
		f->capacity = capacity;
	}
	f->instructions[f->count++] = (struct amd64_instruction){
	        .offset = (uint32_t)at,
	        .length = p->length,
	        .kind = (uint8_t)kind_of(p),
	};
	f->jumps_indirect |= p->map == 0 && ((p->opcode == 0xff && (p->reg & 6) == 4) ||
	                                     (p->opcode & 0xfc) == 0xe0);
	return 0;
}

static bool targets_mark(struct amd64_function *f)
{
	for (size_t i = 0; i < f->count; i++) {
		uint8_t kind = f->instructions[i].kind;
		uint64_t to;
		size_t target;

		if (kind != AMD64_JCC && kind != AMD64_JMP)
			continue;
		to = amd64_function_leads(f, i);
		if (to - f->addr >= f->size)
			continue;
		target = amd64_function_at(f, to);
		if (target == f->count)
			return false;
		f->instructions[target].target = true;
	}
	return true;
}

int amd64_function_decode(struct amd64_function *f, uint64_t addr, const unsigned char *code,
                          size_t size)
{
	struct amd64_parts parts;

	f->code = code;
	f->addr = addr;
	f->size = size;
	f->count = 0;
	f->jumps_indirect = false;
	if (size > AMD64_FUNCTION_MAX)
		return -EILSEQ;
	for (size_t at = 0; at < size; at += parts.length) {
		if (!amd64_parts(code + at, size - at, &parts))
			return -EILSEQ;
		if (instruction_add(f, at, &parts))
			return -ENOMEM;
	}
	return targets_mark(f) ? 0 : -EILSEQ;
}

void amd64_function_free(struct amd64_function *f)
{
	free(f->instructions);
	*f = (struct amd64_function){0};
}

void amd64_function_parts(const struct amd64_function *f, size_t i, struct amd64_parts *out)
{
	const struct amd64_instruction *instruction = &f->instructions[i];

	amd64_parts(f->code + instruction->offset, instruction->length, out);
}

uint64_t amd64_function_addr(const struct amd64_function *f, size_t i)
{
	return f->addr + f->instructions[i].offset;
}

uint64_t amd64_function_leads(const struct amd64_function *f, size_t i)
{
	const struct amd64_instruction *instruction = &f->instructions[i];
	const unsigned char *end = f->code + instruction->offset + instruction->length;
	int32_t distance;

	if (instruction->length < 5) /* short: one byte */
		distance = end[-1] - (end[-1] < 0x80 ? 0 : 0x100);
	else
		memcpy(&distance, end - sizeof(distance), sizeof(distance));
	return f->addr + instruction->offset + instruction->length + (uint64_t)(int64_t)distance;
}

size_t amd64_function_at(const struct amd64_function *f, uint64_t addr)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (amd64_function_addr(f, middle) < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->count && amd64_function_addr(f, low) == addr ? low : f->count;
}
