/* SPDX-License-Identifier: MIT */
/*
 * await: did somebody wait at a lock while an access was held?
 *
 * Who shares a lock with the one who is held comes right after the hold, and the last thing that he
 * waited for was that lock: the goroutine says so itself (g.waitreason, src/runtime/runtime2.go).
 * One who waited tells more than several holds in which nobody came. But it may have been another
 * lock, a while ago; so the same look is taken after control windows, in which nobody was held, and
 * what counts is how much oftener it was after holds.
 *
 * This chooses what to hold, as promise.bpf.h does, and nothing else.
 */
#ifndef GOMAPTOP_BPF_AWAIT_H
#define GOMAPTOP_BPF_AWAIT_H

#include "bpf/kern/count.bpf.h"

#define AWAIT_NS    1000000
#define AWAIT_LOOKS 10 /* the first ones may not have waited: they came with the lock just free */

/* From `since` on look who comes, after the access o was held until then, or only watched. */
static __always_inline void await_begin(struct map_state *m, const struct operation *o, __u64 since,
                                        __u32 held)
{
	struct await *a = &m->await;

	if (!operation_fields(o)->lock_reasons)
		return;
	a->left = 0;
	a->since_ns = since;
	a->g = o->g;
	a->place = o->place;
	a->changes = o->changes;
	a->held = held;
	*(volatile __u32 *)&a->left = AWAIT_LOOKS;
}

static __always_inline void await_add(struct await_counts *counts, __u32 held, __u32 waited)
{
	__sync_fetch_and_add(&counts->looks[held & 1], 1);
	if (waited)
		__sync_fetch_and_add(&counts->waited[held & 1], 1);
}

static __always_inline void await_end(struct map_state *m, const struct operation *o, __u32 waited)
{
	struct call_site *site = call_site_find(o->tgid, m->await.place);

	m->await.left = 0;
	await_add(&m->awaits, m->await.held, waited);
	if (site)
		await_add(&site->awaits, m->await.held, waited);
}

static __always_inline int goroutine_waited_at_lock(const struct operation *o)
{
	const volatile struct field_row *f = operation_fields(o);
	__u8 reason = field_read(o->g, f->g_waitreason);

	return reason < 64 && f->lock_reasons >> (reason & 63) & 1;
}

static __noinline int await_look(struct map_state *m, const struct operation *o)
{
	if (!m || !o || o->now < m->await.since_ns)
		return 0;
	if (o->now - m->await.since_ns > AWAIT_NS) {
		await_end(m, o, 0);
		return 0;
	}
	if (o->g == m->await.g || !(o->changes || m->await.changes))
		return 0;
	m->await.left--;
	if (goroutine_waited_at_lock(o))
		await_end(m, o, 1);
	else if (!m->await.left)
		await_end(m, o, 0);
	return 0;
}

static __always_inline void await_observe(struct map_state *m, const struct operation *o)
{
	if (m->await.left)
		await_look(m, o);
}

/* Is a look after a hold still to be taken? Then none after a control window is begun. */
static __always_inline int await_is_open(const struct map_state *m, __u64 now)
{
	return m->await.left && m->await.held && now - m->await.since_ns < AWAIT_NS;
}

#endif
