/* SPDX-License-Identifier: MIT */
/*
 * count: who did how much to which map, kept in the kernel so that a hit ships nothing.
 *
 * Learns in passing which maps and which call sites several goroutines share, which is what the
 * detector chooses by.
 */
#ifndef GOMAPTOP_BPF_COUNT_H
#define GOMAPTOP_BPF_COUNT_H

#include "bpf/kern/operation.bpf.h"

/* A delete that empties a map renews its seed, a clear always does (runtime/map.go mapdelete,
 * mapclear; internal/runtime/maps/map.go Delete, Clear), and that after the probe. So long after
 * one the seed has been renewed, if it ever is. */
#define SEED_SETTLE_NS 1000000ULL

/* A map that several goroutines use is not on a stack. Its memory serves another one only after the
 * garbage collector has found it unused and swept it: so long after an operation it is the same. */
#define SEED_SURE_NS 5000

#define COMPANY_NS      2000000 /* "a moment ago": about as long as the longest hold */
#define COMPANY_NEAR_NS 400000

#define MAP_YOUNG_OPS 64        /* so few operations seen: learn about its call sites; */
#define MAP_YOUNG_NS  150000000 /* unless it lives longer than for a request, */
#define MAP_NEW_OPS   16        /* and at least so many were seen */

static const struct map_state map_state_zero;

/* All of a row but the two words that say whether it is changing hands. */
#define MAP_STATE_ZEROED \
	(offsetof(struct map_state, beginning) - offsetof(struct map_state, first_who))

static const struct goroutine_counts goroutine_counts_zero;
static const struct call_site call_site_zero;

static __always_inline __u64 map_ops_total(const struct map_state *m)
{
	return OPS_TOTAL(m->counts.ops);
}

/* ---- call sites -------------------------------------------------------------------------------
 */

static __always_inline struct call_site *call_site_find(__u32 tgid, __u64 caller)
{
	struct call_site_key key = {.caller = caller, .tgid = tgid};

	return bpf_map_lookup_elem(&call_sites, &key);
}

static __always_inline void call_site_mark(__u32 tgid, __u64 caller, __u32 flags)
{
	struct call_site_key key = {.caller = caller, .tgid = tgid};
	struct call_site *site = bpf_map_lookup_elem(&call_sites, &key);

	if (!site) {
		bpf_map_update_elem(&call_sites, &key, &call_site_zero, BPF_NOEXIST);
		site = bpf_map_lookup_elem(&call_sites, &key);
		if (!site) {
			coverage_count(COVERAGE_SITES_UNTRACKED);
			return;
		}
	}
	if ((site->flags & flags) != flags)
		__sync_fetch_and_or(&site->flags, flags);
}

/* ---- what surveys learn of calls ---------------------------------------------------------------
 */

/* One in CALL_SAMPLE of each goroutine's, evenly whatever its operations' period. */
static __always_inline int operation_is_sample(const struct operation *o,
                                               const struct goroutine_counts *c)
{
	__u64 turn = o->who + (c ? c->ops[operation_index(o)] : bpf_get_prandom_u32());

	return turn * 0x9e3779b97f4a7c15ULL >> 60 == 0;
}

static __always_inline void touch_note(const struct map_state *m, const struct operation *o)
{
	struct touch_key key = {.group = m->counts.first_caller,
	                        .tgid = o->tgid,
	                        .distance = o->distance,
	                        .site = o->site,
	                        .op = o->op};
	struct touch touch = {.place = o->place, .map = o->map, .last_ns = o->now};

	bpf_map_update_elem(&touches, &key, &touch, BPF_ANY);
}

/* Which places touch this map, and how often each is come by: so that just those calls can be
 * probed that matter. Seldom more than a look at a bit. */
static __always_inline void map_learn_touch(struct map_state *m, const struct operation *o)
{
	__u64 bit = 1ULL << (o->place * 0x9e3779b97f4a7c15ULL >> 58);
	struct call_site *site;

	if (o->sample && !o->probed) {
		site = call_site_find(o->tgid, o->place);
		if (site)
			__sync_fetch_and_add(&site->samples, 1);
	}
	if ((m->counts.flags & (MAP_SHARED | MAP_CHANGED)) != (MAP_SHARED | MAP_CHANGED) ||
	    (m->places & bit && !o->sample))
		return;
	if (!(m->places & bit)) {
		__sync_fetch_and_or(&m->places, bit);
		call_site_mark(o->tgid, o->place, m->counts.flags);
	}
	touch_note(m, o);
}

/* ---- maps --------------------------------------------------------------------------------------
 */

static __always_inline void map_state_begin(struct map_state *m, const struct operation *o,
                                            __u64 seed)
{
	m->counts.type = o->type;
	m->counts.seed = seed;
	m->counts.first_caller = o->place;
	m->first_who = o->who;
	m->last_who = o->who;
	m->last_caller = o->place;
	m->counts.first_ns = o->now;
	asm volatile("" ::: "memory");
	*(volatile __u64 *)&m->begun = m->counts.gen + 1;
}

