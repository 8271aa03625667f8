/* SPDX-License-Identifier: MIT */
/*
 * frame: one line of a call chain, as people read it.
 */
#ifndef GOMAPTOP_CORE_FRAME_H
#define GOMAPTOP_CORE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* Strings belong to the symbolizer that made the frame and live as long as it does; they may hold
 * any byte that a binary may hold: pass them through sanitize() before they reach a terminal.
 * An address that nothing is known about has function == NULL, file == NULL, line == 0. */
struct frame {
	const char *function;
	const char *file;
	int line;
	bool inlined; /* this call was inlined into the next frame of the same pc */
	bool wrapper; /* made by the compiler (method wrapper, `go f(x)`): tracebacks leave it out
	               */
	uint64_t pc;  /* run-time address: the return address, or the address itself for frame 0 */
};

#endif
