/* SPDX-License-Identifier: MIT */
/*
 * unwind: a call chain from a copy of a goroutine's stack, by libunwind.
 *
 * For chains that frame pointers do not lead to the goroutine's start: a cgo callback, where they
 * end in C code on another stack, and assembly. libunwind is given unwind information made from
 * pclntab's stack-pointer table, which every Go executable has, stripped or not. Go leaves the way
 * around the C code on the goroutine's own stack (runtime.cgocallback has the saved pc of the outer
 * Go code as its return address), so that nothing else than Go code needs to be known.
 *
 * The copy is not to be trusted: whatever it holds, the walk ends, stays inside the copy and
 * reports only addresses inside Go functions.
 */
#ifndef GOMAPTOP_CORE_UNWIND_H
#define GOMAPTOP_CORE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/go/go_binary.h"

struct unwind;

/* The registers at the probe, run-time addresses, and the bytes from sp upwards. */
struct unwind_stack {
	uint64_t pc, sp, fp;
	const void *bytes;
	size_t size;
};

int unwind_create(struct unwind **out);     /* 0, -ENOMEM, or -ENOTSUP: not on this machine */
void unwind_destroy(struct unwind *unwind); /* accepts NULL */

/* Walk from the probed instruction to the goroutine's start. out[0] is stack->pc, the others are
 * return addresses, outwards; at most max of them. *complete: the last one is runtime.goexit's.
 * Returns how many; at least 1. One unwind and one binary belong to one thread at a time. */
int unwind_walk(struct unwind *unwind, struct go_binary *binary, uint64_t bias,
                const struct unwind_stack *stack, uint64_t *out, int max, bool *complete);

#endif
