/* SPDX-License-Identifier: MIT */
/*
 * program_memory: accesses to maps, and the objects of sync, the atomics and the descriptors by
 * which goroutines order them.
 */
#ifndef GOMAPTOP_TESTS_UNIT_PROGRAM_MEMORY_H
#define GOMAPTOP_TESTS_UNIT_PROGRAM_MEMORY_H

#include "core/event/event.h"
#include "tests/unit/judge/program_tell.h"

static inline bool lock_open(const struct program *p, const struct goroutine *x, unsigned int map)
{
	return !p->size.locked || x->locks == (int)(map % p->size.objects);
}

static inline void step_access(struct program *p, struct goroutine *x)
{
	struct access_done *access = &p->accesses[p->access_count];
	unsigned int map = x->object % p->size.maps;

	if (x->phase == 0 && p->access_count < p->size.steps && lock_open(p, x, map)) {
		access->who = x->who;
		access->clock = ++clock_of(p, x).at[x->who];
		access->seen = malloc(p->size.ever * sizeof(int));
		memcpy(access->seen, clock_of(p, x).at, p->size.ever * sizeof(int));
		tell_all(p,
		         (struct order_event){.g = x->g,
		                              .object = 0x77000 + map,
		                              .place = 1 + dice(3),
		                              .act = ORDER_ACT_ACCESS,
		                              .op = dice(3) ? OP_READ : OP_WRITE},
		         p->access_count++);
	}
	done(p, x, 0);
}

static inline void release_steps(struct program *p, struct goroutine *x, enum order_act act,
                                 uint64_t object, struct clock into)
{
	if (release_step(p, x, act, object)) {
		clock_join(p, into, clock_of(p, x));
		if (act == ORDER_ACT_BOTH)
			clock_join(p, clock_of(p, x), into);
	}
	if (x->phase == 2)
		done(p, x, 0);
}

static inline void step_release(struct program *p, struct goroutine *x)
{
	release_steps(p, x, ORDER_ACT_RELEASE, address(DO_RELEASE, x->object),
	              p->others[x->object]);
}

static inline void step_both(struct program *p, struct goroutine *x)
{
	release_steps(p, x, ORDER_ACT_BOTH, address(DO_RELEASE, x->object), p->others[x->object]);
}

static inline void step_acquire(struct program *p, struct goroutine *x)
{
	if (x->phase++ == 0) {
		tell(p, x, ORDER_ACT_ACQUIRE, address(DO_RELEASE, x->object), false);
		return;
	}
	clock_join(p, clock_of(p, x), p->others[x->object]);
	done(p, x, 0);
}

static inline void step_store(struct program *p, struct goroutine *x)
{
	release_steps(p, x, ORDER_ACT_PUBLISH, 0, p->atomics[x->object]);
}

static inline void step_load(struct program *p, struct goroutine *x)
{
	clock_join(p, clock_of(p, x), p->atomics[x->object]);
	done(p, x, 0);
}

static inline void step_write(struct program *p, struct goroutine *x)
{
	release_steps(p, x, ORDER_ACT_WRITE, 2 * x->object, p->pipes[x->object]);
}

static inline void step_read(struct program *p, struct goroutine *x)
{
	clock_join(p, clock_of(p, x), p->pipes[x->object]);
	done(p, x, 0);
}

#endif
