/* SPDX-License-Identifier: MIT */
/*
 * crash: the runtime is about to end the process; say who it was and what it had done last.
 *
 * runtime.throw and runtime.fatal (runtime/panic.go) get the message as a Go string. The map is in
 * no register any more, but where the map function has it for after the call: in the slot that its
 * caller leaves for the argument. Else the goroutine's last operation tells, if that was this one:
 * most operations are not seen while the probes are out, and of a wrong map nothing is said.
 */
#ifndef GOMAPTOP_BPF_CRASH_H
#define GOMAPTOP_BPF_CRASH_H

#include "bpf/kern/capture.bpf.h"
#include "bpf/kern/stack_copy.bpf.h"

/* From the frame of the map function up: where it will return to, the slots of its first
 * arguments. */
struct crash_frame {
	__u64 next, place;
	__u64 slot[2];
};

static __always_inline int message_begins(const struct event_crash *e, const char *text, int length)
{
	for (int i = 0; i < length; i++)
		if (e->message[i] != text[i])
			return 0;
	return 1;
}

/* Where a map function goes on after fatal, as the compiler sees it, the arguments are still needed
 * and have been written to their slots before. All that change a map do; those that read go on in
 * hmap's (runtime/map.go: mapaccess1) and return in Swiss maps (internal/runtime/maps/
 * runtime_fast64_swiss.go:29): there the slots have what an earlier call left. */
static __always_inline int crash_arguments_kept(const struct event_crash *e,
                                                const struct operation *o)
{
	static const char any[] = "concurrent map ", writes[] = "concurrent map writes";

	if (operation_fields(o)->seed_size == 4)
		return message_begins(e, any, sizeof(any) - 1);
	return message_begins(e, writes, sizeof(writes) - 1);
}

/* A map that is known, and beside it the type that it is known to have. */
static __always_inline __u64 crash_map_in(__u64 map, __u64 type, __u32 tgid)
{
	struct map_key key = {.addr = map, .tgid = tgid};
	struct map_state *m = map && type ? bpf_map_lookup_elem(&maps, &key) : 0;

	return m && m->counts.type == type ? map : 0;
}

#if GO_RETURN_ADDRESS_IN_MEMORY
static __always_inline __u64 crash_map_in_frame(const struct crash_frame *frame, __u32 tgid)
{
	__u64 map = crash_map_in(frame->slot[1], frame->slot[0], tgid);

	return map ? map : crash_map_in(frame->slot[0], frame->slot[1], tgid);
}
#else
/* Other offsets, and none that were seen. */
static __always_inline __u64 crash_map_in_frame(const struct crash_frame *frame, __u32 tgid)
{
	(void)frame;
	(void)tgid;
	return 0;
}
#endif

/* Is it at the place of its last operation, behind wrappers perhaps? Goes up the frame: where each
 * has its caller's and returns to. */
static __always_inline int crash_is_there(struct crash_frame *frame, __u64 place)
{
	for (int i = 0; i <= BEHIND_LEVELS; i++) {
		if (frame->place == place)
			return 1;
		if (bpf_probe_read_user(frame, 2 * sizeof(__u64), (const void *)frame->next))
			break;
	}
	return 0;
}

/* Were the probes in place from the last operation that was seen until now? Then it was the
 * last. */
static __always_inline int crash_was_watched(const struct goroutine_counts *c)
{
	__u64 since = *(volatile __u64 *)&tuning.armed_ns;

	return since && c->last_ns >= since;
}

/* A function of its own for the verifier too: up to Linux 6.8 what on_probe and all that it calls
 * have on their stacks, each rounded up to 32 bytes, must stay within 512 (kernel/bpf/verifier.c,
 * check_max_stack_depth). */
static __noinline int crash_operation(const struct pt_regs *ctx, struct event_crash *e,
                                      struct operation *o)
{
	struct crash_frame frame = {};
	struct goroutine_counts *c = goroutine_row(o);
	__u64 map;

	bpf_probe_read_user(&frame, sizeof(frame), (const void *)go_frame_pointer(ctx));
	map = crash_arguments_kept(e, o) ? crash_map_in_frame(&frame, o->tgid) : 0;
	if (c && crash_is_there(&frame, c->last_caller)) {
		if (!map && crash_was_watched(c))
			map = c->last_map;
		if (map == c->last_map) {
			o->site = c->last_site;
			o->op = c->last_op;
		}
	}
	o->map = e->last_map = map;
	return 0;
}

static __always_inline void crash_tell(struct pt_regs *ctx, __u64 cookie, __u32 tgid, __u32 tid)
{
	struct operation o = {};
	struct event_stack *stack;
	struct event_crash *e;
	__u64 length = go_arg1(ctx);

	o.row = COOKIE_ROW(cookie);
	o.site = COOKIE_SITE(cookie);
	o.tgid = tgid;
	o.tid = tid;
	o.g = go_g(ctx);
	o.goid = operation_field(&o, o.g, operation_fields(&o)->g_goid, LAYOUT_GOID);
	o.caller = go_return_address(ctx);
	o.now = bpf_ktime_get_ns();
	stack = stack_copy_reserve(tgid);
	e = event_reserve(sizeof(*e));
	if (!e)
		goto cleanup;
	event_header_set(&e->h, EVENT_CRASH, sizeof(*e), o.now, tgid);
	__builtin_memset(e->message, 0, sizeof(e->message));
	if (length > CRASH_MESSAGE_MAX - 1)
		length = CRASH_MESSAGE_MAX - 1;
	bpf_probe_read_user(e->message, length, (const void *)go_arg0(ctx));
	crash_operation(ctx, e, &o);
	if (!access_capture(ctx, &o, &e->access)) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		coverage_count(COVERAGE_STACK_FAILED);
		goto cleanup;
	}
	if (stack)
		stack_copy_settle(stack, ctx, &e->access);
	event_submit(e);
	return;
cleanup:
	if (stack)
		bpf_ringbuf_discard(stack, BPF_RB_NO_WAKEUP);
}

#endif
