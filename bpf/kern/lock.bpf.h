/* SPDX-License-Identifier: MIT */
/*
 * lock: which locks a goroutine has, and which of them all users of a map have.
 *
 * At lock sites (core/order/order_site.h) the goroutine's set of locks is kept. A map that several
 * goroutines use keeps the locks that were in the sets of all its users, in all accesses: the lock
 * set algorithm of Eraser (Savage et al., 1997). While one is left that lock guards the map, and
 * held time is better spent elsewhere.
 *
 * This chooses what to hold, as promise.bpf.h does, and nothing else: a map that is handed over
 * through a channel is under no lock and yet in order. Most of what is not seen makes a map look
 * less guarded than it is: a lock that is not known at the probe, a set that is full or forgotten.
 * A lock that is dropped without its address makes all of the goroutine's forgotten. One thing
 * makes it look more guarded: a lock that another goroutine drops stays with the one that took it.
 */
#ifndef GOMAPTOP_BPF_LOCK_H
#define GOMAPTOP_BPF_LOCK_H

#include "bpf/kern/operation.bpf.h"
#include "core/order/order_kinds.h"

/* Of a goroutine that has passed no lock site since the probes went in nothing is known for so
 * long; then it is taken to have no lock. Windows of a busy server are not much longer. */
#define LOCKS_SETTLE_NS 3000000

/* For the governor: suspects that were to be held although it is not known what guards them, so
 * that lock probes can still tell something; and those that no lock guards. Written by all CPUs
 * without order: they need only change. */
__u64 guards_missing, unguarded;

static __always_inline void tell_change(__u64 *number)
{
	*(volatile __u64 *)number = *(volatile __u64 *)number + 1;
}

/* ---- where a lock is taken or dropped -------------------------------------------------------- */

#if defined(__TARGET_ARCH_arm64)

static __always_inline int lock_counts(const struct pt_regs *ctx, __u32 condition)
{
	(void)ctx;
	(void)condition;
	return 0;
}

static __always_inline __u64 lock_register(const struct pt_regs *ctx, __u32 number)
{
	(void)ctx;
	(void)number;
	return 0;
}

#else

#define FLAG_CF 0x001
#define FLAG_ZF 0x040
#define FLAG_SF 0x080

static __always_inline int lock_counts(const struct pt_regs *ctx, __u32 condition)
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

static __noinline __u64 lock_register(const struct pt_regs *ctx, __u32 number)
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

#endif

/* Address of the lock; 0: not known here. */
static __always_inline __u64 lock_address(const struct pt_regs *ctx, const struct lock_site *site)
{
	switch (site->object) {
	case ORDER_OBJECT_REGISTER:
		return lock_register(ctx, site->base) + site->displacement;
	case ORDER_OBJECT_LOADED:
		return read_user_u64(lock_register(ctx, site->base) + site->offset) +
		       site->displacement;
	case ORDER_OBJECT_CONSTANT:
		return go_pc(ctx) + site->displacement;
	default:
		return 0;
	}
}

static __always_inline struct lock_set *lock_set_of(const struct goroutine_key *key, __u64 since)
{
	static const struct lock_set zero;
	struct lock_set *set = bpf_map_lookup_elem(&lock_sets, key);

	if (!set) {
		bpf_map_update_elem(&lock_sets, key, &zero, BPF_NOEXIST);
		set = bpf_map_lookup_elem(&lock_sets, key);
	}
	if (set && set->since != since) {
		for (int i = 0; i < LOCK_SET_MAX; i++)
			set->locks[i] = 0;
		set->since = since;
	}
	return set;
}

/* One that finds the set full is not noted. */
static __always_inline void lock_set_add(struct lock_set *set, __u64 lock, __u64 place)
{
	for (int i = 0; i < LOCK_SET_MAX; i++)
		if (set->locks[i] == lock)
			return;
	for (int i = 0; i < LOCK_SET_MAX; i++) {
		if (!set->locks[i]) {
			set->locks[i] = lock;
			set->places[i] = place;
			return;
		}
	}
}

/* lock 0: all of them. */
static __always_inline void lock_set_drop(struct lock_set *set, __u64 lock)
{
	for (int i = 0; i < LOCK_SET_MAX; i++)
		if (!lock || set->locks[i] == lock)
			set->locks[i] = 0;
}

