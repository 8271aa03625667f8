/* SPDX-License-Identifier: MIT */
/*
 * prologue: where in the first instructions of a Go function a probe belongs.
 *
 * amd64: `cmp 0x10(%r14),%rsp`, or `lea -N(%rsp),%r12; cmp 0x10(%r14),%r12` for a large frame;
 * then `jbe` to the code that grows the stack and enters the function again; then, from Go 1.21,
 * `push %rbp`. A function that never grows the stack (//go:nosplit) begins with `push %rbp`, or
 * with `sub $N,%rsp` before 1.21. arm64: `ldr x16,[x28,#16]`, `cmp sp,x16` (or by way of x17),
 * `b.ls`; without a check `str x30,[sp,#-N]!`. Source: cmd/internal/obj/x86/obj6.go and
 * arm64/obj7.go, stacksplit().
 *
 * Anything else is refused: a breakpoint inside an instruction kills the target.
 */
#ifndef GOMAPTOP_CORE_PROLOGUE_H
#define GOMAPTOP_CORE_PROLOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/probe/probe_site.h"

struct prologue {
	enum probe_instruction instruction;
	uint32_t offset; /* of that instruction from the function's entry */
};

/* machine: EM_X86_64 or EM_AARCH64; code: the first bytes of a function that has length of them.
 * False: not a shape that is known. Pure function, any thread. */
bool prologue_decode(int machine, const unsigned char *code, size_t length, struct prologue *out);

/* Does the code, which lies at addr, hold a direct call of target? */
bool code_calls(int machine, const unsigned char *code, size_t length, uint64_t addr,
                uint64_t target);

#endif
