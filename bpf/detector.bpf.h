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

#define LOTTERY_MASK      63 /* of accesses that nothing speaks for, one in 64 may be held, */
#define LOTTERY_NS        500000000 /* but only one in half a second */
#define RARELY_TRIED      8         /* holds below which an object goes first */
#define OFTEN_TRIED       64
#define CONTROL_GAP_NS    2000000
#define CONTROL_OPENING   1
#define KNOWN_CONFLICTS   64       /* so many are enough to know */
#define ENOUGH_EXPECTED   8        /* overlaps expected, and next to none seen: enough to know */
#define BARREN_CONTROL_NS 20000000 /* watched so long, and nothing came that could conflict */

static __u64 lottery_next_ns;
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

/* ---- control windows ---------------------------------------------------------------------------
 */

/* Open a window at this access, for the map or (caller != 0) for the call site. Returns its length,
 * 0 when another window is open. */
static __always_inline __u32 control_open(struct map_counts *m, const struct operation *o,
                                          __u64 caller)
{
	__u32 length = stall_draw();

	if (__sync_val_compare_and_swap(&m->control_end_ns, 0, CONTROL_OPENING) != 0)
		return 0;
	m->control_g = o->g;
	m->control_tid = o->tid;
	m->control_cpu = bpf_get_smp_processor_id();
	m->control_changes = o->changes;
	m->control_caller = caller;
	__sync_lock_test_and_set(&m->control_end_ns, o->now + length);
	return length;
}

static __always_inline __u64 control_gap(void)
{
	return bpf_get_prandom_u32() & (2 * CONTROL_GAP_NS - 1);
}

static __always_inline void control_count(struct map_counts *m, const struct operation *o)
{
	struct call_site *site;

	if (m->control_g == o->g || m->control_tid == o->tid ||
	    m->control_cpu == bpf_get_smp_processor_id() || !(o->changes || m->control_changes))
		return;
	if (!m->control_caller) {
		__sync_fetch_and_add(&m->control_arrivals[m->control_changes & 1], 1);
		return;
	}
	site = call_site_find(o->tgid, m->control_caller);
	if (site)
		__sync_fetch_and_add(&site->control_arrivals, 1);
}

/* Count this operation in the window that is open, if one is; close it when its time is over. */
static __always_inline void control_observe(struct map_counts *m, const struct operation *o)
{
	__u64 end = *(volatile __u64 *)&m->control_end_ns;

	if (end <= CONTROL_OPENING)
		return;
	if (o->now < end)
		control_count(m, o);
	else
		__sync_val_compare_and_swap(&m->control_end_ns, end, 0);
}

static __always_inline void control_open_map(struct map_counts *m, const struct operation *o)
{
	__u32 length;

	if (o->now < m->control_next_ns || m->control_end_ns)
		return;
	length = control_open(m, o, 0);
	if (!length)
		return;
	m->control_next_ns = o->now + length + control_gap();
	__sync_fetch_and_add(&m->control_ns[o->changes & 1], length);
}

static __always_inline void control_open_site(struct call_site *site, struct map_counts *m,
                                              const struct operation *o)
{
	__u32 length;

	if (o->now < site->next_control_ns || m->control_end_ns)
		return;
	length = control_open(m, o, o->place);
	if (!length)
		return;
	site->next_control_ns = o->now + length + control_gap();
	__sync_fetch_and_add(&site->control_ns, length);
}

/* A hold begins on this map: what is left of an open window no longer counts. */
static __always_inline void control_cut(struct map_counts *m, __u64 now)
{
	__u64 end = *(volatile __u64 *)&m->control_end_ns;

	if (end <= CONTROL_OPENING)
		return;
	if (__sync_val_compare_and_swap(&m->control_end_ns, end, 0) == end && end > now &&
	    !m->control_caller)
		__sync_fetch_and_add(&m->control_ns[m->control_changes & 1], now - end);
}

/* ---- choice
 * --------------------------------------------------------------------------------------- */

/* How long an object (a map, a call site) is left alone after a hold. Those tried rarely come soon
 * again; those tried often later; and much later those where there is nothing more to be learned.
 */
