/* SPDX-License-Identifier: MIT */
/*
 * stack_copy: where the frame pointers did not lead to the goroutine's start, send the stack
 * itself.
 *
 * A chain is whole when its last entry is runtime.goexit. One that passes runtime.cgocallback went
 * through C code, where a frame pointer may be anything, even one that leads back: such a chain is
 * never trusted. User space finishes the chain from the copy, which goes into the ring before the
 * event that it belongs to.
 */
#ifndef GOMAPTOP_BPF_STACK_COPY_H
#define GOMAPTOP_BPF_STACK_COPY_H

#include "bpf/kern/operation.bpf.h"
#include "bpf/wire/brief.h"

#define STACK_COPY_GAP_NS   5000000  /* 200 a second, */
#define STACK_COPY_BURST_NS 80000000 /* and 16 at once after a rest */

static __u64 stack_copy_spent_until_ns;

/* One look and one compare-and-swap, like the budget of held time. */
static __always_inline int stack_copy_allowed(__u64 now)
{
	__u64 old = *(volatile __u64 *)&stack_copy_spent_until_ns;
	__u64 from = old + STACK_COPY_BURST_NS > now ? old : now - STACK_COPY_BURST_NS;

	if (config.stack_copies == STACK_COPIES_ALL)
		return 1;
	return from <= now && __sync_val_compare_and_swap(&stack_copy_spent_until_ns, old,
	                                                  from + STACK_COPY_GAP_NS) == old;
}

static __always_inline int chain_passes(const struct access *a, __u64 begin, __u64 end)
{
	for (__u32 i = 0; i < STACK_DEPTH_MAX; i++) {
		if (i >= a->depth)
			break;
		if (a->stack[i] - begin < end - begin)
			return 1;
	}
	return 0;
}

static __always_inline int chain_needs_stack(const struct access *a, const struct target_state *t)
{
	__u32 last = a->depth - 1;

	if (!t->goexit || last >= STACK_DEPTH_MAX)
		return 0;
	if (config.stack_copies == STACK_COPIES_ALL ||
	    (!a->truncated && a->stack[last] != t->goexit))
		return 1;
	return t->callback_end && chain_passes(a, t->callback_begin, t->callback_end);
}

/* Copy the stack of the goroutine of an access from sp upwards. Sends or drops e. */
static __always_inline void stack_copy_send(struct event_stack *e, const struct access *a, __u64 pc,
                                            __u64 sp, __u64 fp)
{
	__u64 bytes = read_user_u64(a->g + G_STACK_HI) - sp;

	if (bytes > STACK_COPY_MAX)
		bytes = STACK_COPY_MAX;
	/* The compiler must not do without the test, of which the verifier learns the bound. */
	asm volatile("" : "+r"(bytes));
	if (bytes > STACK_COPY_MAX || bpf_probe_read_user(e->data, bytes, (const void *)sp)) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		coverage_count(COVERAGE_STACK_FAILED);
		return;
	}
	event_header_set(&e->h, EVENT_STACK, sizeof(*e), a->time_ns, a->tgid);
	e->g = a->g;
	e->pc = pc;
	e->sp = sp;
	e->fp = fp;
	e->bytes = bytes;
	e->pad = 0;
	event_submit(e);
}

/* For an access that is captured into the very event: its place in the ring is taken first, and
 * given back when the chain turns out to be whole. NULL: no room, or no such target. */
static __always_inline struct event_stack *stack_copy_reserve(__u32 tgid)
{
	struct target_state *t;

	if (!config.stack_copies)
		return NULL;
	t = bpf_map_lookup_elem(&targets, &tgid);
	return t && t->goexit ? bpf_ringbuf_reserve(&events, sizeof(struct event_stack), 0) : NULL;
}

static __always_inline void stack_copy_settle(struct event_stack *e, const struct pt_regs *ctx,
                                              const struct access *a)
{
	__u32 tgid = a->tgid;
	struct target_state *t = bpf_map_lookup_elem(&targets, &tgid);

	if (t && chain_needs_stack(a, t) && stack_copy_allowed(bpf_ktime_get_ns())) {
		coverage_count(COVERAGE_EVENTS_MADE);
		stack_copy_send(e, a, go_pc(ctx), ctx->sp, go_frame_pointer(ctx));
	} else {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
	}
}

#endif
