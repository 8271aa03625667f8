/* SPDX-License-Identifier: MIT */
/*
 * amd64_length: where the next instruction begins, and which parts this one is made of.
 *
 * Intel SDM volume 2, chapter 2 and appendix A: prefixes, REX, VEX, EVEX, opcode maps, ModRM, SIB,
 * displacement, immediate; 64-bit mode only. Knows lengths and encodings, not meanings.
 */
#ifndef GOMAPTOP_CORE_AMD64_LENGTH_H
#define GOMAPTOP_CORE_AMD64_LENGTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMD64_LENGTH_MAX 15

/* Registers as the encoding numbers them: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, ..., 15 R15. */
#define AMD64_NO_REGISTER (-1)
#define AMD64_RIP         16 /* as base: the displacement counts from the next instruction */

struct amd64_parts {
	uint8_t length;
	bool lock, operand16, repeat; /* prefixes f0; 66; f2 or f3 */
	bool rex, wide;               /* there is a REX prefix; REX.W */
	bool vector;                  /* VEX or EVEX: its own bits of registers are not decoded */
	uint8_t map;                  /* 0: one byte; 1: behind 0f, 2: 0f 38, 3: 0f 3a */
	uint8_t opcode;
	bool modrm;
	uint8_t mod;     /* 3: rm is a register; else memory */
	uint8_t reg, rm; /* with the bits of REX; reg is the operation in groups */
	int base, index; /* of a memory operand; AMD64_NO_REGISTER, base also AMD64_RIP */
	int32_t displacement;
};

/* The same with the parts; *out is set only where a length is returned. */
size_t amd64_parts(const unsigned char *code, size_t size, struct amd64_parts *out);

/* Length of the instruction at code, of which `size` bytes can be read. 0: none that is valid in
 * 64-bit mode, or it goes on behind them. Pure function, any thread. */
size_t amd64_length(const unsigned char *code, size_t size);

#endif
