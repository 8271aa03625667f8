/* SPDX-License-Identifier: MIT */
/*
 * go_abi: Go's register calling convention as seen from a probe at a function's entry.
 *
 * amd64, Go 1.17 and later (src/cmd/compile/abi-internal.md): integer arguments in RAX RBX RCX
 * RDI ..., the current g in R14, return address at [RSP] until the frame is set up.
 */
#ifndef GOMAPTOP_BPF_GO_ABI_H
#define GOMAPTOP_BPF_GO_ABI_H

#include "kernel_types.h"

#define G_STACK_HI 8 /* runtime2.go type g: the stack's bounds come first */

/* CF or ZF: the `jbe morestack` under the probe is going to be taken. The stack grows or the
 * goroutine is preempted, and the function is entered again afterwards. */
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

static __always_inline __u64 go_frame_pointer(const struct pt_regs *ctx)
{
	return ctx->bp;
}

static __always_inline __u64 go_pc(const struct pt_regs *ctx)
{
	return ctx->ip;
}

static __always_inline int go_stack_growth(const struct pt_regs *ctx)
{
	return (ctx->flags & GO_FLAGS_STACK_GROWTH) != 0;
}

static __always_inline __u64 read_user_u64(__u64 addr)
{
	__u64 value = 0;

	/* On failure the helper leaves zero, which every caller takes as "unknown". */
	bpf_probe_read_user(&value, sizeof(value), (const void *)addr);
	return value;
}

static __always_inline __u64 go_return_address(const struct pt_regs *ctx)
{
	return read_user_u64(ctx->sp);
}

/* The third and fourth argument. */
static __always_inline __u64 go_arg2(const struct pt_regs *ctx)
{
#if defined(__TARGET_ARCH_arm64)
	return ctx->regs[2];
#else
	return ctx->cx;
#endif
}

static __always_inline __u64 go_arg3(const struct pt_regs *ctx)
{
#if defined(__TARGET_ARCH_arm64)
	return ctx->regs[3];
#else
	return ctx->di;
#endif
}

#endif
