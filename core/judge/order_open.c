/* SPDX-License-Identifier: MIT */
/*
 * Acquisitions that are told when they begin.
 *
 * What they acquire is what has been released when they are complete: at the latest at the
 * goroutine's next event. It may tell of others that lie inside: the lock of a RWMutex takes a
 * mutex and then waits for readers, a WaitGroup waits for a semaphore. So an acquisition stays open
 * until something is told that cannot lie inside of one.
 */
#include <string.h>

#include "core/judge/order_judge_internal.h"

static void open_remove(struct order_goroutine *goroutine, size_t i)
{
	goroutine->open_count--;
	memmove(&goroutine->open[i], &goroutine->open[i + 1],
	        (goroutine->open_count - i) * sizeof(goroutine->open[0]));
}

void open_add(struct order_goroutine *goroutine, const struct order_open *open)
{
	for (size_t i = 0; i < goroutine->open_count; i++) {
		struct order_open *same = &goroutine->open[i];

		if (same->tag == open->tag && same->address == open->address) {
			same->halves |= open->halves;
			same->kinds |= open->kinds;
			if (open->take)
				same->take = open->take;
			return;
		}
	}
	if (goroutine->open_count == ORDER_OPEN)
		open_remove(goroutine, 0);
	goroutine->open[goroutine->open_count++] = *open;
}

void open_has_dropped(struct order_goroutine *goroutine, uint64_t lock)
{
	for (size_t i = 0; i < goroutine->open_count; i++)
		if (goroutine->open[i].tag == ORDER_LOCK && goroutine->open[i].address == lock)
			goroutine->open[i].take = ORDER_TAKE_NOT;
}

static void open_acquire(struct order_judge *judge, struct order_goroutine *goroutine,
                         const struct order_open *open)
{
	struct order_object *object;

	if (open->tag == ORDER_EVERYTHING) {
		edge_acquire_all(judge, goroutine);
		return;
	}
	object = object_obtain(judge, goroutine->tgid, open->tag, open->address);
	for (int half = 0; object && half < 2; half++)
		if (open->halves & (1 << half))
			edge_acquire(judge, goroutine, object, half,
			             edge_way(open->tag, open->way));
}

void open_flush(struct order_judge *judge, struct order_goroutine *goroutine, bool complete)
{
	struct order_open open[ORDER_OPEN];
	size_t count = goroutine->open_count;

	memcpy(open, goroutine->open, count * sizeof(open[0]));
	if (complete)
		goroutine->open_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (complete && open[i].take)
			lock_take(judge, goroutine, open[i].address, open[i].place,
			          open[i].take == ORDER_TAKE_SHARED, open[i].kinds);
		else
			open_acquire(judge, goroutine, &open[i]);
	}
}

/* The latest, but for the semaphore at which the goroutine waits for it, and the timers, which may
 * stand behind any channel. */
enum order_way open_way(const struct order_goroutine *goroutine)
{
	for (size_t i = goroutine->open_count; i-- > 0;) {
		enum order_way way = edge_way(goroutine->open[i].tag, goroutine->open[i].way);

		if (way != ORDER_BY_WAKE && way != ORDER_BY_TIMER && way != ORDER_BY_OTHER)
			return way;
	}
	return ORDER_BY_WAKE;
}

bool open_covers(const struct order_judge *judge, const struct order_goroutine *goroutine,
                 uint16_t slot, int32_t own)
{
	for (size_t i = 0; i < goroutine->open_count; i++) {
		const struct order_open *open = &goroutine->open[i];
		const struct order_object *object;

		if (open->tag == ORDER_EVERYTHING) {
			if (judge->released.at[slot] >= own)
				return true;
			continue;
		}
		object = object_find(judge, goroutine->tgid, open->tag, open->address);
		for (int half = 0; object && half < 2; half++) {
			const struct order_clock *clock = object->halves[half].clock;

			if (open->halves & (1 << half) && clock && clock->at[slot] >= own)
				return true;
		}
	}
	return false;
}
