/* SPDX-License-Identifier: MIT */
#include "core/order/arm64_function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOP              0xd503201f
#define EXCLUSIVE_WITHIN 32 /* instructions from a load-exclusive to its store */

/* ---- one instruction ----------------------------------------------------------------- */

/* Loads and stores of which the kernel refuses all: it takes them for exclusive ones
 * (arch/arm64/kernel/probes/decode-insn.c). */
static bool is_exclusive_class(uint32_t word)
{
	return (word & 0x3f000000) == 0x08000000;
}

/* cas, casp; stlr; stxr, stlxr and pairs: those that change memory. */
static bool is_atomic_of_class(uint32_t word)
{
	bool cas = (word & 0x3fa00000) == 0x08a00000 || (word & 0xbfa00000) == 0x08200000;
	bool release = (word & 0x3fe00000) == 0x08800000;

	return cas || release || arm64_is_store_exclusive(word);
}

/* ldadd and its kind, swp; ldapr, which is a load, left out. */
static bool is_atomic_operation(uint32_t word)
{
	return (word & 0x3f200c00) == 0x38200000 && (!(word & 0x8000) || !(word & 0x7000));
}

static enum arm64_kind kind_of_branch(uint32_t word)
{
	if ((word & 0x7c000000) == 0x14000000)
		return word >> 31 ? ARM64_CALL : ARM64_JMP;
	if ((word & 0xff000000) == 0x54000000 || (word & 0x7c000000) == 0x34000000)
		return ARM64_JCC;
	if ((word & 0xfedff000) == 0xd61f0000)
		return ARM64_INDIRECT;
	if ((word & 0xff000000) == 0xd6000000)
		return ARM64_END;
	if ((word & 0xffe0001f) == 0xd4000001) /* svc */
		return ARM64_REFUSED;
	if ((word & 0xff000000) == 0xd4000000)
		return ARM64_END;
	return ARM64_REFUSED;
}

enum arm64_kind arm64_kind(uint32_t word)
{
	if (word == NOP)
		return ARM64_NOP;
	if ((word & 0x1c000000) == 0x14000000)
		return kind_of_branch(word);
	if (is_exclusive_class(word))
		return is_atomic_of_class(word) ? ARM64_ATOMIC : ARM64_REFUSED;
	if (is_atomic_operation(word))
		return ARM64_ATOMIC;
	return (word & 0xffff0000) == 0 ? ARM64_END : ARM64_PLAIN; /* udf */
}

static int64_t sign_extend(uint32_t value, unsigned int bits)
{
	return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

uint64_t arm64_leads(uint32_t word, uint64_t addr)
{
	int64_t words;

	if ((word & 0x7c000000) == 0x14000000)
		words = sign_extend(word, 26);
	else if ((word & 0x7e000000) == 0x36000000)
		words = sign_extend(word >> 5, 14);
	else
		words = sign_extend(word >> 5, 19);
	return addr + (uint64_t)(words * 4);
}

static bool is_load_store(uint32_t word)
{
	return (word & 0x0a000000) == 0x08000000;
}

/* With a base that changes: pairs and single ones, before or after the access. */
static bool writes_base(uint32_t word)
{
	bool pair = (word & 0x3a000000) == 0x28000000 && word & 0x00800000;
	bool single = (word & 0x3b200400) == 0x38000400;
	bool vectors = (word & 0xbe800000) == 0x0c800000;

	return pair || single || vectors;
}

/* str and stp of general registers: all else may load. */
static bool is_plain_store(uint32_t word)
{
	return (word & 0x3fc00000) == 0x39000000 || (word & 0x3fe00000) == 0x38000000 ||
	       (word & 0x3a400000) == 0x28000000;
}

static bool load_may_write(uint32_t word, unsigned int reg)
{
	if (writes_base(word) && arm64_rn(word) == reg)
		return true;
	if (is_plain_store(word))
		return false;
	return arm64_rd(word) == reg || (word >> 10 & 31) == reg || arm64_rm(word) == reg;
}

/* Single loads have other things in those bits. */
static bool is_simple_load(uint32_t word)
{
	return (word & 0x3f000000) == 0x39000000 || (word & 0x3f000000) == 0x38000000 ||
	       (word & 0x3b000000) == 0x18000000;
}

bool arm64_may_write(uint32_t word, unsigned int reg)
{
	if ((word & 0x1c000000) == 0x14000000)
		return arm64_kind(word) != ARM64_JCC && arm64_kind(word) != ARM64_JMP &&
		       arm64_kind(word) != ARM64_NOP;
	if (is_load_store(word) && is_simple_load(word) && !is_plain_store(word))
		return arm64_rd(word) == reg || (writes_base(word) && arm64_rn(word) == reg);
	if (is_load_store(word))
		return load_may_write(word, reg);
	if ((word & 0x1e000000) < 0x08000000)
		return true; /* not allocated, SVE */
	return arm64_rd(word) == reg;
}

/* Of general registers, one or two; ldr (literal). */
static bool is_plain_load(uint32_t word)
{
	bool single = (word & 0x3e000000) == 0x38000000 && word & 0x00c00000;

	return (single && arm64_kind(word) != ARM64_ATOMIC) || (word & 0x3b000000) == 0x18000000 ||
	       (word & 0x3a400000) == 0x28400000;
}

bool arm64_may_store(uint32_t word)
{
	if ((word & 0x1c000000) == 0x14000000)
		return arm64_kind(word) == ARM64_CALL || arm64_kind(word) == ARM64_INDIRECT ||
		       arm64_kind(word) == ARM64_REFUSED;
	return (word & 0x1e000000) < 0x08000000 || (is_load_store(word) && !is_plain_load(word));
}

/* ---- a function ---------------------------------------------------------------------- */

static int room_make(struct arm64_function *f, size_t count)
{
	void *more;

	if (count <= f->capacity)
		return 0;
	more = reallocarray(f->instructions, count, sizeof(*f->instructions));
	if (!more)
		return -ENOMEM;
	f->instructions = more;
	f->capacity = count;
	return 0;
}

/* How many words ldr (literal) loads; 0: it is another instruction. prfm loads none. */
static size_t literal_words(uint32_t word)
{
	static const uint8_t general[] = {1, 2, 1, 0}, vector[] = {1, 2, 4, 0};

	if ((word & 0x3b000000) != 0x18000000)
		return 0;
	return (word & 0x04000000 ? vector : general)[word >> 30];
}

static void data_mark(struct arm64_function *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct arm64_instruction *instruction = &f->instructions[i];
		size_t words = literal_words(instruction->word), to;

		if (!words || instruction->kind == ARM64_END)
			continue;
		to = arm64_function_at(f,
		                       arm64_leads(instruction->word, arm64_function_addr(f, i)));
		for (size_t k = to; k < f->count && k < to + words; k++)
			f->instructions[k].kind = ARM64_END;
	}
}