static __always_inline __u64 spacing(__u64 holds, int sated)
{
	__u64 ns = holds < RARELY_TRIED ? tuning.fresh_spacing_ns : tuning.tried_spacing_ns;

	if (holds > OFTEN_TRIED)
		ns *= 2;
	if (sated)
		ns *= 32;
	/* Half to one and a half of it, so as not to fall into step with the target. */
	return ns / 2 + (ns * (bpf_get_prandom_u32() & 1023) >> 10);
}

static __always_inline __u64 overlaps_expected(__u64 hold_ns, __u64 arrivals, __u64 control_ns)
{
	return control_ns ? hold_ns * arrivals / control_ns : 0;
}

/* Nothing more to be learned: conflicts are known well enough; or so many overlaps were to be
 * expected that something keeps the goroutines apart. */
static __always_inline int sated(__u64 holds, __u64 met, __u64 expected)
{
	/* A few holds in a row can all fall into a time in which the other side was not scheduled.
	 */
	return met > KNOWN_CONFLICTS ||
	       (holds > OFTEN_TRIED / 2 && expected > ENOUGH_EXPECTED && met * 8 < expected);
}

static __always_inline int map_is_sated(const struct map_counts *m, __u32 changes)
{
	__u32 c = changes & 1;

	/* Nobody comes who could conflict. */
	if (m->control_ns[c] > BARREN_CONTROL_NS && !m->control_arrivals[c])
		return 1;
	return sated(
	        m->holds, m->conflicts,
	        overlaps_expected(m->hold_ns[0], m->control_arrivals[0], m->control_ns[0]) +
	                overlaps_expected(m->hold_ns[1], m->control_arrivals[1], m->control_ns[1]));
}

static __always_inline int call_site_is_sated(const struct call_site *s)
{
	if (s->control_ns > BARREN_CONTROL_NS && !s->control_arrivals)
		return 1;
	return sated(s->holds, s->met,
	             overlaps_expected(s->hold_ns, s->control_arrivals, s->control_ns));
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

static __always_inline void call_site_hold(struct pt_regs *ctx, const struct operation *o,
                                           struct map_counts *m, struct call_site *site)
{
	struct hold_result result;
	__u32 length = site->drawn_ns;

	if (!length)
		site->drawn_ns = length = stall_draw();
	if (!budget_take(o->now, length, site->holds < RARELY_TRIED))
		return;
	site->drawn_ns = 0;
	site->next_hold_ns = o->now + length + spacing(site->holds, call_site_is_sated(site));
	control_cut(m, o->now);
	result = hold(ctx, o, m, length);
	__sync_fetch_and_add(&site->hold_ns, result.held_ns);
	__sync_fetch_and_add(&site->met, result.arrivals);
	__sync_fetch_and_add(&site->holds, 1);
}

/* A map of which little is known: go by what is known of the place that uses it. */
static __always_inline void detect_young(struct pt_regs *ctx, const struct operation *o,
                                         struct map_counts *m)
{
	struct call_site *site = call_site_find(o->tgid, o->place);

	if (!site || (site->flags & (MAP_SHARED | MAP_CHANGED)) != (MAP_SHARED | MAP_CHANGED))
		return;
	if (o->now >= site->next_hold_ns)
		call_site_hold(ctx, o, m, site);
	else
		control_open_site(site, m, o);
}

static __always_inline void detect_unsuspected(struct pt_regs *ctx, const struct operation *o,
                                               struct map_counts *m)
{
	__u32 length;

	if (o->now < lottery_next_ns || bpf_get_prandom_u32() & LOTTERY_MASK)
		return;
	length = stall_draw();
	if (!budget_take(o->now, length, 0))
		return;
	lottery_next_ns = o->now + LOTTERY_NS;
	hold(ctx, o, m, length);
}

static __always_inline void detect(struct pt_regs *ctx, const struct operation *o,
                                   struct map_counts *m)
{
	control_observe(m, o);
	/* A young map is no object of its own: thousands of them come and go, and each would be
	 * tried for the first time. */
	if (map_ops_total(m) < MAP_YOUNG_OPS) {
		detect_young(ctx, o, m);
	} else if (map_is_suspect(m)) {
		if (o->now >= m->next_hold_ns)
			map_hold(ctx, o, m);
		else
			control_open_map(m, o);
	} else {
		detect_unsuspected(ctx, o, m);
	}
}

#endif
