/* SPDX-License-Identifier: MIT */
/*
 * crash: the runtime is about to end the process; say who it was and what it had done last.
 *
 * runtime.throw and runtime.fatal (runtime/panic.go) get the message as a Go string. The map is in
 * no register any more: the goroutine's row has its last operation.
 */
#ifndef GOMAPTOP_BPF_CRASH_H
#define GOMAPTOP_BPF_CRASH_H

#include "stack_copy.bpf.h"

static __always_inline void crash_last_operation(struct event_crash *e, struct operation *o)
{
	struct goroutine_key key = {.g = o->g, .tgid = o->tgid};
	struct goroutine_counts *c = bpf_map_lookup_elem(&goroutines, &key);

	if (!c)
		return;
	e->last_map = c->last_map;
	o->map = c->last_map;
	o->site = c->last_site;
	o->op = c->last_op;
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
	o.goid = operation_field(&o, o.g, operation_fields(&o)->g_goid, FIELD_GOID);
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
	e->last_map = 0;
	crash_last_operation(e, &o);
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
