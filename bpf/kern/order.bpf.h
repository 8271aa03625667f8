/* SPDX-License-Identifier: MIT */
/*
 * order: what orders goroutines, told to user space as it happens.
 *
 * While all order probes are in place (tuning.order_since), each hit of one and each access to a
 * map becomes an event in a ring of its own, in the order in which they happen. What follows from
 * them is user space's to find out (core/judge/order_judge.h). An event that finds no room changes
 * order_lost: nothing may be said of that window then.
 *
 * A call chain costs more than all the rest: it is taken of some accesses, and of each access to
 * the maps that user space asks for.
 */
#ifndef GOMAPTOP_BPF_ORDER_H
#define GOMAPTOP_BPF_ORDER_H

#include "bpf/kern/capture.bpf.h"
#include "bpf/kern/chain.bpf.h"
#include "core/judge/order_event.h"
#include "core/order/order_kinds.h"

#define ORDER_CHAIN_NS    100000   /* one chain per 100 us that user space did not ask for, */
#define ORDER_BURST_NS    50000000 /* and at most 500 of them at once */
#define ORDER_CASES_KNOWN 6        /* of a select */

/* Events that were begun, before there is room for them; and those that found none. */
__u64 order_begun, order_lost;
static __u64 order_chains_until_ns; /* virtual time up to which that was used */

static __always_inline int order_is_on(__u32 row)
{
	return *(volatile __u64 *)&tuning.order_since &&
	       tuning.order_rows >> (row & (FIELD_ROWS - 1)) & 1;
}

static __always_inline void *order_reserve(__u64 size)
{
	void *event;

	__sync_fetch_and_add(&order_begun, 1);
	event = bpf_ringbuf_reserve(&order_events, size, 0);
	if (!event)
		__sync_fetch_and_add(&order_lost, 1);
	return event;
}

/* The window says nothing more. */
static __always_inline void order_void(void)
{
	__sync_fetch_and_add(&order_begun, 1);
	__sync_fetch_and_add(&order_lost, 1);
}

static __always_inline __u32 order_window(__u64 since)
{
	return since >> 10;
}

/* ---- where goroutines are ordered ------------------------------------------------------------ */

#if defined(__TARGET_ARCH_arm64)

static __always_inline int order_counts(const struct pt_regs *ctx, __u32 condition)
{
	(void)ctx;
	(void)condition;
	return 0;
}

static __always_inline __u64 order_register(const struct pt_regs *ctx, __u32 number)
{
	(void)ctx;
	(void)number;
	return 0;
}

static __always_inline __u64 go_arg4(const struct pt_regs *ctx)
{
	return ctx->regs[4];
}

#else

#define FLAG_CF 0x001
#define FLAG_ZF 0x040
#define FLAG_SF 0x080

static __always_inline int order_counts(const struct pt_regs *ctx, __u32 condition)
{
	switch (condition) {
	case ORDER_IF_ZF:
		return (ctx->flags & FLAG_ZF) != 0;
	case ORDER_IF_NOT_ZF:
		return !(ctx->flags & FLAG_ZF);
	case ORDER_IF_NOT_SF:
		return !(ctx->flags & FLAG_SF);
	case ORDER_IF_NO_CF_ZF:
		return !(ctx->flags & (FLAG_CF | FLAG_ZF));
	default:
		return 1;
	}
}

/* By its number in encodings. The verifier wants constant offsets into the registers. */
#define REGISTER(number, field)                 \
	case number: {                          \
		__u64 value = ctx->field;       \
		asm volatile("" : "+r"(value)); \
		return value;                   \
	}

static __noinline __u64 order_register(const struct pt_regs *ctx, __u32 number)
{
	switch (number) {
		REGISTER(0, ax)
		REGISTER(1, cx)
		REGISTER(2, dx)
		REGISTER(3, bx)
		REGISTER(4, sp)
		REGISTER(5, bp)
		REGISTER(6, si)
		REGISTER(7, di)
		REGISTER(8, r8)
		REGISTER(9, r9)
		REGISTER(10, r10)
		REGISTER(11, r11)
		REGISTER(12, r12)
		REGISTER(13, r13)
		REGISTER(14, r14)
		REGISTER(15, r15)
	}
	return 0;
}