static void exclusive_mark(struct arm64_function *f)
{
	size_t left = 0;

	for (size_t i = 0; i < f->count; i++) {
		struct arm64_instruction *instruction = &f->instructions[i];

		if (arm64_is_load_exclusive(instruction->word))
			left = EXCLUSIVE_WITHIN;
		instruction->exclusive = left > 0;
		left -= left > 0;
		/* with the jump behind it */
		if (left && arm64_is_store_exclusive(instruction->word))
			left = 1;
	}
}

/* cbnz on the status of the store in front of it, back to the load */
static bool is_exclusive_loop(const struct arm64_function *f, size_t i, size_t to)
{
	uint32_t word = f->instructions[i].word;

	return i > 0 && to < i && (word & 0x7f000000) == 0x35000000 &&
	       arm64_is_store_exclusive(f->instructions[i - 1].word) &&
	       arm64_rm(f->instructions[i - 1].word) == arm64_rd(word) &&
	       arm64_is_load_exclusive(f->instructions[to].word);
}

static void targets_mark(struct arm64_function *f)
{
	for (size_t i = 0; i < f->count; i++) {
		uint8_t kind = f->instructions[i].kind;
		struct arm64_instruction *target;
		size_t to;

		f->jumps_indirect |=
		        kind == ARM64_INDIRECT && (f->instructions[i].word & 0x00600000) == 0;
		if (kind != ARM64_JCC && kind != ARM64_JMP)
			continue;
		to = arm64_function_at(f, arm64_function_leads(f, i));
		if (to == f->count || is_exclusive_loop(f, i, to))
			continue;
		target = &f->instructions[to];
		target->from = (uint32_t)i;
		target->targets += target->targets < UINT8_MAX;
	}
}

int arm64_function_decode(struct arm64_function *f, uint64_t addr, const unsigned char *code,
                          size_t size)
{
	f->addr = addr;
	f->count = 0;
	f->jumps_indirect = false;
	if (size > ARM64_FUNCTION_MAX || size % 4 || addr % 4)
		return -EILSEQ;
	if (room_make(f, size / 4))
		return -ENOMEM;
	for (size_t i = 0; i < size / 4; i++) {
		uint32_t word;

		memcpy(&word, code + 4 * i, sizeof(word));
		f->instructions[f->count++] = (struct arm64_instruction){
		        .word = word,
		        .kind = (uint8_t)arm64_kind(word),
		};
	}
	data_mark(f);
	exclusive_mark(f);
	targets_mark(f);
	return 0;
}

void arm64_function_free(struct arm64_function *f)
{
	free(f->instructions);
	*f = (struct arm64_function){0};
}

uint64_t arm64_function_addr(const struct arm64_function *f, size_t i)
{
	return f->addr + 4 * i;
}

uint64_t arm64_function_leads(const struct arm64_function *f, size_t i)
{
	return arm64_leads(f->instructions[i].word, arm64_function_addr(f, i));
}

size_t arm64_function_at(const struct arm64_function *f, uint64_t addr)
{
	uint64_t offset = addr - f->addr;

	return offset % 4 || offset / 4 >= f->count ? f->count : offset / 4;
}
