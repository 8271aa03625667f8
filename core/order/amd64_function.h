/* SPDX-License-Identifier: MIT */
/*
 * amd64_function: the instructions of one function, and where its jumps lead.
 *
 * A function is decoded from its first byte to its last or not at all: one instruction that is not
 * known, that goes on behind the end, or that a jump enters in its middle, and nothing is known of
 * where the others begin. Memory is eight times the function's size at most. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_AMD64_FUNCTION_H
#define GOMAPTOP_CORE_AMD64_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/probe/amd64_length.h"

#define AMD64_FUNCTION_MAX (UINT64_C(1) << 21) /* bytes; the largest known have 0.6 MB */

enum amd64_kind {
	AMD64_PLAIN,    /* goes on to the next one */
	AMD64_NOP,      /* exactly the byte 90 */
	AMD64_PUSH,     /* of a register */
	AMD64_ATOMIC,   /* with a lock prefix, or an exchange with memory */
	AMD64_JCC,      /* conditional jump to an address */
	AMD64_JMP,      /* jump to an address */
	AMD64_CALL,     /* call of an address */
	AMD64_INDIRECT, /* jump or call of what a register or memory holds */
	AMD64_END,      /* return, trap: nothing goes on behind it */
};

struct amd64_instruction {
	uint32_t offset; /* from the function's entry */
	uint8_t length;
	uint8_t kind;   /* enum amd64_kind */
	uint8_t target; /* a jump of this function leads here */
	uint8_t mark;   /* 0 after decoding; the caller's */
};

struct amd64_function {
	const unsigned char *code; /* borrowed */
	uint64_t addr;
	size_t size;
	struct amd64_instruction *instructions;
	size_t count, capacity;
	bool jumps_indirect; /* jump tables: more instructions may be targets */
};

/* Decode; what was decoded before is overwritten, its memory used again. 0; -EILSEQ: it is not made
 * of instructions; -ENOMEM. */
int amd64_function_decode(struct amd64_function *f, uint64_t addr, const unsigned char *code,
                          size_t size);
void amd64_function_free(struct amd64_function *f); /* accepts a zeroed one */

void amd64_function_parts(const struct amd64_function *f, size_t i, struct amd64_parts *out);
uint64_t amd64_function_addr(const struct amd64_function *f, size_t i);
/* Where a JCC, JMP or CALL leads. */
uint64_t amd64_function_leads(const struct amd64_function *f, size_t i);
/* Number of the instruction that begins at an address; f->count: none. */
size_t amd64_function_at(const struct amd64_function *f, uint64_t addr);

#endif
