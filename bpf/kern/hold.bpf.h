/* SPDX-License-Identifier: MIT */
/*
 * hold: keep one access at the door of its map function, and see who else comes.
 *
 * The holder publishes its access in a slot and waits, busily and bounded, inside the BPF program.
 * Whoever enters an operation on the same map meanwhile, from another goroutine, one of the two
 * changing the map, has met it: nothing keeps the two apart. The one who comes writes the event,
 * both sides in it, and goes on without a delay. Nothing of this outlives the program's run: a
 * panic inside the map function, a goroutine that ends, an address used again leave nothing behind.
 */
#ifndef GOMAPTOP_BPF_HOLD_H
#define GOMAPTOP_BPF_HOLD_H

#include "bpf/kern/await.bpf.h"
#include "bpf/kern/capture.bpf.h"
#include "bpf/kern/chain.bpf.h"
#include "bpf/kern/stack_copy.bpf.h"

#define HOLD_STEPS_MAX  (1 << 20)
#define HOLD_GRACE_NS   50000 /* to let someone finish reading the slot, at most */
#define HOLD_EVENTS_MAX 16    /* overlaps told in full of one hold; further ones are counted */

struct hold_slot {
	__u64 owner;    /* 0: free */
	__u64 map;      /* 0: not published. Written last, cleared first */
	__u64 seq;      /* one more for each hold: who copied tells by it that it was one hold */
	__u32 readers;  /* who came and is copying `access` */
	__u32 arrivals; /* conflicting operations that came */
	__u32 map_gen;
	__u32 drawn_ns;
	__u64 begin_ns;
	__u64 last_g;     /* who was counted last */
	__u64 pc, sp, fp; /* of the one who is held */
	__u64 chain;      /* its name; 0: none */
	struct access access;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct hold_slot);
} slots SEC(".maps");

static __always_inline struct hold_slot *slot_of(const struct operation *o)
{
	__u32 index = (o->map ^ (__u64)o->tgid << 32) * 0x9e3779b97f4a7c15ULL >> 58; /* SLOTS */

	return bpf_map_lookup_elem(&slots, &index);
}

/* ---- the one who comes --------------------------------------------------------------- */

static __always_inline __u64 slot_seq(const struct hold_slot *slot)
{
	return *(const volatile __u64 *)&slot->seq;
}

/* Send the stack of an access whose chain is known before its event is made, if it needs one. */
static __noinline int stack_copy(const struct access *a, __u64 pc, __u64 sp, __u64 fp)
{
	struct target_state *t;
	struct event_stack *e;
	__u32 tgid;

	if (!a || !config.stack_copies)
		return 0;
	tgid = a->tgid;
	t = bpf_map_lookup_elem(&targets, &tgid);
	if (!t || !chain_needs_stack(a, t) || !stack_copy_allowed(bpf_ktime_get_ns()))
		return 0;
	e = event_reserve(sizeof(*e));
	if (e)
		stack_copy_send(e, a, pc, sp, fp);
	return 0;
}

/* The one who is held stands still, its stack with it; unless this hold is over. */
static __always_inline void held_stack_copy(const struct hold_slot *slot, __u64 seq)
{
	if (slot_seq(slot) == seq)
		stack_copy(&slot->access, slot->pc, slot->sp, slot->fp);
}

/* Of a whole or a brief one. */
#define OVERLAP_HEAD_SET(e, slot, o)                                                         \
	do {                                                                                 \
		event_header_set(&(e)->h, EVENT_OVERLAP, sizeof(*(e)), (o)->now, (o)->tgid); \
		(e)->hold_ns = (slot)->drawn_ns;                                             \
		(e)->after_ns = (o)->now - (slot)->begin_ns;                                 \
		(e)->map_gen = (slot)->map_gen;                                              \
		(e)->pad = 0;                                                                \
	} while (0)

/* Send it, unless the hold that it tells of is over and the slot perhaps another's. */
static __always_inline void overlap_settle(void *event, const struct hold_slot *slot, __u64 seq)
{
	if (slot_seq(slot) == seq) {
		event_submit(event);
	} else {
		bpf_ringbuf_discard(event, BPF_RB_NO_WAKEUP);
		coverage_count(COVERAGE_STACK_FAILED);
	}
}

