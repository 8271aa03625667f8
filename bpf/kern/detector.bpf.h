/* SPDX-License-Identifier: MIT */
/*
 * detector: which access to hold, for how long, and what to expect of it.
 *
 * Candidates are accesses to maps that several goroutines use and at least one changes, accesses
 * at call sites that touched such maps (a map that lives for one request is met for the first time
 * when it matters), and a small share of all others, to learn. Those tried rarely go first. Held
 * time is a budget: held : elapsed <= 1 : tuning.hold_divisor, with a burst. Before all others go
 * accesses from places of which it is known that nothing orders them (order.bpf.h).
 *
 * How many overlaps holding should have found is measured by control windows: opened at an access
 * exactly as a hold would be, but nothing is held; the conflicting operations of other goroutines
 * in them give the rate. Those that came on the same thread or the same CPU are left out: had the
 * access been held, both would have been busy with that.
 */
#ifndef GOMAPTOP_BPF_DETECTOR_H
#define GOMAPTOP_BPF_DETECTOR_H

#include "bpf/kern/hold.bpf.h"
#include "bpf/kern/promise.bpf.h"

#define LOTTERY_MASK    3 /* of samples that nothing speaks for, one in four may be held, */
#define LOTTERY_NS      1500000000 /* but only one in so long a time */
#define RARELY_TRIED    4          /* holds below which an object goes first */
#define CONTROL_GAP_NS  2000000
#define CONTROL_OPENING 1
#define ALONE_MASK      15 /* one in 16 of the accesses that come alone is chosen all the same, */
#define YOUNG_PATIENCE  4  /* places wait so much longer for their next hold than maps */
#define RECENT_MASK     3  /* one in four of those that come in company that is not near */
/* and where a call is probed each, after so long without company */
#define ALONE_NS   100000000
#define EAGER_MASK 1        /* one in two as long as less is held than may be: */
#define EAGER_NS   40000000 /* tuning.tried_spacing_ns says so; */
/* in windows not of a map that saw no company in so much of them */
#define LIVELY_NS 80000000
#define WATCHED_FIRST_NS \
	10000000 /* so long a map is watched at a probed call before it is held there */
#define STRETCHED_MOST_NS 60000000000ULL
#define EAGER_POOR_MASK   3
#define POOR_MASK         31 /* one in 32 of the accesses that promise less is held all the same */
#define CLASS_CONTROL_NS  5000000   /* watched so long, a rate is known */
#define BARREN_CONTROL_NS 20000000  /* watched so long, and nothing came that could conflict; */
#define RARE_CONTROL_NS   500000000 /* where a call is probed somebody may come 50 times a second */

static __u64 lottery_next_ns;
static __u64 budget_spent_until_ns; /* virtual time up to which the budget is spent */

static __always_inline __u32 stall_draw(void)
{
	return config.stall_ns[bpf_get_prandom_u32() & (STALL_LENGTHS - 1)];
}

/* The longer half of the lengths. Who shares a map that has just been made was often just made
 * itself, and a new goroutine needs 100 to 200 us to reach another thread. */
static __always_inline __u32 stall_draw_long(void)
{
	return config
	        .stall_ns[STALL_LENGTHS / 2 + (bpf_get_prandom_u32() & (STALL_LENGTHS / 2 - 1))];
}

/* For a map: one in four of any length, the others of the longer half. Where the sides come at
 * random only the sum of held time counts; where they come in turns, or after one another, a short
 * hold sees nobody. */
static __always_inline __u32 stall_draw_map(void)
{
	return bpf_get_prandom_u32() & 3 ? stall_draw_long() : stall_draw();
}

/* ---- budget -------------------------------------------------------------------------- */

/* Who may spend how much of the burst. */
enum priority {
	PRIORITY_FIRST,  /* rarely tried: all of it */
	PRIORITY_NORMAL, /* most of it, so that there is something left for those that are new */
	PRIORITY_LAST,   /* nothing more to be learned: only what nobody else wants */
};

/* Take length_ns from the budget. Spending is kept as a point in time that runs ahead of the clock,
 * one look and one compare-and-swap: no timer refills anything. */