static __always_inline void map_send_last_word(const struct map_state *m, const struct operation *o)
{
	struct event_map *e = event_reserve(sizeof(*e));

	if (!e)
		return;
	event_header_set(&e->h, EVENT_MAP, sizeof(*e), o->now, o->tgid);
	e->key.addr = o->map;
	e->key.tgid = o->tgid;
	e->key.pad = 0;
	bpf_probe_read_kernel(&e->counts, sizeof(e->counts), &m->counts);
	e->end = ROW_GONE;
	e->pad = 0;
	event_submit(e);
}

/* Can the collector have told of this map yet? It reads the tables from time to time, and says when
 * it was last done with that. What it has told of may not be left out of the rows: it would be
 * counted twice, there and in the total of what is in no row. */
static __always_inline int map_is_untold(const struct map_state *m)
{
	return m->counts.first_ns > *(volatile __u64 *)&tuning.scanned_ns;
}

/* Another map lives at the address now: say the last word on the old one and begin again. */
static __noinline int map_state_retire(struct map_state *m, const struct operation *o, __u64 seed)
{
	__u32 gen;

	if (!m || !o)
		return 0;
	gen = m->counts.gen;
	if (!(m->counts.flags & MAP_SHARED) && ring_is_busy() && map_is_untold(m))
		coverage_add(COVERAGE_MAPS_UNTRACKED, map_ops_total(m));
	else
		map_send_last_word(m, o);
	*(volatile __u64 *)&m->beginning = gen + 2;
	asm volatile("" ::: "memory");
	bpf_probe_read_kernel(&m->first_who, MAP_STATE_ZEROED, &map_state_zero);
	m->counts.gen = gen + 1;
	map_state_begin(m, o, seed);
	return 0;
}

static __always_inline void map_seed_check(struct map_state *m, const struct operation *o)
{
	__u64 old = m->counts.seed;
	__u64 seed = operation_seed(o);

	if (seed == old) {
		if (m->seed_stale_ns && o->now - m->seed_stale_ns > SEED_SETTLE_NS)
			m->seed_stale_ns = 0; /* it was not renewed after all */
		return;
	}
	if (__sync_val_compare_and_swap(&m->counts.seed, old, seed) != old)
		return;    /* another CPU sees to it */
	if (!old || !seed) /* one of them is not known */
		return;
	if (m->seed_stale_ns && m->seed_memory == operation_memory(o)) {
		if (o->now - m->seed_stale_ns > SEED_SETTLE_NS)
			m->seed_stale_ns = 0;
		return;
	}
	map_state_retire(m, o, seed);
}

static __always_inline int map_is_surely_same(const struct map_state *m, const struct operation *o)
{
	return m->counts.flags & MAP_SHARED && o->now - m->counts.last_ns < SEED_SURE_NS;
}

static __always_inline struct map_state *map_row(const struct operation *o)
{
	struct map_key key = {.addr = o->map, .tgid = o->tgid};

	return bpf_map_lookup_elem(&maps, &key);
}

static __always_inline struct map_state *map_state_find(const struct operation *o,
                                                        struct map_state *m)
{
	struct map_key key = {.addr = o->map, .tgid = o->tgid};

	if (m)
		return m;
	bpf_map_update_elem(&maps, &key, &map_state_zero, BPF_NOEXIST);
	m = bpf_map_lookup_elem(&maps, &key);
	if (m && !__sync_val_compare_and_swap(&m->counts.first_ns, 0, o->now)) {
		*(volatile __u64 *)&m->beginning = 1;
		map_state_begin(m, o, operation_seed(o));
	}
	return m;
}

/* The first time that a second goroutine comes: both places share maps. */
static __always_inline void map_learn_sharing(struct map_state *m, const struct operation *o)
{
	__u32 flags = MAP_SHARED | (o->changes ? MAP_CHANGED | MAP_CONTESTED : 0) |
	              (m->counts.flags & (MAP_CHANGED | MAP_CONTESTED));

	if ((m->counts.flags & flags) == flags && map_ops_total(m) > MAP_YOUNG_OPS)
		return;
	__sync_fetch_and_or(&m->counts.flags, flags);
	call_site_mark(o->tgid, o->place, flags);
	call_site_mark(o->tgid, m->last_caller, flags);
}

static __always_inline void map_note_seed(struct map_state *m, const struct operation *o)
{
	if (o->op == OP_CLEAR ||
	    (o->op == OP_DELETE &&
	     operation_field(o, o->map, operation_fields(o)->map_length, LAYOUT_MAP) <= 1)) {
		m->seed_memory = operation_memory(o);
		m->seed_stale_ns = o->now;
	}
}

static __always_inline void map_note_goroutine(struct map_state *m, const struct operation *o)
{
	__u64 hash = o->who * 0x9e3779b97f4a7c15ULL >> 56; /* 8 bits: GOROUTINE_BITS */
	__u64 bit = 1ULL << (hash & 63);
	__u64 *word = &m->counts.goroutines[hash >> 6 & (GOROUTINE_BITS / 64 - 1)];

	if (!(*word & bit))
		__sync_fetch_and_or(word, bit);
}

