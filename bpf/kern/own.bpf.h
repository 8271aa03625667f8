/* SPDX-License-Identifier: MIT */
/*
 * own: most operations are on maps that nobody else uses; those are counted, and no more.
 *
 * There is nothing to be met and nothing to be learned, so the two dear things are left out: the
 * exact time, and the return address where nothing decides by it. One operation in CALL_SAMPLE goes
 * the whole way all the same, and every one that is not like the goroutine's last: another
 * function, or from another frame.
 */
#ifndef GOMAPTOP_BPF_OWN_H
#define GOMAPTOP_BPF_OWN_H

#include "bpf/kern/count.bpf.h"

/* Has nobody but this goroutine been at the map, and is it known well? A hold on such a map is
 * under way only while the goroutine itself is held. */
static __always_inline int map_is_own(const struct map_state *m, const struct operation *o)
{
	__u32 flags = o->changes ? MAP_CHANGED : 0;

	return m->last_who == o->who && m->first_who == o->who && m->counts.type == o->type &&
	       m->counts.seed && !m->seed_stale_ns && !m->control_end_ns &&
	       (m->counts.flags & (MAP_SHARED | flags)) == flags &&
	       map_ops_total(m) >= MAP_YOUNG_OPS;
}

/* Does the goroutine's row say where it is? As it did at the last operation of the same function
 * from the same frame. */
static __always_inline int goroutine_is_where_it_was(const struct goroutine_counts *c,
                                                     const struct operation *o)
{
	return c->goid == o->goid && (o->place || c->last_frame == o->frame);
}

/* Count an operation the short way; returns whether that was possible. o lacks what
 * operation_complete() adds. */
static __always_inline int own_operation(struct operation *o, struct map_state *m,
                                         struct goroutine_counts *c)
{
	if (!m || !c || o->sample || o->op == OP_DELETE || o->op == OP_CLEAR ||
	    !goroutine_is_where_it_was(c, o) || !map_is_own(m, o) || operation_fields(o)->unproven)
		return 0;
	o->now = clock_coarse();
	goroutine_add(c, o);
	map_add(m, o);
	if (o->place)
		m->last_caller = o->place;
	m->counts.last_ns = o->now;
	return 1;
}

#endif
