/* SPDX-License-Identifier: MIT */
/*
 * amd64_length: where the next instruction begins.
 *
 * Intel SDM volume 2, chapter 2 and appendix A: prefixes, REX, VEX, EVEX, opcode maps, ModRM, SIB,
 * displacement, immediate; 64-bit mode only. Knows lengths, not meanings.
 */
#ifndef GOMAPTOP_CORE_AMD64_LENGTH_H
#define GOMAPTOP_CORE_AMD64_LENGTH_H

#include <stddef.h>

#define AMD64_LENGTH_MAX 15

/* Length of the instruction at code, of which `size` bytes can be read. 0: none that is valid in
 * 64-bit mode, or it goes on behind them. Pure function, any thread. */
size_t amd64_length(const unsigned char *code, size_t size);

#endif