static __noinline int lock_note(const struct pt_regs *ctx, const struct lock_site *site, __u32 tgid,
                                __u64 since)
{
	struct goroutine_key key = {.tgid = tgid};
	struct lock_set *set;
	__u64 lock;

	if (!ctx || !site)
		return 0;
	key.g = go_g(ctx);
	if (!key.g || !lock_counts(ctx, site->condition))
		return 0;
	set = lock_set_of(&key, since);
	lock = lock_address(ctx, site);
	if (!set)
		return 0;
	if (lock && (site->action == LOCK_TAKE_SHARED || site->action == LOCK_DROP_SHARED))
		lock |= LOCK_SHARED;
	if (site->action >= LOCK_DROP)
		lock_set_drop(set, lock);
	else if (lock)
		lock_set_add(set, lock, site->at_entry ? go_return_address(ctx) : go_pc(ctx));
	return 0;
}

static __always_inline void lock_tell(const struct pt_regs *ctx, __u64 cookie, __u32 tgid)
{
	__u64 since = *(volatile __u64 *)&tuning.locks_since;
	__u32 row = COOKIE_LOCK_ROW(cookie);
	struct lock_site *site = since ? bpf_map_lookup_elem(&lock_sites, &row) : 0;

	if (site)
		lock_note(ctx, site, tgid, since);
}

/* ---- where a map is used --------------------------------------------------------------------- */

/* A reader's lock keeps nobody out who reads: what changes the map is not guarded by it. */
static __always_inline int lock_set_guards(const struct lock_set *set, __u64 lock, __u32 changes)
{
	for (int i = 0; i < LOCK_SET_MAX; i++) {
		__u64 has = set->locks[i];

		if (has && (has & ~LOCK_SHARED) == lock && !(changes && has & LOCK_SHARED))
			return 1;
	}
	return 0;
}

/* All locks that this goroutine has, which may be none. */
static __always_inline void guard_adopt(struct guard *guard, const struct lock_set *set,
                                        __u32 changes)
{
	__u32 count = 0;

	for (int i = 0; set && i < LOCK_SET_MAX; i++) {
		__u64 has = set->locks[i];

		if (!has || (changes && has & LOCK_SHARED))
			continue;
		guard->locks[i] = has & ~LOCK_SHARED;
		count++;
	}
	if (!count)
		__sync_fetch_and_add(&guard->bare, 1);
}

/* Leave the locks that this goroutine has as well. An access under none of them is the exception,
 * for now: the locks stay. */
static __always_inline void guard_narrow(struct guard *guard, const struct lock_set *set,
                                         __u32 changes)
{
	__u32 common = 0, any = 0;

	for (int i = 0; i < LOCK_SET_MAX; i++) {
		__u64 lock = guard->locks[i];

		if (!lock)
			continue;
		any = 1;
		if (set && lock_set_guards(set, lock, changes))
			common |= 1U << i;
	}
	if (!any) {
		guard_adopt(guard, set, changes);
		return;
	}
	if (!common)
		__sync_fetch_and_add(&guard->bare, 1);
	for (int i = 0; common && i < LOCK_SET_MAX; i++)
		if (!(common >> i & 1))
			guard->locks[i] = 0;
}

/* What is told to people: one of the locks, and where this goroutine has taken it. */
static __always_inline void guard_count(struct map_state *m, const struct lock_set *set)
{
	__u64 lock = 0;

	for (int i = 0; i < LOCK_SET_MAX && !lock; i++)
		lock = m->guard.locks[i];
	for (int i = 0; set && lock && i < LOCK_SET_MAX; i++)
		if ((set->locks[i] & ~LOCK_SHARED) == lock)
			m->counts.guard_place = set->places[i];
	m->counts.guard_lock = lock;
	m->counts.guard_accesses = m->guard.accesses;
	m->counts.guard_bare = m->guard.bare;
}

static __noinline int guard_look(struct map_state *m, const struct operation *o, __u64 since)
{
	struct goroutine_key key = {};
	struct lock_set *set;
	__u32 bare;

	if (!m || !o)
		return 0;
	key.g = o->g;
	key.tgid = o->tgid;
	set = bpf_map_lookup_elem(&lock_sets, &key);
	if (set && set->since != since)
		set = 0;
	if (!set && (__s64)(o->now - since) <= LOCKS_SETTLE_NS)
		return 0;
	/* One at a time: who comes meanwhile is not looked at. */
	if (__sync_lock_test_and_set(&m->guard.busy, 1))
		return 0;
	bare = m->guard.bare;
	guard_narrow(&m->guard, set, o->changes);
	if (m->guard.bare != bare)
		m->counts.guard_bare_place = o->place;
	m->guard.accesses++;
	guard_count(m, set);
	__sync_lock_test_and_set(&m->guard.busy, 0);
	return 0;
}

/* An access to a map that several goroutines use and something changes. */
static __always_inline void guard_observe(struct map_state *m, const struct operation *o)
{
	__u64 since = *(volatile __u64 *)&tuning.locks_since;

	if (since && tuning.lock_rows >> (o->row & (FIELD_ROWS - 1)) & 1)
		guard_look(m, o, since);
}

#endif