static __always_inline int budget_take(__u64 now, __u32 length_ns, enum priority priority)
{
	__u64 old = *(volatile __u64 *)&budget_spent_until_ns;
	__u64 from = old > now ? old : now;
	__u64 divisor = tuning.hold_divisor ? tuning.hold_divisor : config.budget_divisor;
	__u64 to = from + length_ns * divisor;
	__u64 room = config.budget_burst_ns;

	if (priority != PRIORITY_FIRST)
		room = priority == PRIORITY_NORMAL ? room / 4 * 3 : 0;
	if ((old > now && to - now > room) || !hold_has_room())
		return 0;
	return __sync_val_compare_and_swap(&budget_spent_until_ns, old, to) == old;
}

/* ---- control windows ---------------------------------------------------------------------------
 */

/* Open a window at this access, for the map or (caller != 0) for the call site. Returns its length,
 * 0 when another window is open. */
static __always_inline __u32 control_open(struct map_state *m, const struct operation *o,
                                          __u64 caller)
{
	__u32 length = caller ? stall_draw_long() : stall_draw_map();

	if (__sync_val_compare_and_swap(&m->control_end_ns, 0, CONTROL_OPENING) != 0)
		return 0;
	m->control_g = o->g;
	m->control_last_g = 0;
	m->control_tid = o->tid;
	m->control_cpu = bpf_get_smp_processor_id();
	m->control_changes = o->changes;
	m->control_caller = caller;
	if (!await_is_open(m, o->now))
		await_begin(m, o, o->now + length, 0);
	__sync_lock_test_and_set(&m->control_end_ns, o->now + length);
	return length;
}

static __always_inline __u64 control_gap(void)
{
	return bpf_get_prandom_u32() & (2 * CONTROL_GAP_NS - 1);
}

static __always_inline void control_count(struct map_state *m, const struct operation *o)
{
	struct call_site *site;

	if (m->control_g == o->g || m->control_tid == o->tid ||
	    m->control_cpu == bpf_get_smp_processor_id() || m->control_last_g == o->g ||
	    !(o->changes || m->control_changes))
		return;
	m->control_last_g = o->g;
	if (!m->control_caller) {
		__sync_fetch_and_add(&m->counts.control_arrivals[m->control_changes & 1], 1);
		return;
	}
	site = call_site_find(o->tgid, m->control_caller);
	if (site)
		__sync_fetch_and_add(&site->control_arrivals, 1);
}

/* Count this operation in the window that is open, if one is; close it when its time is over. */
static __always_inline void control_observe(struct map_state *m, const struct operation *o)
{
	__u64 end = *(volatile __u64 *)&m->control_end_ns;

	if (end <= CONTROL_OPENING)
		return;
	if (o->now < end)
		control_count(m, o);
	else
		__sync_val_compare_and_swap(&m->control_end_ns, end, 0);
}

static __always_inline void control_open_map(struct map_state *m, const struct operation *o)
{
	__u32 length;

	if (o->now < m->control_next_ns || m->control_end_ns)
		return;
	length = control_open(m, o, 0);
	if (!length)
		return;
	m->control_next_ns = o->now + length + control_gap();
	__sync_fetch_and_add(&m->counts.control_ns[o->changes & 1], length);
}

