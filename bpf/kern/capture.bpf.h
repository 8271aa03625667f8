/* SPDX-License-Identifier: MIT */
/*
 * capture: an access as it is told of: who, where from, the call chain.
 *
 * A walk along frame pointers ends where there is no further one: the kernel reads at address 0,
 * and the fault costs as much as all the rest. So each place remembers how long its chains are, and
 * a walk that is asked for no more than that ends without. Its last entry tells whether it is all:
 * what every goroutine returns to (target_state.goexit). Else the walk is made again, to its end.
 */
#ifndef GOMAPTOP_BPF_CAPTURE_H
#define GOMAPTOP_BPF_CAPTURE_H

#include "bpf/kern/count.bpf.h"

#define CHAIN_BYTES_MASK (STACK_DEPTH_MAX * 8) /* what the verifier is to know of a length */
_Static_assert(CHAIN_BYTES_MASK == 0x3f8, "all bits of a length in words");

/* Where the goroutine comes from: its row knows, and that costs less than three looks at its g. The
 * row may be older than the program that runs: after an execve(2) of the same file a goroutine can
 * have the goid and the g address of one that the process had before. Then the gopc differs, as the
 * file is loaded at another address. */
static __always_inline void access_origin(const struct operation *o, struct access *a)
{
	const volatile struct field_row *f = operation_fields(o);
	struct goroutine_key key = {.g = o->g, .tgid = o->tgid};
	struct goroutine_counts *c = bpf_map_lookup_elem(&goroutines, &key);

	if (c && o->goid && c->goid == o->goid) {
		if (c->gopc != operation_field(o, o->g, f->g_gopc, LAYOUT_GOPC))
			goroutine_counts_name(c, o);
		a->parent_goid = c->parent_goid;
		a->gopc = c->gopc;
		a->startpc = c->startpc;
	} else {
		a->parent_goid = operation_field(o, o->g, f->g_parent_goid, LAYOUT_PARENT_GOID);
		a->gopc = operation_field(o, o->g, f->g_gopc, LAYOUT_GOPC);
		a->startpc = operation_field(o, o->g, f->g_startpc, LAYOUT_STARTPC);
	}
}

/* ---- the call chain ------------------------------------------------------------------- */

/* The chain from a call is the one that the function's own probe would see: the walk begins with
 * the call itself, where that has the return addresses of the call and, with a wrapper, in that. */
static __always_inline long chain_walk_call(struct pt_regs *ctx, const struct operation *o,
                                            struct access *a, __u64 most)
{
	const __u64 direct = sizeof(__u64), wrapped = 2 * sizeof(__u64);
	__u64 front = o->caller == o->place ? direct : wrapped;
	__u64 room = most > front ? most - front : 0;
	long bytes;

	/* The compiler must not do without the test, of which the verifier learns the bound. */
	asm volatile("" : "+r"(room));
	if (room > sizeof(a->stack) - wrapped)
		room = sizeof(a->stack) - wrapped;
	if (front == direct)
		bytes = bpf_get_stack(ctx, a->stack + 1, room, BPF_F_USER_STACK);
	else
		bytes = bpf_get_stack(ctx, a->stack + 2, room, BPF_F_USER_STACK);
	if (bytes <= 0)
		return 0;
	a->stack[0] = o->probed;
	a->stack[1] = o->caller;
	if (front == wrapped)
		a->stack[2] = o->place;
	return bytes + front;
}

/* Bytes of the chain, at most so many; <= 0: there is none. */
static __always_inline long chain_walk(struct pt_regs *ctx, const struct operation *o,
                                       struct access *a, __u64 most)
{
	return o->probed ? chain_walk_call(ctx, o, a, most)
	                 : bpf_get_stack(ctx, a->stack, most & CHAIN_BYTES_MASK, BPF_F_USER_STACK);
}

static __always_inline int chain_ends(const struct access *a, long bytes, __u64 goexit)
{
	__u64 last = (bytes >> 3) - 1;

	return last < STACK_DEPTH_MAX && a->stack[last] == goexit;
}

static __noinline long chain_capture_known(struct pt_regs *ctx, const struct operation *o,
                                           struct access *a)
{
	__u32 tgid = o ? o->tgid : 0;
	struct target_state *t = bpf_map_lookup_elem(&targets, &tgid);
	struct call_site *site = o && a && t && t->goexit ? call_site_find(tgid, o->place) : 0;
	long bytes;

	if (!o || !a)
		return 0;
	if (site && site->chain_bytes) {
		bytes = chain_walk(ctx, o, a, site->chain_bytes);
		if (chain_ends(a, bytes, t->goexit))
			return bytes;
	}
	bytes = chain_walk(ctx, o, a, config.stack_bytes);
	if (site && t)
		site->chain_bytes = chain_ends(a, bytes, t->goexit) ? bytes : 0;
	return bytes;
}

static __always_inline void chain_capture(struct pt_regs *ctx, const struct operation *o,
                                          struct access *a)
{
	long bytes = chain_capture_known(ctx, o, a);

	a->depth = bytes > 0 ? bytes / sizeof(__u64) : 0;
	a->truncated = bytes > 0 && bytes == config.stack_bytes ? CHAIN_TOO_DEEP : CHAIN_WHOLE;
}

/* ---- all of it ------------------------------------------------------------------------- */

/* Fill one side of a conflict, call chain included. access lies in memory of its own (a hold's slot
 * or a reserved event). Returns the number of frames, 0 if there is no chain. */
static __always_inline int access_capture(struct pt_regs *ctx, const struct operation *o,
                                          struct access *a)
{
	const volatile struct field_row *f = operation_fields(o);

	a->time_ns = o->now;
	a->map = o->map;
	a->map_type = o->type;
	a->g = o->g;
	a->goid = o->goid;
	access_origin(o, a);
	a->caller = o->caller;
	a->tgid = o->tgid;
	a->tid = tid_here();
	a->site = o->site;
	a->op = o->op;
	a->pad = 0;
	key_read(ctx, f->unproven ? KEY_NONE : o->key, o->type, a);
	chain_capture(ctx, o, a);
	return a->depth || a->caller;
}

#endif
