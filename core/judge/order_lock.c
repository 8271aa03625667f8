/* SPDX-License-Identifier: MIT */
/* Locks: who holds which. Readers acquire from writers, writers from both. */
#include <string.h>

#include "core/judge/order_judge_internal.h"

static void held_add(struct order_goroutine *goroutine, const struct order_held *held)
{
	/* The lock of a RWMutex takes the mutex at its own address: the place is that of the whole,
	 * which came first. */
	for (size_t i = 0; i < goroutine->held_count && !held->shared; i++) {
		struct order_held *same = &goroutine->held[i];

		if (same->lock != held->lock || same->shared)
			continue;
		same->kinds |= held->kinds;
		return;
	}
	if (goroutine->held_count == ORDER_HELD)
		goroutine->held_beyond++;
	else
		goroutine->held[goroutine->held_count++] = *held;
}

/* False: nothing was known of it. */
static bool held_remove(struct order_goroutine *goroutine, uint64_t lock, bool shared)
{
	for (size_t i = goroutine->held_count; i-- > 0;) {
		struct order_held *held = &goroutine->held[i];

		if (held->lock != lock || held->shared != shared)
			continue;
		goroutine->held_count--;
		memmove(held, held + 1, (goroutine->held_count - i) * sizeof(*held));
		return true;
	}
	return false;
}

/* Somebody has the lock, so that its holder, whose drop has not been told yet, does not. */
static void lock_take_over(struct order_judge *judge, struct order_object *lock,
                           struct order_goroutine *holder, bool shared)
{
	open_flush(judge, holder, false);
	for (size_t i = 0; i < holder->open_count; i++) {
		struct order_open *open = &holder->open[i];

		if (open->tag == ORDER_LOCK && open->address == lock->key.a && !open->take)
			open->halves = 0; /* it cannot acquire from later ones */
	}
	edge_release(judge, holder, lock, ORDER_DROPPED, true);
	/* Readers may still be in when the books have the writer that waits for them as holder. */
	if (!shared)
		held_remove(holder, lock->key.a, false);
}

void lock_take(struct order_judge *judge, struct order_goroutine *goroutine, uint64_t address,
               uint64_t place, bool shared, uint8_t kinds)
{
	struct order_object *lock = object_obtain(judge, goroutine->tgid, ORDER_LOCK, address);
	struct order_goroutine *holder;

	if (!lock)
		return;
	holder = goroutine_at(judge, lock->holder_slot, lock->holder);
	if (holder && holder != goroutine)
		lock_take_over(judge, lock, holder, shared);
	edge_acquire(judge, goroutine, lock, ORDER_DROPPED, ORDER_BY_LOCK);
	if (!shared) {
		edge_acquire(judge, goroutine, lock, ORDER_READ, ORDER_BY_LOCK);
		lock->holder = goroutine->serial;
		lock->holder_slot = goroutine->slot;
	}
	held_add(goroutine, &(struct order_held){address, place, shared, kinds});
}

void lock_drop(struct order_judge *judge, struct order_goroutine *goroutine, uint64_t address,
               bool shared, bool late)
{
	struct order_object *lock = object_obtain(judge, goroutine->tgid, ORDER_LOCK, address);
	struct order_goroutine *holder;

	if (!held_remove(goroutine, address, shared) && goroutine->held_beyond)
		goroutine->held_beyond--;
	if (!goroutine->held_count)
		goroutine->locks_known = true;
	if (!lock)
		return;
	edge_release(judge, goroutine, lock, shared ? ORDER_READ : ORDER_DROPPED, late);
	if (shared)
		return;
	/* One goroutine may drop what another one took. But where the drop is late, the other one
	 * may have taken it since. */
	holder = goroutine_at(judge, lock->holder_slot, lock->holder);
	if (holder && holder != goroutine && late)
		return;
	if (holder && holder != goroutine)
		held_remove(holder, address, false);
	lock->holder = 0;
}