/* Who runs on another CPU at this moment may come while this one is held; who ran on this one a
 * moment ago may not. */
static __always_inline void map_note_company(struct map_state *m, struct operation *o)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 gap = o->now - m->counts.last_ns;

	o->company = COMPANY_NONE;
	if (m->last_who != o->who && m->last_cpu != cpu && gap < COMPANY_NS) {
		o->company = gap < COMPANY_NEAR_NS ? COMPANY_NEAR : COMPANY_RECENT;
		m->company_ns = o->now;
	}
	m->last_cpu = cpu;
}

static __always_inline void map_add(struct map_state *m, const struct operation *o)
{
	__sync_fetch_and_add(&m->counts.ops[operation_index(o)], 1);
	if (o->outside)
		__sync_fetch_and_add(&m->counts.outside[operation_index(o)], 1);
}

/* Count one operation on its map, m where there is a row of it already; NULL when the table has no
 * room for it. */
static __always_inline struct map_state *map_count(struct operation *o, struct map_state *m)
{
	m = map_state_find(o, m);
	if (!m) {
		coverage_count(COVERAGE_EVENTS_MADE);
		coverage_count(COVERAGE_TABLE_FULL);
		return 0;
	}
	if ((m->last_who != o->who && !map_is_surely_same(m, o)) || m->counts.type != o->type ||
	    m->seed_stale_ns || !m->counts.seed)
		map_seed_check(m, o);
	m->counts.type =
	        o->type; /* one map can have two: in generic code that of its memory's shape */
	if (o->changes && !(m->counts.flags & MAP_CHANGED))
		__sync_fetch_and_or(&m->counts.flags, MAP_CHANGED);
	if (m->first_who != o->who || m->counts.flags & MAP_SHARED) {
		if (m->last_who != o->who || !(m->counts.flags & MAP_SHARED))
			map_learn_sharing(m, o);
	}
	map_learn_touch(m, o);
	map_note_goroutine(m, o);
	map_add(m, o);
	map_note_seed(m, o);
	map_note_company(m, o);
	m->last_who = o->who;
	m->last_caller = o->place;
	m->counts.last_ns = o->now;
	return m;
}

/* ---- goroutines ---------------------------------------------------------------------- */

/* The g of a goroutine that ended serves the next one: begin again, and keep the total right. */
static __always_inline void goroutine_counts_name(struct goroutine_counts *c,
                                                  const struct operation *o)
{
	const volatile struct field_row *f = operation_fields(o);

	c->goid = o->goid;
	c->parent_goid = operation_field(o, o->g, f->g_parent_goid, LAYOUT_PARENT_GOID);
	c->gopc = operation_field(o, o->g, f->g_gopc, LAYOUT_GOPC);
	c->startpc = operation_field(o, o->g, f->g_startpc, LAYOUT_STARTPC);
}

static __always_inline void goroutine_counts_begin(struct goroutine_counts *c,
                                                   const struct operation *o)
{
	goroutine_counts_name(c, o);
	c->first_ns = o->now;
}

static __always_inline struct goroutine_counts *goroutine_row(const struct operation *o)
{
	struct goroutine_key key = {.g = o->g, .tgid = o->tgid};

	return bpf_map_lookup_elem(&goroutines, &key);
}

static __always_inline struct goroutine_counts *goroutine_counts_find(const struct operation *o,
                                                                      struct goroutine_counts *c)
{
	struct goroutine_key key = {.g = o->g, .tgid = o->tgid};

	if (!c) {
		bpf_map_update_elem(&goroutines, &key, &goroutine_counts_zero, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&goroutines, &key);
		if (c)
			goroutine_counts_begin(c, o);
		return c;
	}
	if (c->goid != o->goid) {
		coverage_add(COVERAGE_GOROUTINES_UNTRACKED, OPS_TOTAL(c->ops));
		bpf_probe_read_kernel(c, sizeof(*c), &goroutine_counts_zero);
		goroutine_counts_begin(c, o);
	} else if (operation_fields(o)->unproven) {
		/* What is believed of it changes while it is watched. */
		goroutine_counts_name(c, o);
	}
	return c;
}

/* No atomics: only the goroutine itself comes here. */
static __always_inline void goroutine_add(struct goroutine_counts *c, const struct operation *o)
{
	c->ops[operation_index(o)]++;
	c->outside += o->outside;
	c->maps |= 1ULL << (o->map * 0x9e3779b97f4a7c15ULL >> 58); /* 6 bits: MAP_BITS */
	c->last_ns = o->now;
	c->last_map = o->map;
	if (o->place) {
		c->last_caller = o->place;
		c->last_frame = o->frame;
	}
	c->last_site = o->site;
	c->last_op = o->op;
}

/* Count one operation on its goroutine, c where there is a row of it already; NULL when the table
 * has no room for it. */
static __always_inline struct goroutine_counts *goroutine_count(const struct operation *o,
                                                                struct goroutine_counts *c)
{
	c = goroutine_counts_find(o, c);
	if (!c) {
		coverage_count(COVERAGE_GOROUTINES_UNTRACKED);
		return 0;
	}
	goroutine_add(c, o);
	return c;
}

#endif
