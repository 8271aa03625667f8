/* SPDX-License-Identifier: MIT */
/*
 * birth: a map was just made; say where, and which one.
 */
#ifndef GOMAPTOP_BPF_BIRTH_H
#define GOMAPTOP_BPF_BIRTH_H

#include "bpf/kern/capture.bpf.h"
#include "bpf/kern/chain.bpf.h"

__u64 births_hit = 0; /* read by user space, which bounds what they may cost */

/* The counts at the address are another map's, unless nobody had a look since that map was made:
 * the next operation compares the seeds. */
static __always_inline void birth_ends_former(const struct operation *o)
{
	struct map_key key = {.addr = o->map, .tgid = o->tgid};
	struct map_state *m = bpf_map_lookup_elem(&maps, &key);

	if (!m)
		return;
	m->seed_stale_ns = 0;
	m->last_who = 0;
}

static __always_inline void birth_send_whole(const struct operation *o, const struct access *a)
{
	struct event_birth *e = event_reserve(sizeof(*e));

	if (!e)
		return;
	event_header_set(&e->h, EVENT_BIRTH, sizeof(*e), o->now, o->tgid);
	e->seed = operation_seed(o);
	bpf_probe_read_kernel(&e->access, sizeof(e->access), a);
	event_submit(e);
}

static __always_inline void birth_send_brief(const struct operation *o, const struct access *a,
                                             __u64 chain)
{
	struct event_birth_brief *e = event_reserve(sizeof(*e));

	if (!e)
		return;
	event_header_set(&e->h, EVENT_BIRTH, sizeof(*e), o->now, o->tgid);
	e->seed = operation_seed(o);
	access_brief_set(&e->access, a, chain);
	event_submit(e);
}

static __noinline int birth_capture(struct pt_regs *ctx, const struct operation *o)
{
	struct scratch *s = o ? scratch_take(o->tid) : NULL;
	__u64 chain;

	if (!s) {
		event_without_chain();
		return 0;
	}
	if (access_capture(ctx, o, &s->access)) {
		chain = chain_tell(&s->access);
		if (chain)
			birth_send_brief(o, &s->access, chain);
		else
			birth_send_whole(o, &s->access);
	} else {
		event_without_chain();
	}
	scratch_give(s);
	return 0;
}

static __always_inline void birth_tell(struct pt_regs *ctx, __u64 cookie, __u32 tgid, __u32 tid)
{
	struct operation o = {};

	o.row = COOKIE_ROW(cookie);
	o.site = COOKIE_SITE(cookie);
	o.tgid = tgid;
	o.tid = tid;
	o.map = go_arg0(ctx);
	o.g = go_g(ctx);
	o.goid = operation_field(&o, o.g, operation_fields(&o)->g_goid, LAYOUT_GOID);
	o.caller = go_return_address(ctx);
	o.now = bpf_ktime_get_ns();
	if (!o.map)
		return;
	birth_ends_former(&o);
	birth_capture(ctx, &o);
}

/* A burst must not fill the ring: beyond what user space allows births are only counted. */
static __always_inline int birth_is_allowed(void)
{
	return __sync_fetch_and_add(&births_hit, 1) < tuning.births_allowed && !ring_is_busy();
}

#endif
