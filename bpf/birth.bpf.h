/* SPDX-License-Identifier: MIT */
/*
 * birth: a map was just made; say where, and which one.
 */
#ifndef GOMAPTOP_BPF_BIRTH_H
#define GOMAPTOP_BPF_BIRTH_H

#include "operation.bpf.h"

__u64 births_hit = 0; /* read by user space, which bounds what they may cost */

/* The counts at the address are another map's, unless nobody had a look since that map was made: the
 * next operation compares the seeds. */
static __always_inline void birth_ends_former(const struct operation *o)
{
	struct map_key key = {.addr = o->map, .tgid = o->tgid};
	struct map_counts *m = bpf_map_lookup_elem(&maps, &key);

	if (!m)
		return;
	m->seed_stale_ns = 0;
	m->last_who = 0;
}

static __always_inline void birth_tell(struct pt_regs *ctx, __u64 cookie, __u32 tgid, __u32 tid)
{
	struct operation o = {};
	struct event_birth *e;

	o.row = COOKIE_ROW(cookie);
	o.site = COOKIE_SITE(cookie);
	o.tgid = tgid;
	o.tid = tid;
	o.map = go_arg0(ctx);
	o.g = go_g(ctx);
	o.goid = operation_field(&o, o.g, operation_fields(&o)->g_goid, FIELD_GOID);
	o.caller = go_return_address(ctx);
	o.now = bpf_ktime_get_ns();
	if (!o.map)
		return;
	birth_ends_former(&o);
	e = event_reserve(sizeof(*e));
	if (!e)
		return;
	event_header_set(&e->h, EVENT_BIRTH, sizeof(*e), o.now, tgid);
	e->seed = operation_seed(&o);
	if (!access_capture(ctx, &o, &e->access)) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		coverage_count(COVERAGE_STACK_FAILED);
		return;
	}
	event_submit(e);
}

/* A burst must not fill the ring: beyond what user space allows births are only counted. */
static __always_inline int birth_is_allowed(void)
{
	return __sync_fetch_and_add(&births_hit, 1) < tuning.births_allowed;
}

#endif