static __always_inline __u64 go_arg4(const struct pt_regs *ctx)
{
	return ctx->si;
}

#endif

/* 0: not known here. */
static __always_inline __u64 order_object(const struct pt_regs *ctx, const struct order_row *row)
{
	__u64 loaded;

	switch (row->object) {
	case ORDER_OBJECT_REGISTER:
		return order_register(ctx, row->base) + row->displacement;
	case ORDER_OBJECT_LOADED:
		loaded = read_user_u64(order_register(ctx, row->base) + row->offset);
		return loaded ? loaded + row->displacement : 0;
	case ORDER_OBJECT_CONSTANT:
		return go_pc(ctx) + row->displacement;
	default:
		return 0;
	}
}

/* The goroutine for which the runtime works on a stack of its own; 0: for none. */
static __always_inline __u64 order_goroutine(const struct pt_regs *ctx, __u32 fields, __u32 system)
{
	const volatile struct field_row *f = &field_rows[fields & (FIELD_ROWS - 1)];
	__u64 g = go_g(ctx);

	if (!g || f->g_goid < 0 || read_user_u64(g + f->g_goid))
		return g;
	return system ? read_user_u64(read_user_u64(g + f->g_m) + f->m_curg) : 0;
}

static __noinline int order_send(const struct order_event *from)
{
	struct order_event *e;

	if (!from)
		return 0;
	e = order_reserve(sizeof(*e));
	if (!e)
		return 0;
	*e = *from;
	e->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline __u64 order_seed(__u64 map, __u32 fields)
{
	const volatile struct field_row *f = &field_rows[fields & (FIELD_ROWS - 1)];
	__u64 seed = map && f->seed_offset >= 0 ? read_user_u64(map + f->seed_offset) : 0;

	return f->seed_size == 4 ? (__u32)seed : seed;
}

/* runtime.selectgo(cas0 *scase, order0, pc0, nsends, nrecvs int, block bool); those that send come
 * first. type scase struct { c *hchan; elem unsafe.Pointer } (runtime/select.go). */
static __always_inline void order_select(const struct pt_regs *ctx, struct order_event *e)
{
	__u64 at = go_arg0(ctx), sends = go_arg3(ctx), cases = sends + go_arg4(ctx);

	if (cases > ORDER_CASES_KNOWN) {
		e->act = ORDER_ACT_SELECT_MANY;
		order_send(e);
		return;
	}
	for (__u64 i = 0; i < ORDER_CASES_KNOWN; i++) {
		if (i >= cases)
			break;
		e->object = read_user_u64(at + 16 * i);
		e->act = i < sends ? ORDER_ACT_SEND : ORDER_ACT_RECEIVE;
		if (!e->object)
			continue;
		order_send(e);
		e->op = ORDER_FURTHER_CASE;
	}
}

static __noinline int order_note(const struct pt_regs *ctx, const struct order_row *row,
                                 const struct order_event *from)
{
	struct order_event e;
	int counts;

	if (!ctx || !row || !from)
		return 0;
	e = *from;
	counts = order_counts(ctx, row->condition);
	if (!counts && !row->waits)
		return 0;
	e.g = order_goroutine(ctx, e.row, row->system);
	e.act = row->act;
	e.late = row->late || !counts;
	e.op = row->op;
	if (row->select) {
		order_select(ctx, &e);
		return 0;
	}
	e.object = order_object(ctx, row);
	if (e.act == ORDER_ACT_CLONE)
		e.seed = order_seed(e.object, e.row);
	e.place = row->at_entry ? go_return_address(ctx) : go_pc(ctx);
	order_send(&e);
	return 0;
}

static __always_inline void order_tell(const struct pt_regs *ctx, __u64 cookie, __u32 tgid,
                                       __u32 tid)
{
	__u64 since = *(volatile __u64 *)&tuning.order_since;
	__u32 index = COOKIE_ORDER_ROW(cookie);
	struct order_row *row = bpf_map_lookup_elem(&order_sites, &index);
	struct order_event e = {
	        .tgid = tgid, .tid = tid, .row = COOKIE_ROW(cookie), .window = order_window(since)};

	if (!row)
		return;
	*(volatile __u64 *)&row->hits = row->hits + 1;
	if (since)
		order_note(ctx, row, &e);
}

/* ---- where a map is used --------------------------------------------------------------------- */

/* Nobody can be accused of what one goroutine alone does: chains are for maps of several, and for
 * those that are new. */
static __always_inline int order_chain_wanted(const struct operation *o, const struct map_state *m)
{
	__u64 until = *(volatile __u64 *)&order_chains_until_ns;

	__u64 same = 0;

	for (int i = 0; i < ORDER_CHAINS_WANTED; i++)
		same |= words_are_same(tuning.order_chains[i], o->map);
	if (same)
		return 1;
	if (until > o->now || (!(m->counts.flags & MAP_SHARED) && map_ops_total(m) > MAP_YOUNG_OPS))
		return 0;
	if (o->now - until > ORDER_BURST_NS)
		until = o->now - ORDER_BURST_NS;
	*(volatile __u64 *)&order_chains_until_ns = until + ORDER_CHAIN_NS;
	return 1;
}

static __always_inline void order_access_set(struct order_event *e, const struct operation *o,
                                             const struct map_state *m, __u64 since)
{
	e->time_ns = o->now;
	e->g = o->g;
	e->object = o->map;
	e->place = o->place;
	e->seed = operation_seed(o);
	e->tgid = o->tgid;
	e->tid = o->tid;
	e->gen = m->counts.gen;
	e->act = ORDER_ACT_ACCESS;
	e->late = 0;
	e->op = o->op;
	e->row = o->row;
	e->window = order_window(since);
	e->flagged = 0;
}

/* 0, or -1: without its chain it is told all the same. */
static __noinline int order_access_chain(struct pt_regs *ctx, const struct operation *o,
                                         const struct map_state *m)
{
	__u64 since = *(volatile __u64 *)&tuning.order_since, chain;
	struct order_access_event *e;
	struct scratch *s;

	if (!ctx || !o || !m)
		return -1;
	s = scratch_take(o->tid);
	if (!s)
		return -1;
	coverage_count(COVERAGE_ORDER_CHAINS);
	chain = access_capture(ctx, o, &s->access) ? chain_tell(&s->access) : 0;
	e = chain ? order_reserve(sizeof(*e)) : 0;
	if (e) {
		order_access_set(&e->e, o, m, since);
		e->e.flagged = 1;
		access_brief_set(&e->access, &s->access, chain);
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	}
	scratch_give(s);
	return e ? 0 : -1;
}

/* Global, and so verified once and by itself: what follows in the program is the same whatever
 * happens here, but the verifier would look at each way through it again (550,000 instructions
 * instead of 214,000; a million are allowed). On arm64 nothing is probed that would come here, and
 * kernels before 6.9 want another type of such a function's context there. */
#if defined(__TARGET_ARCH_arm64)
#define ORDER_ACCESS static __always_inline int
#else
#define ORDER_ACCESS __noinline int
ORDER_ACCESS order_access(struct pt_regs *ctx, const struct operation *o,
                          const struct map_state *m);
#endif

ORDER_ACCESS order_access(struct pt_regs *ctx, const struct operation *o, const struct map_state *m)
{
	struct order_event *e;

	if (!ctx || !o || !m || (order_chain_wanted(o, m) && !order_access_chain(ctx, o, m)))
		return 0;
	e = order_reserve(sizeof(*e));
	if (!e)
		return 0;
	order_access_set(e, o, m, *(volatile __u64 *)&tuning.order_since);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