static __noinline int overlap_send_whole(const struct hold_slot *slot, const struct operation *o,
                                         const struct access *came, __u64 seq)
{
	struct event_overlap *e = slot && o && came ? event_reserve(sizeof(*e)) : NULL;

	if (!e)
		return 0;
	OVERLAP_HEAD_SET(e, slot, o);
	bpf_probe_read_kernel(&e->held, sizeof(e->held), &slot->access);
	bpf_probe_read_kernel(&e->came, sizeof(e->came), came);
	overlap_settle(e, slot, seq);
	return 0;
}

static __noinline int overlap_send_brief(const struct hold_slot *slot, const struct operation *o,
                                         const struct access *came, __u64 chain, __u64 seq)
{
	struct event_overlap_brief *e = slot && o && came ? event_reserve(sizeof(*e)) : NULL;

	if (!e)
		return 0;
	OVERLAP_HEAD_SET(e, slot, o);
	access_brief_set(&e->held, &slot->access, slot->chain);
	access_brief_set(&e->came, came, chain);
	overlap_settle(e, slot, seq);
	return 0;
}

static __noinline int overlap_tell(struct pt_regs *ctx, struct hold_slot *slot,
                                   const struct operation *o, __u64 seq)
{
	struct scratch *s = slot && o ? scratch_take(o->tid) : NULL;
	__u64 chain;

	if (!s) {
		event_without_chain();
		return 0;
	}
	if (!access_capture(ctx, o, &s->access)) {
		event_without_chain();
		goto cleanup;
	}
	held_stack_copy(slot, seq);
	stack_copy(&s->access, go_pc(ctx), ctx->sp, go_frame_pointer(ctx));
	chain = chain_tell(&s->access);
	if (chain && slot->chain)
		overlap_send_brief(slot, o, &s->access, chain, seq);
	else
		overlap_send_whole(slot, o, &s->access, seq);
cleanup:
	scratch_give(s);
	return 0;
}

static __always_inline int slot_conflicts(const struct hold_slot *slot, const struct operation *o)
{
	return *(const volatile __u64 *)&slot->map == o->map && slot->access.tgid == o->tgid &&
	       slot->access.g != o->g && (o->changes || op_changes(slot->access.op));
}

/* Returns whether a held access was met. */
static __always_inline int hold_meet(struct pt_regs *ctx, const struct operation *o,
                                     struct map_state *m, struct goroutine_counts *c)
{
	struct hold_slot *slot = slot_of(o);
	__u64 seq;
	int met;

	if (!slot || slot->map != o->map)
		return 0;
	/* Counted in before looking: the holder that withdraws its map waits for readers (pairs
	 * with hold_end). Its wait is bounded, so the sequence number has the last word. */
	__sync_fetch_and_add(&slot->readers, 1);
	seq = slot_seq(slot);
	met = slot_conflicts(slot, o);
	if (met && slot->last_g != o->g && slot_seq(slot) == seq) {
		slot->last_g = o->g;
		if (m)
			__sync_fetch_and_add(&m->counts.conflicts, 1);
		if (c)
			c->conflicts++;
		if (__sync_fetch_and_add(&slot->arrivals, 1) < HOLD_EVENTS_MAX)
			overlap_tell(ctx, slot, o, seq);
	}
	__sync_fetch_and_add(&slot->readers, -1);
	return met;
}

/* ---- the one who is held ------------------------------------------------------------- */

struct hold_wait {
	struct hold_slot *slot;
	__u64 until_ns;
	__u64 now;
};

static long hold_step(__u32 i, void *data)
{
	struct hold_wait *w = data;

	(void)i;
	w->now = bpf_ktime_get_ns();
	return w->now >= w->until_ns;
}

static long hold_grace_step(__u32 i, void *data)
{
	struct hold_wait *w = data;

	(void)i;
	w->now = bpf_ktime_get_ns();
	return w->now >= w->until_ns || !*(volatile __u32 *)&w->slot->readers;
}

#define STALL_HEAD_SET(e, slot, held_ns)                                                     \
	do {                                                                                 \
		event_header_set(&(e)->h, EVENT_STALL, sizeof(*(e)), (slot)->access.time_ns, \
		                 (slot)->access.tgid);                                       \
		(e)->hold_ns = (held_ns);                                                    \
		(e)->map_gen = (slot)->map_gen;                                              \
		(e)->arrivals = (slot)->arrivals;                                            \
	} while (0)

