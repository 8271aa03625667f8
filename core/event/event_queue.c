/* SPDX-License-Identifier: MIT */
/*
 * The ring is one memory object mapped twice, back to back, so that an event that crosses the end
 * still lies in one block: no padding, no second copy, no special case for wrapping.
 *
 * Positions are free-running byte counters; position & mask is the offset. Invariants:
 *   head <= read <= tail <= write <= head + capacity
 * where head and tail are shared, read belongs to the consumer and write to the producer.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mremap() */
#endif

#include "core/event/event_queue.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/event/event_spill.h"

#define QUEUE_CAPACITY_MIN ((size_t)64 << 10)
#define QUEUE_CAPACITY_MAX ((size_t)1 << 40)
/* Two lines: the adjacent-line prefetcher of x86 pulls lines in pairs. */
#define QUEUE_LINE 128
/* The consumer hands room back once it owes this part of the ring, or when it finds it empty. */
#define QUEUE_RELEASE_PART 8
/* Larger events are copied by memcpy(). */
#define QUEUE_COPY_WORDS_MAX 256

struct event_queue {
	/* Constant after creation: read by both, written by nobody. */
	alignas(QUEUE_LINE) unsigned char *ring;
	size_t capacity;
	size_t mask;
	size_t release_at;
	struct event_spill *spill;

	/* Written by the producer alone. */
	alignas(QUEUE_LINE) _Atomic uint64_t tail;

	/* The producer's own. */
	alignas(QUEUE_LINE) uint64_t write;
	uint64_t write_limit; /* last head seen + capacity */
	bool spilled;         /* something waited beside the ring when this was last looked at */

	/* Written by the consumer alone. */
	alignas(QUEUE_LINE) _Atomic uint64_t head;

	/* The consumer's own. */
	alignas(QUEUE_LINE) uint64_t read;
	uint64_t cached_tail;
	uint64_t released;                 /* what head says */
	const struct event_header *beside; /* the event that peek returned from beside the ring */
};

static size_t capacity_round(size_t capacity)
{
	size_t rounded = QUEUE_CAPACITY_MIN;

	while (rounded < capacity)
		rounded *= 2;
	return rounded;
}

/* Map size bytes of fresh memory twice in a row: mremap() of nothing to somewhere else gives a
 * shared mapping a second address. */
static unsigned char *ring_map(size_t size)
{
	unsigned char *ring;
	void *room = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return NULL;
	ring = room;
	if (mmap(ring, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
	         0) == MAP_FAILED ||
	    mremap(ring, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, ring + size) == MAP_FAILED) {
		munmap(room, 2 * size);
		return NULL;
	}
	return ring;
}

