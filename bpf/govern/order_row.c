/* SPDX-License-Identifier: MIT */
#include "bpf/govern/order_row.h"

#include "core/judge/order_event.h"

/* What the programs tell of each kind of site. tries: only if the hit's condition holds. waits:
 * else it waits, which is told as late. Of a mutex that is not free the slow half tells. */
struct act_row {
	bool counts, tries, waits, system, select;
	enum order_act act;
	__u8 op; /* see struct order_event */
};

#define ACT(what)                                       \
	{                                               \
		.counts = true, .act = ORDER_ACT_##what \
	}
#define ACT_BY(what, way)                                                     \
	{                                                                     \
		.counts = true, .act = ORDER_ACT_##what, .op = ORDER_BY_##way \
	}
#define ACT_TRIES(what)                                                \
	{                                                              \
		.counts = true, .tries = true, .act = ORDER_ACT_##what \
	}

static const struct act_row kind_acts[ORDER_KIND_COUNT] = {
        [ORDER_KIND_LOCK] = {.counts = true,
                             .tries = true,
                             .act = ORDER_ACT_TAKE,
                             .op = ORDER_TAKEN_MUTEX},
        [ORDER_KIND_UNLOCK] = ACT(DROP),
        [ORDER_KIND_RLOCK] = {.counts = true,
                              .tries = true,
                              .waits = true,
                              .act = ORDER_ACT_TAKE_SHARED},
        [ORDER_KIND_RUNLOCK] = ACT(DROP_SHARED),
        [ORDER_KIND_TRYLOCK] = ACT_TRIES(TAKE),
        [ORDER_KIND_TRYRLOCK] = ACT_TRIES(TAKE_SHARED),
        [ORDER_KIND_ATOMIC_ADD] = ACT_BY(PUBLISH, ATOMICS),
        [ORDER_KIND_ATOMIC_CAS] = ACT_BY(PUBLISH, ATOMICS),
        [ORDER_KIND_ATOMIC_STORE] = ACT_BY(PUBLISH, ATOMICS),
};

#undef ACT_TRIES
#define ACT_ENTRY(what)                                                \
	{                                                              \
		.counts = true, .tries = true, .act = ORDER_ACT_##what \
	}
#define ACT_ENTRY_BY(what, way)                                                              \
	{                                                                                    \
		.counts = true, .tries = true, .act = ORDER_ACT_##what, .op = ORDER_BY_##way \
	}
#define ACT_SYSTEM(what)                                                               \
	{                                                                              \
		.counts = true, .tries = true, .system = true, .act = ORDER_ACT_##what \
	}

/* Those without a row tell nothing that another one does not: sends and receives with a default are
 * made of ordinary ones, WaitGroup.Go of Add and a go statement, Once of a mutex and an atomic. */
static const struct act_row function_acts[ORDER_FUNCTION_COUNT] = {
        [ORDER_LOCK_SLOW] = ACT_ENTRY(TAKE_LATER),
        [ORDER_RW_LOCK] = {.counts = true,
                           .tries = true,
                           .act = ORDER_ACT_TAKE_LATER,
                           .op = ORDER_TAKEN_RWMUTEX},
        [ORDER_RW_UNLOCK] = ACT_ENTRY(DROP),
        [ORDER_WAITGROUP_ADD] = ACT_ENTRY_BY(RELEASE, WAITGROUP),
        [ORDER_WAITGROUP_WAIT] = ACT_ENTRY_BY(ACQUIRE, WAITGROUP),
        [ORDER_COND_WAIT] = ACT_ENTRY_BY(ACQUIRE, COND),
        [ORDER_COND_SIGNAL] = ACT_ENTRY_BY(RELEASE, COND),
        [ORDER_COND_BROADCAST] = ACT_ENTRY_BY(RELEASE, COND),
        [ORDER_POOL_GET] = ACT_ENTRY(ACQUIRE),
        [ORDER_POOL_PUT] = ACT_ENTRY(RELEASE),
        [ORDER_SEND] = ACT_ENTRY(SEND),
        [ORDER_RECEIVE] = ACT_ENTRY(RECEIVE),
        [ORDER_CLOSE] = ACT_ENTRY(CLOSE),
        [ORDER_SELECT] = {.counts = true,
                          .tries = true,
                          .select = true,
                          .act = ORDER_ACT_SELECT_MANY},
        [ORDER_SPAWN] = ACT_ENTRY(SPAWN),
        [ORDER_CHILD] = ACT_SYSTEM(CHILD),
        [ORDER_WAKE] = ACT_SYSTEM(WAKE),
        [ORDER_EXIT] = ACT_SYSTEM(EXIT),
        [ORDER_COROUTINE] = ACT_SYSTEM(PUBLISH),
        [ORDER_TIMER_START] = ACT_ENTRY(TIMER),
        [ORDER_TIMER_RESET] = ACT_ENTRY(TIMER),
        [ORDER_SLEEP] = ACT_ENTRY(NOTHING),
        [ORDER_SEMAPHORE_ACQUIRE] = ACT_ENTRY_BY(ACQUIRE, WAKE),
        [ORDER_SEMAPHORE_RELEASE] = ACT_ENTRY_BY(RELEASE, WAKE),
        [ORDER_DESCRIPTOR_LOCK] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_UNLOCK] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_TAKE] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_DROP] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_CLOSE] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_WRITE] = ACT_ENTRY(WRITE),
        [ORDER_UNSEEN] = ACT_ENTRY_BY(PUBLISH, C_CODE),
        [ORDER_MAP_CLONE] = ACT_ENTRY(CLONE),
        [ORDER_ATOMIC_ADD] = ACT_ENTRY_BY(PUBLISH, ATOMICS),
        [ORDER_ATOMIC_CAS] = ACT_ENTRY_BY(PUBLISH, ATOMICS),
        [ORDER_ATOMIC_STORE] = ACT_ENTRY_BY(PUBLISH, ATOMICS),
};

static const struct act_row *act_of(const struct order_site *site)
{
	return site->kind == ORDER_KIND_FUNCTION ? &function_acts[site->function]
	                                         : &kind_acts[site->kind];
}

bool order_row_counts(const struct order_site *site)
{
	return act_of(site)->counts;
}

void order_row_make(const struct order_site *site, struct order_row *row)
{
	const struct act_row *act = act_of(site);

	*row = (struct order_row){
	        .act = (__u8)act->act,
	        .condition = (__u8)(act->tries ? site->condition : ORDER_ALWAYS),
	        .object = (__u8)site->object,
	        .base = site->base,
	        .offset = (__s32)site->offset,
	        .displacement = site->displacement,
	        .late = site->place == ORDER_AFTER && site->kind != ORDER_KIND_FUNCTION,
	        .at_entry = site->kind == ORDER_KIND_FUNCTION,
	        .system = act->system,
	        .select = act->select,
	        .waits = act->waits,
	        .op = act->op,
	};
	if (site->offset != row->offset)
		row->object = ORDER_OBJECT_NONE;
	if (row->object == ORDER_OBJECT_CONSTANT)
		row->displacement -= (__s64)site->addr;
}