static __always_inline void stall_send_whole(const struct hold_slot *slot, __u64 held_ns)
{
	struct event_stall *e = event_reserve(sizeof(*e));

	if (!e)
		return;
	STALL_HEAD_SET(e, slot, held_ns);
	bpf_probe_read_kernel(&e->access, sizeof(e->access), &slot->access);
	event_submit(e);
}

static __always_inline void stall_send_brief(const struct hold_slot *slot, __u64 held_ns)
{
	struct event_stall_brief *e = event_reserve(sizeof(*e));

	if (!e)
		return;
	STALL_HEAD_SET(e, slot, held_ns);
	access_brief_set(&e->access, &slot->access, slot->chain);
	event_submit(e);
}

static __noinline int stall_tell(struct hold_slot *slot, __u64 held_ns)
{
	if (!slot)
		return 0;
	/* Whoever came has copied it already. */
	if (!slot->arrivals)
		stack_copy(&slot->access, slot->pc, slot->sp, slot->fp);
	if (slot->chain)
		stall_send_brief(slot, held_ns);
	else
		stall_send_whole(slot, held_ns);
	return 0;
}

/* Withdraw the access, then wait for those who are still copying it, but not for ever: one who is
 * preempted in the middle finds another sequence number and drops its copy. */
static __always_inline void hold_end(struct hold_slot *slot, struct hold_wait *w)
{
	__sync_lock_test_and_set(&slot->map, 0);
	if (*(volatile __u32 *)&slot->readers) {
		w->until_ns = w->now + HOLD_GRACE_NS;
		bpf_loop(HOLD_STEPS_MAX, hold_grace_step, w, 0);
	}
}

/* What came of a hold. held_ns == 0: the access was not held, another hold has the slot. */
struct hold_result {
	__u64 held_ns;
	__u32 arrivals;
};

static __u32 holds_under_way;

/* Each takes a CPU away from those who could come: with all of them taken nobody would. */
static __always_inline int hold_has_room(void)
{
	return !config.holds_at_once || *(volatile __u32 *)&holds_under_way < config.holds_at_once;
}

/* Hold this access for length_ns. The map's and the run's totals of held time grow by what it
 * really was. */
static __always_inline struct hold_result hold(struct pt_regs *ctx, const struct operation *o,
                                               struct map_state *m, __u32 length_ns)
{
	struct hold_result result = {};
	struct hold_slot *slot = slot_of(o);
	struct hold_wait w = {};

	if (!slot || __sync_val_compare_and_swap(&slot->owner, 0, o->g))
		return result;
	__sync_fetch_and_add(&slot->seq, 1);
	if (!access_capture(ctx, o, &slot->access)) {
		slot->owner = 0;
		return result;
	}
	slot->arrivals = 0;
	slot->last_g = 0;
	slot->pc = go_pc(ctx);
	slot->sp = ctx->sp;
	slot->fp = go_frame_pointer(ctx);
	slot->chain = chain_tell(&slot->access);
	slot->map_gen = m->counts.gen;
	slot->drawn_ns = length_ns;
	slot->begin_ns = bpf_ktime_get_ns();
	__sync_lock_test_and_set(&slot->map, o->map);

	w.slot = slot;
	w.until_ns = slot->begin_ns + length_ns;
	__sync_fetch_and_add(&holds_under_way, 1);
	bpf_loop(HOLD_STEPS_MAX, hold_step, &w, 0);
	__sync_fetch_and_add(&holds_under_way, -1);
	result.held_ns = w.now - slot->begin_ns;
	__sync_fetch_and_add(&m->counts.hold_ns[o->changes & 1], result.held_ns);
	__sync_fetch_and_add(&m->counts.holds, 1);
	coverage_count(COVERAGE_STALLS);
	coverage_add(COVERAGE_STALL_NS, result.held_ns);
	hold_end(slot, &w);
	result.arrivals = slot->arrivals;
	if (!result.arrivals)
		await_begin(m, o, w.now, 1);
	stall_tell(slot, result.held_ns);
	__sync_lock_test_and_set(&slot->owner, 0);
	return result;
}

#endif