int event_queue_create(size_t capacity, struct event_queue **out)
{
	struct event_queue *queue;

	*out = NULL;
	if (capacity == 0 || capacity > QUEUE_CAPACITY_MAX)
		return -EINVAL;
	queue = aligned_alloc(QUEUE_LINE, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	memset(queue, 0, sizeof(*queue));
	queue->capacity = capacity_round(capacity);
	queue->mask = queue->capacity - 1;
	queue->release_at = queue->capacity / QUEUE_RELEASE_PART;
	queue->write_limit = queue->capacity;
	queue->ring = ring_map(queue->capacity);
	if (!queue->ring || event_spill_create(&queue->spill)) {
		event_queue_destroy(queue);
		return -ENOMEM;
	}
	*out = queue;
	return 0;
}

void event_queue_destroy(struct event_queue *queue)
{
	if (!queue)
		return;
	if (queue->ring)
		munmap(queue->ring, 2 * queue->capacity);
	event_spill_destroy(queue->spill);
	free(queue);
}

/* ---- producer ------------------------------------------------------------------------ */

/* Events that wait beside the ring came before what is pushed now: they are taken first. */
static bool queue_spills(struct event_queue *queue)
{
	if (queue->spilled)
		queue->spilled = !event_spill_empty(queue->spill);
	return queue->spilled;
}

void *event_queue_reserve(struct event_queue *queue, size_t size)
{
	void *room;

	if (__builtin_expect(queue->spilled, 0) && queue_spills(queue))
		return NULL;
	if (__builtin_expect(queue->write_limit - queue->write < size, 0)) {
		/* acquire: pairs with the release store in event_queue_release(): what the consumer
		 * read from the bytes it handed back, it read before this thread overwrites them.
		 */
		queue->write_limit =
		        atomic_load_explicit(&queue->head, memory_order_acquire) + queue->capacity;
		if (queue->write_limit - queue->write < size)
			return NULL;
	}
	if (__builtin_expect(size % 8 != 0 || size < sizeof(struct event_header), 0))
		return NULL;
	room = queue->ring + (queue->write & queue->mask);
	queue->write += size;
	return room;
}

void event_queue_publish(struct event_queue *queue)
{
	/* release: pairs with the acquire load in queue_refresh(): whoever sees this tail sees the
	 * bytes of every event before it. */
	atomic_store_explicit(&queue->tail, queue->write, memory_order_release);
}

/* For small events the call of memcpy() is a good part of the cost (measured: a fifth of a push of
 * 64 bytes). The empty asm keeps the compiler from making that call out of the loop. */
static inline void event_copy(void *to, const void *from, size_t size)
{
	const uint64_t *source = from;
	uint64_t *target = to;

	if (size > QUEUE_COPY_WORDS_MAX) {
		memcpy(to, from, size);
		return;
	}
	for (size_t i = 0; i < size / sizeof(*source); i++) {
		target[i] = source[i];
		__asm__ volatile("" ::: "memory");
	}
}

bool event_queue_push(struct event_queue *queue, const struct event_header *event)
{
	void *room = event_queue_reserve(queue, event->size);

	if (!room)
		return false;
	event_copy(room, event, event->size);
	event_queue_publish(queue);
	return true;
}

bool event_queue_push_essential(struct event_queue *queue, const struct event_header *event)
{
	if (event_queue_push(queue, event))
		return true;
	if (event->size % 8 != 0 || event->size < sizeof(*event))
		return false;
	queue->spilled = true;
	return event_spill_put(queue->spill, event);
}

/* ---- consumer ------------------------------------------------------------------------ */

/* The copy of the tail says empty: look at the real one. True when there is news. */
static bool queue_refresh(struct event_queue *queue)
{
	/* acquire: pairs with the release store in event_queue_publish(). */
	queue->cached_tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
	if (queue->cached_tail != queue->read)
		return true;
	/* Empty: give everything back, or a large event could wait for room that nobody uses. */
	event_queue_release(queue);
	return false;
}

/* The ring is empty: what waits beside it is next. Looked at once more after something was seen to
 * wait, since an event may have come into the ring before that; none does while something waits. */
static bool queue_look_beside(struct event_queue *queue)
{
	if (event_spill_empty(queue->spill))
		return false;
	if (queue_refresh(queue))
		return true;
	queue->beside = event_spill_take(queue->spill);
	return queue->beside;
}

const struct event_header *event_queue_peek(struct event_queue *queue)
{
	if (queue->beside)
		return queue->beside;
	if (queue->read == queue->cached_tail && !queue_refresh(queue) && !queue_look_beside(queue))
		return NULL;
	if (queue->beside)
		return queue->beside;
	return (const struct event_header *)(queue->ring + (queue->read & queue->mask));
}

void event_queue_pop(struct event_queue *queue)
{
	const struct event_header *event =
	        (const struct event_header *)(queue->ring + (queue->read & queue->mask));

	if (queue->beside) {
		queue->beside = NULL;
		return;
	}
	queue->read += event->size;
	if (queue->read - queue->released >= queue->release_at)
		event_queue_release(queue);
}

void event_queue_release(struct event_queue *queue)
{
	if (queue->released == queue->read)
		return;
	queue->released = queue->read;
	/* release: pairs with the acquire load in event_queue_reserve(). */
	atomic_store_explicit(&queue->head, queue->read, memory_order_release);
}