static __always_inline void control_open_site(struct call_site *site, struct map_state *m,
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
static __always_inline void control_cut(struct map_state *m, __u64 now)
{
	__u64 end = *(volatile __u64 *)&m->control_end_ns;

	if (end <= CONTROL_OPENING)
		return;
	if (__sync_val_compare_and_swap(&m->control_end_ns, end, 0) == end && end > now &&
	    !m->control_caller)
		__sync_fetch_and_add(&m->counts.control_ns[m->control_changes & 1], now - end);
}

/* ---- choice -------------------------------------------------------------------------- */

/* Patience is meant as time in which the object can be seen: where the probes in the functions are
 * in place for a part of the time only, it lasts so much longer. Else each window would find all
 * objects ready, the hopeless and the promising alike. */
static __always_inline __u64 patience_stretch(__u64 ns, const struct operation *o)
{
	__u64 stretched = ns * tuning.window_gap / WINDOW_GAP_ONE;

	if (o->probed || stretched <= ns)
		return ns;
	/* The load may be gone by then, and windows long again. */
	if (stretched > STRETCHED_MOST_NS)
		stretched = STRETCHED_MOST_NS;
	return stretched > ns ? stretched : ns;
}

/* How long an object (a map, a call site) is left alone after a hold. Those tried rarely come soon
 * again, those with nothing more to learn much later. */
static __always_inline __u64 spacing(const struct operation *o, enum priority priority,
                                     __u64 patience_units)
{
	__u64 ns = tuning.tried_spacing_ns;

	if (priority == PRIORITY_LAST)
		patience_units = PATIENCE_MOST;
	if (priority == PRIORITY_FIRST)
		ns = tuning.fresh_spacing_ns * patience_units / PATIENCE_ONE;
	else
		ns = patience_stretch(ns * patience_units / PATIENCE_ONE, o);
	/* Half to one and a half of it, so as not to fall into step with the target. */
	return ns / 2 + (ns * (bpf_get_prandom_u32() & 1023) >> 10);
}

/* Nothing more to be learned: conflicts are known well enough, or the map is guarded. */
static __always_inline int sated(__u64 holds, __u64 met, __u64 expected)
{
	return met > HOLD_KNOWN_CONFLICTS || hold_is_guarded(holds, met, expected);
}

/* In thousandths. */
static __always_inline __u64 map_expected(const struct map_state *m)
{
	return hold_expected(m->counts.hold_ns[0], m->counts.control_arrivals[0],
	                     m->counts.control_ns[0]) +
	       hold_expected(m->counts.hold_ns[1], m->counts.control_arrivals[1],
	                     m->counts.control_ns[1]);
}

static __always_inline int map_is_sated(const struct map_state *m, const struct operation *o)
{
	__u32 c = o->changes & 1;
	__u64 barren_ns = o->probed ? RARE_CONTROL_NS : BARREN_CONTROL_NS;

	/* Nobody comes who could conflict. */
	if (m->counts.holds > 2 * RARELY_TRIED && m->counts.control_ns[c] > barren_ns &&
	    !m->counts.control_arrivals[c])
		return 1;
	return sated(m->counts.holds, m->counts.conflicts, map_expected(m));
}

static __always_inline struct trial map_trial(const struct map_state *m, __u32 changes)
{
	__u32 c = changes & 1;

	return (struct trial){.hold_ns = m->counts.hold_ns[c],
	                      .arrivals = m->counts.control_arrivals[c],
	                      .control_ns = m->counts.control_ns[c],
	                      .prior = 1};
}

/* Who has met already is as good as one of which one overlap was to be expected. */
static __always_inline __u64 patience_of(__u64 rate, __u64 expected, __u64 met, __u32 flags)
{
	__u64 units = patience(rate, met ? 1000 : expected);

	return flags & MAP_CONTESTED ? units : units * HOLD_UNCONTESTED;
}

/* How much longer than others to wait between holds of this map. */
static __always_inline __u64 map_patience(const struct map_state *m, __u32 changes)
{
	struct trial this = map_trial(m, changes), other = map_trial(m, !changes);

	return patience_of(trial_rate(&this),
	                   trial_expected(&this) + trial_expected(&other) + await_worth(&m->awaits),
	                   m->counts.conflicts, m->counts.flags);
}

/* Less trust in control windows, see call_site_is_sated(). A map is one object, however many places
 * touch it; of short-lived ones each place is one, of at least two, and others come half as often
 * as to maps that stay. */
static __always_inline __u64 call_site_patience(const struct call_site *s)
{
	struct trial t = {.hold_ns = s->hold_ns,
	                  .arrivals = s->control_arrivals,
	                  .control_ns = s->control_ns,
	                  .prior = 4};

	return YOUNG_PATIENCE * patience_of(trial_rate(&t),
	                                    trial_expected(&t) + await_worth(&s->awaits), s->met,
	                                    s->flags);
}

/* Conflicting operations come to the other class of accesses (reading, changing) at more than twice
 * the rate: better hold one of those. As long as that is not known: all that others do conflicts
 * with a change, with a read only what changes the map. */
static __always_inline int map_class_is_poor(const struct map_state *m, __u32 changes)
{
	__u32 c = changes & 1;

	if (m->counts.control_ns[0] < CLASS_CONTROL_NS ||
	    m->counts.control_ns[1] < CLASS_CONTROL_NS)
		return !c && OPS_READING(m->counts.ops) >= OPS_CHANGING(m->counts.ops);
	return 2 * m->counts.control_arrivals[c] * m->counts.control_ns[!c] <
	       m->counts.control_arrivals[!c] * m->counts.control_ns[c];
}

/* Control windows tell less here: a goroutine that was just made often runs on the very thread that
 * made it, unless that thread is held. So a place is watched longer before it is given up. */
static __always_inline int call_site_is_sated(const struct call_site *s)
{
	if (!s->met && s->holds > 2 * RARELY_TRIED && s->control_ns > 5 * BARREN_CONTROL_NS &&
	    !s->control_arrivals)
		return 1;
	return sated(s->holds, s->met,
	             hold_expected(s->hold_ns, s->control_arrivals, s->control_ns));
}

static __always_inline int map_is_young(const struct map_state *m, const struct operation *o)
{
	__u64 ops = map_ops_total(m);

	return ops < MAP_NEW_OPS ||
	       (ops < MAP_YOUNG_OPS && o->now - m->counts.first_ns < MAP_YOUNG_NS);
}

static __always_inline int map_is_suspect(const struct map_state *m)
{
	return (m->counts.flags & (MAP_SHARED | MAP_CHANGED)) == (MAP_SHARED | MAP_CHANGED);
}

static __always_inline enum priority call_site_priority(const struct call_site *s)
{
	if (s->holds < RARELY_TRIED && s->flags & MAP_CONTESTED && !await_excess(&s->awaits))
		return PRIORITY_FIRST;
	return call_site_is_sated(s) ? PRIORITY_LAST : PRIORITY_NORMAL;
}

/* A new map at a place that was tried often is nothing new: programs replace maps all the time. */
static __always_inline enum priority
map_priority(const struct map_state *m, const struct call_site *s, const struct operation *o)
{
	if (m->counts.holds < RARELY_TRIED && m->counts.flags & MAP_CONTESTED &&
	    !await_excess(&m->awaits))
		return s && s->holds >= 2 * RARELY_TRIED ? PRIORITY_NORMAL : PRIORITY_FIRST;
	return map_is_sated(m, o) ? PRIORITY_LAST : PRIORITY_NORMAL;
}

/* The held side of a conflict is a party to it as well. */
static __always_inline void goroutine_note(const struct operation *o, struct hold_result result)
{
	struct goroutine_key key = {.g = o->g, .tgid = o->tgid};
	struct goroutine_counts *c;

	if (!result.arrivals)
		return;
	c = bpf_map_lookup_elem(&goroutines, &key);
	if (c)
		c->conflicts += result.arrivals;
}

static __always_inline void call_site_note(struct call_site *site, struct hold_result result)
{
	__sync_fetch_and_add(&site->hold_ns, result.held_ns);
	__sync_fetch_and_add(&site->met, result.arrivals);
	__sync_fetch_and_add(&site->holds, 1);
}

/* Is less held than may be? Then what is there is better than what may come. */
static __always_inline int held_time_is_left(void)
{
	return tuning.tried_spacing_ns < EAGER_NS;
}

static __always_inline int place_is_unordered(__u64 place)
{
	__u64 same = 0;

	for (int i = 0; i < ORDER_PLACES; i++)
		same |= words_are_same(tuning.order_places[i], place);
	return same != 0;
}

/* Is it known that nothing orders accesses from there? Nothing is to be learned of them but whether
 * another goroutine comes meanwhile: they are held as often as held time allows, until conflicts
 * are known well enough. */
static __always_inline int access_is_unordered(const struct map_state *m, const struct operation *o)
{
	return tuning.order_places[0] && m->counts.conflicts <= HOLD_KNOWN_CONFLICTS &&
	       place_is_unordered(o->place);
}

static __always_inline void map_hold(struct pt_regs *ctx, const struct operation *o,
                                     struct map_state *m, int unordered)
{
	struct call_site *site = call_site_find(o->tgid, o->place);
	enum priority priority = unordered ? PRIORITY_FIRST : map_priority(m, site, o);
	struct hold_result result;
	__u32 length = m->drawn_ns;

	/* A length once drawn waits until the budget allows it: drawing again would favour short
	 * ones. */
	if (!length)
		m->drawn_ns = length = stall_draw_map();
	if (!unordered && map_class_is_poor(m, o->changes) &&
	    bpf_get_prandom_u32() & (held_time_is_left() ? EAGER_POOR_MASK : POOR_MASK))
		return;
	if (!budget_take(o->now, length, priority)) {
		control_open_map(m, o);
		return;
	}
	m->drawn_ns = 0;
	m->next_hold_ns = o->now + length;
	if (!unordered)
		m->next_hold_ns += spacing(o, priority, map_patience(m, o->changes));
	control_cut(m, o->now);
	result = hold(ctx, o, m, length);
	goroutine_note(o, result);
	if (site)
		call_site_note(site, result);
}

static __always_inline void call_site_hold(struct pt_regs *ctx, const struct operation *o,
                                           struct map_state *m, struct call_site *site)
{
	enum priority priority = call_site_priority(site);
	struct hold_result result;
	__u32 length = site->drawn_ns;

	if (!length)
		site->drawn_ns = length = stall_draw_long();
	if (!budget_take(o->now, length, priority)) {
		control_open_site(site, m, o);
		return;
	}
	site->drawn_ns = 0;
	site->next_hold_ns = o->now + length + spacing(o, priority, call_site_patience(site));
	control_cut(m, o->now);
	result = hold(ctx, o, m, length);
	goroutine_note(o, result);
	call_site_note(site, result);
}

/* A map of which little is known: go by what is known of the place that uses it.
 * Returns whether something is. */
static __always_inline int detect_young(struct pt_regs *ctx, const struct operation *o,
                                        struct map_state *m)
{
	struct call_site *site = call_site_find(o->tgid, o->place);

	if (!site || (site->flags & (MAP_SHARED | MAP_CHANGED)) != (MAP_SHARED | MAP_CHANGED))
		return 0;
	if (o->now >= site->next_hold_ns)
		call_site_hold(ctx, o, m, site);
	else
		control_open_site(site, m, o);
	return 1;
}

static __always_inline void detect_unsuspected(struct pt_regs *ctx, const struct operation *o,
                                               struct map_state *m)
{
	__u32 length;

	if (!o->sample || o->now < lottery_next_ns || bpf_get_prandom_u32() & LOTTERY_MASK)
		return;
	length = stall_draw();
	if (!budget_take(o->now, length, PRIORITY_NORMAL))
		return;
	lottery_next_ns = o->now + LOTTERY_NS;
	goroutine_note(o, hold(ctx, o, m, length));
}

/* Where there is little time to see anything, what is seen has to be chosen with more care: a map
 * to which nobody ever came in company makes room for others. */
static __always_inline int map_is_lively(const struct map_state *m, const struct operation *o)
{
	return tuning.window_gap < 2 * WINDOW_GAP_ONE ||
	       o->now - m->company_ns < patience_stretch(LIVELY_NS, o);
}

/* Work comes in bursts: where somebody was a moment ago somebody will soon be again. In control
 * windows of a server on two CPUs others came at 150 a second after accesses that came alone, at
 * 220 after recent company, at 340 after near one. Holds and control windows choose alike, or one
 * would not tell about the other. Where a call is probed it may be that nobody ever comes that
 * soon. */
static __always_inline int access_is_promising(const struct map_state *m, const struct operation *o)
{
	__u32 mask = o->company == COMPANY_RECENT ? RECENT_MASK : ALONE_MASK;

	if (held_time_is_left() && map_is_lively(m, o))
		mask = EAGER_MASK;
	return o->company == COMPANY_NEAR || !(bpf_get_prandom_u32() & mask) ||
	       (o->probed && o->now - m->company_ns > ALONE_NS);
}

/* A probed call is seen for as long as its probe stays: time to learn first how often others come,
 * and until then to hold nobody but in near company. */
static __always_inline int access_is_only_watched(const struct map_state *m,
                                                  const struct operation *o)
{
	return o->probed && o->company != COMPANY_NEAR &&
	       m->counts.control_ns[0] + m->counts.control_ns[1] < WATCHED_FIRST_NS;
}

static __always_inline void detect(struct pt_regs *ctx, const struct operation *o,
                                   struct map_state *m)
{
	int unordered;

	control_observe(m, o);
	await_observe(m, o);
	/* At calls the probes stay when those in the functions go. */
	if (tuning.closing && !o->probed)
		return;
	unordered = access_is_unordered(m, o);
	/* A young map is no object of its own: thousands of them come and go, and each would be
	 * tried for the first time. */
	if (map_is_young(m, o) && !unordered) {
		if (!detect_young(ctx, o, m))
			detect_unsuspected(ctx, o, m);
	} else if (map_is_suspect(m) || unordered) {
		if (!unordered && !access_is_promising(m, o))
			return;
		if (unordered || (o->now >= m->next_hold_ns && !access_is_only_watched(m, o)))
			map_hold(ctx, o, m, unordered);
		else
			control_open_map(m, o);
	} else {
		detect_unsuspected(ctx, o, m);
	}
}

#endif
