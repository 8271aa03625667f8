/* SPDX-License-Identifier: MIT */
/*
 * arm64_function: the instructions of one function of an arm64 program, and where its jumps lead.
 *
 * All are four bytes long. Words that an instruction of the function loads as data (a literal pool
 * behind its code) are told apart, and so is what lies between a load-exclusive and its
 * store-exclusive: a breakpoint there would make the store fail for ever. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_ARM64_FUNCTION_H
#define GOMAPTOP_CORE_ARM64_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARM64_FUNCTION_MAX (UINT64_C(1) << 21) /* bytes */

enum arm64_kind {
	ARM64_PLAIN,    /* goes on to the next one */
	ARM64_NOP,      /* exactly d503201f */
	ARM64_REFUSED,  /* goes on, and the kernel refuses to probe it: system, load-acquire */
	ARM64_ATOMIC,   /* changes memory for others: LSE, store-exclusive, store-release */
	ARM64_JCC,      /* b.cond, cbz, cbnz, tbz, tbnz */
	ARM64_JMP,      /* b */
	ARM64_CALL,     /* bl */
	ARM64_INDIRECT, /* br, blr */
	ARM64_END,      /* return, trap, data: nothing goes on behind it */
};

struct arm64_instruction {
	uint32_t word;
	uint32_t from;     /* the last of the jumps that lead here */
	uint8_t kind;      /* enum arm64_kind */
	uint8_t targets;   /* how many jumps of this function lead here, 255: or more; those
			    * of a loop from a store-exclusive to its load-exclusive left out */
	uint8_t exclusive; /* from a load-exclusive to the jump behind its store-exclusive */
	uint8_t mark;      /* 0 after decoding; the caller's */
};

struct arm64_function {
	uint64_t addr;
	struct arm64_instruction *instructions;
	size_t count, capacity;
	bool jumps_indirect; /* jump tables: more instructions may be targets */
};

/* Decode; what was decoded before is overwritten, its memory used again. 0; -EILSEQ: it is not made
 * of whole instructions; -ENOMEM. */
int arm64_function_decode(struct arm64_function *f, uint64_t addr, const unsigned char *code,
                          size_t size);
void arm64_function_free(struct arm64_function *f); /* accepts a zeroed one */

uint64_t arm64_function_addr(const struct arm64_function *f, size_t i);
/* Where a JCC, JMP or CALL leads. */
uint64_t arm64_function_leads(const struct arm64_function *f, size_t i);
/* Number of the instruction at an address; f->count: none. */
size_t arm64_function_at(const struct arm64_function *f, uint64_t addr);

/* Kind of an instruction by itself. */
enum arm64_kind arm64_kind(uint32_t word);
/* Where an instruction at addr leads that is a JCC, JMP or CALL. */
uint64_t arm64_leads(uint32_t word, uint64_t addr);
/* May it change general register reg (0 to 30, 31 SP)? A "no" can be relied on. */
bool arm64_may_write(uint32_t word, unsigned int reg);
/* May it change memory? A "no" can be relied on. */
bool arm64_may_store(uint32_t word);

static inline unsigned int arm64_rd(uint32_t word) /* also Rt */
{
	return word & 31;
}

static inline unsigned int arm64_rn(uint32_t word)
{
	return word >> 5 & 31;
}

static inline unsigned int arm64_rm(uint32_t word) /* also Rs */
{
	return word >> 16 & 31;
}

/* ldxr, ldaxr; pairs, too */
static inline bool arm64_is_load_exclusive(uint32_t word)
{
	return (word & 0x3fe00000) == 0x08400000 || (word & 0xbfe00000) == 0x88600000;
}

/* stxr, stlxr; pairs, too */
static inline bool arm64_is_store_exclusive(uint32_t word)
{
	return (word & 0x3fe00000) == 0x08000000 || (word & 0xbfe00000) == 0x88200000;
}

#endif
