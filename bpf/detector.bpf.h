/* SPDX-License-Identifier: MIT */
/*
 * detector: which access to hold, for how long, and what to expect of it.
 *
 * Candidates are accesses to maps that several goroutines use and at least one changes, accesses
 * at call sites that touched such maps (a map that lives for one request is met for the first time
 * when it matters), and a small share of all others, to learn. Those tried rarely go first. Held
 * time is a budget: held : elapsed <= 1 : config.budget_divisor, with a burst.
 *
 * How many overlaps holding should have found is measured by control windows: opened at an access
 * exactly as a hold would be, but nothing is held; the conflicting operations of other goroutines
 * in them give the rate. Those that came on the same thread or the same CPU are left out: had the
 * access been held, both would have been busy with that.
 */
#ifndef GOMAPTOP_BPF_DETECTOR_H
#define GOMAPTOP_BPF_DETECTOR_H

#include "hold.bpf.h"

#define LOTTERY           4096 /* one access in so many is held whatever is known of its map */
#define RARELY_TRIED      8    /* holds below which an object goes first */
#define CONTROL_GAP_NS    2000000
#define CONTROL_OPENING   1
#define OFTEN_TRIED       64
#define KNOWN_CONFLICTS   64       /* from so many on, a map is held less often */
#define BARREN_CONTROL_NS 20000000 /* watched so long, and nothing came that could conflict */

static __u64 budget_spent_until_ns; /* virtual time up to which the budget is spent */

static __always_inline __u32 stall_draw(void)
{
	return config.stall_ns[bpf_get_prandom_u32() & (STALL_LENGTHS - 1)];
}

/* ---- budget
 * ---------------------------------------------------------------------------------------- */

/* Take length_ns from the budget. Spending is kept as a point in time that runs ahead of the clock,
 * one look and one compare-and-swap: no timer refills anything. Objects tried often may use only
 * half of the burst, so that there is something left for those that are new. */
static __always_inline int budget_take(__u64 now, __u32 length_ns, int first)
{
	__u64 old = *(volatile __u64 *)&budget_spent_until_ns;
	__u64 from = old > now ? old : now;
	__u64 to = from + (__u64)length_ns * config.budget_divisor;
	__u64 room = first ? config.budget_burst_ns : config.budget_burst_ns / 2;

	if (old > now && to - now > room)
		return 0;
	return __sync_val_compare_and_swap(&budget_spent_until_ns, old, to) == old;
}

/* ---- control windows
 * --------------------------------------------------------------------------------- */

static __always_inline void control_open(struct map_counts *m, const struct operation *o)
{
	__u32 length = stall_draw();

	if (o->now < m->control_next_ns)
		return;
	if (__sync_val_compare_and_swap(&m->control_end_ns, 0, CONTROL_OPENING) != 0)
		return;
	m->control_g = o->g;
	m->control_tid = o->tid;
	m->control_cpu = bpf_get_smp_processor_id();
	m->control_changes = o->changes;
	m->control_next_ns = o->now + length + (bpf_get_prandom_u32() & (2 * CONTROL_GAP_NS - 1));
	__sync_fetch_and_add(&m->control_ns[o->changes & 1], length);
	__sync_lock_test_and_set(&m->control_end_ns, o->now + length);
}

static __always_inline void control_observe(struct map_counts *m, const struct operation *o)
{
	__u64 end = *(volatile __u64 *)&m->control_end_ns;

	if (end == CONTROL_OPENING)
		return;
	if (end && o->now < end) {
		if (m->control_g != o->g && m->control_tid != o->tid &&
		    m->control_cpu != bpf_get_smp_processor_id() &&
		    (o->changes || m->control_changes))
			__sync_fetch_and_add(&m->control_arrivals[m->control_changes & 1], 1);
		return;
	}
	if (end && __sync_val_compare_and_swap(&m->control_end_ns, end, 0) != end)
		return;
	control_open(m, o);
}

