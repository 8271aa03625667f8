/* SPDX-License-Identifier: MIT */
/*
 * go_abi: Go's register calling convention as seen from a probe at a function's entry.
 *
 * src/cmd/compile/abi-internal.md. amd64, Go 1.17 and later: integer arguments in RAX RBX RCX
 * RDI ..., the current g in R14, return address at [RSP] until the frame is set up. arm64, Go 1.18
 * and later: arguments in R0 R1 R2 R3 ..., g in R28, return address in R30 until it is saved.
 * On both: at every probed instruction the frame pointer (RBP, R29) is still the caller's; it
 * points to the frame pointer of the caller's caller, and behind that lies the caller's return
 * address.
 */
#ifndef GOMAPTOP_BPF_GO_ABI_H
#define GOMAPTOP_BPF_GO_ABI_H

#include "bpf/kern/kernel_types.h"

#define G_STACK_HI 8 /* runtime2.go type g: the stack's bounds come first */

/* On failure the helper leaves zero, which every caller takes as "unknown". Where each hit comes
 * by: a function of its own costs 17 ns more, of which the return is most. */
static __always_inline __u64 read_user_here(__u64 addr)
{
	__u64 value = 0;

	bpf_probe_read_user(&value, sizeof(value), (const void *)addr);
	return value;
}

static __noinline __attribute__((unused)) __u64 read_user_u64(__u64 addr)
{
	return read_user_here(addr);
}

#if defined(__TARGET_ARCH_arm64)

/* C clear or Z set: the `b.ls morestack` under the probe is going to be taken. */
#define GO_PSTATE_Z (1ULL << 30)
#define GO_PSTATE_C (1ULL << 29)

static __always_inline __u64 go_g(const struct pt_regs *ctx)
{
	return ctx->regs[28];
}

static __always_inline __u64 go_arg0(const struct pt_regs *ctx)
{
	return ctx->regs[0];
}

static __always_inline __u64 go_arg1(const struct pt_regs *ctx)
{
	return ctx->regs[1];
}

static __always_inline __u64 go_arg2(const struct pt_regs *ctx)
{
	return ctx->regs[2];
}

static __always_inline __u64 go_arg3(const struct pt_regs *ctx)
{
	return ctx->regs[3];
}

static __always_inline __u64 go_frame_pointer(const struct pt_regs *ctx)
{
	return ctx->regs[29];
}

static __always_inline __u64 go_pc(const struct pt_regs *ctx)
{
	return ctx->pc;
}

static __always_inline int go_stack_growth(const struct pt_regs *ctx)
{
	return (ctx->pstate & (GO_PSTATE_C | GO_PSTATE_Z)) != GO_PSTATE_C;
}

#define GO_RETURN_ADDRESS_IN_MEMORY 0

static __always_inline __u64 go_return_address(const struct pt_regs *ctx)
{
	return ctx->regs[30];
}

#else

/* CF or ZF: the `jbe morestack` under the probe is going to be taken. */
#define GO_FLAGS_STACK_GROWTH 0x41

static __always_inline __u64 go_g(const struct pt_regs *ctx)
{
	return ctx->r14;
}

static __always_inline __u64 go_arg0(const struct pt_regs *ctx)
{
	return ctx->ax;
}

static __always_inline __u64 go_arg1(const struct pt_regs *ctx)
{
	return ctx->bx;
}

static __always_inline __u64 go_arg2(const struct pt_regs *ctx)
{
	return ctx->cx;
}

static __always_inline __u64 go_arg3(const struct pt_regs *ctx)
{
	return ctx->di;
}

static __always_inline __u64 go_frame_pointer(const struct pt_regs *ctx)
{
	return ctx->bp;
}

static __always_inline __u64 go_pc(const struct pt_regs *ctx)
{
	return ctx->ip;
}

/* The stack grows or the goroutine is preempted, and the function is entered again afterwards. */
static __always_inline int go_stack_growth(const struct pt_regs *ctx)
{
	return (ctx->flags & GO_FLAGS_STACK_GROWTH) != 0;
}

#define GO_RETURN_ADDRESS_IN_MEMORY 1

static __always_inline __u64 go_return_address(const struct pt_regs *ctx)
{
	return read_user_here(ctx->sp);
}

#endif

#endif