/* A hold begins on this map: what is left of an open window no longer counts. */
static __always_inline void control_cut(struct map_counts *m, __u64 now)
{
	__u64 end = *(volatile __u64 *)&m->control_end_ns;

	if (end <= CONTROL_OPENING)
		return;
	if (__sync_val_compare_and_swap(&m->control_end_ns, end, 0) == end && end > now)
		__sync_fetch_and_add(&m->control_ns[m->control_changes & 1], now - end);
}

/* ---- choice
 * -----------------------------------------------------------------------------------------------
 */

/* How long an object (a map, a call site) is left alone after a hold. Those tried rarely come soon
 * again, those tried often ever later; so do those where nothing new is to be learned: many
 * conflicts are known, or nobody comes who could conflict. */
static __always_inline __u64 spacing(__u64 holds, int sated)
{
	__u64 ns = holds < RARELY_TRIED ? tuning.fresh_spacing_ns : tuning.tried_spacing_ns;

	if (holds > OFTEN_TRIED)
		ns *= 2;
	if (holds > 4 * OFTEN_TRIED)
		ns *= 2;
	if (sated)
		ns *= 4;
	/* Half to one and a half of it, so as not to fall into step with the target. */
	return ns / 2 + (ns * (bpf_get_prandom_u32() & 1023) >> 10);
}

static __always_inline int map_is_sated(const struct map_counts *m, __u32 changes)
{
	__u32 c = changes & 1;

	return m->conflicts > KNOWN_CONFLICTS ||
	       (m->control_ns[c] > BARREN_CONTROL_NS && !m->control_arrivals[c]);
}

static __always_inline int map_is_suspect(const struct map_counts *m)
{
	return (m->flags & (MAP_SHARED | MAP_CHANGED)) == (MAP_SHARED | MAP_CHANGED);
}

static __always_inline void map_hold(struct pt_regs *ctx, const struct operation *o,
                                     struct map_counts *m)
{
	__u32 length = m->drawn_ns;

	/* A length once drawn waits until the budget allows it: drawing again would favour short
	 * ones. */
	if (!length)
		m->drawn_ns = length = stall_draw();
	if (!budget_take(o->now, length, m->holds < RARELY_TRIED))
		return;
	m->drawn_ns = 0;
	m->next_hold_ns = o->now + length + spacing(m->holds, map_is_sated(m, o->changes));
	control_cut(m, o->now);
	hold(ctx, o, m, length);
}

/* A map of which little is known: go by what is known of the place that uses it. */
static __always_inline void call_site_hold(struct pt_regs *ctx, const struct operation *o,
                                           struct map_counts *m)
{
	struct call_site *site = call_site_find(o->tgid, o->caller);
	__u32 length;

	if (!site || (site->flags & (MAP_SHARED | MAP_CHANGED)) != (MAP_SHARED | MAP_CHANGED))
		return;
	if (o->now < site->next_hold_ns)
		return;
	length = stall_draw();
	if (!budget_take(o->now, length, site->holds < RARELY_TRIED))
		return;
	site->next_hold_ns = o->now + length + spacing(site->holds, site->holds > OFTEN_TRIED);
	__sync_fetch_and_add(&site->holds, 1);
	hold(ctx, o, m, length);
}

static __always_inline void detect(struct pt_regs *ctx, const struct operation *o,
                                   struct map_counts *m)
{
	if (map_is_suspect(m))
		control_observe(m, o);
	/* A young map is no object of its own: thousands of them come and go, and each would be
	 * tried for the first time. */
	if (map_ops_total(m) < MAP_YOUNG_OPS) {
		call_site_hold(ctx, o, m);
	} else if (map_is_suspect(m)) {
		if (o->now >= m->next_hold_ns)
			map_hold(ctx, o, m);
	} else if ((bpf_get_prandom_u32() & (LOTTERY - 1)) == 0) {
		__u32 length = stall_draw();

		if (budget_take(o->now, length, 0))
			hold(ctx, o, m, length);
	}
}

#endif
