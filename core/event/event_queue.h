/* SPDX-License-Identifier: MIT */
/*
 * event_queue: lock-free single-producer single-consumer ring of events.
 *
 * One thread pushes, one other thread pops; nobody waits. Events are variable-sized (a multiple
 * of 8 bytes, struct event_header first) and lie in one block each, so the consumer reads them in
 * place. Head and tail are free-running byte counters on cache lines of their own; each side keeps
 * a cached copy of the other's index and looks at the real one only when the copy says full or
 * empty. Each fence in event_queue.c names the one it pairs with.
 *
 * What a report stands on is never given up because the ring is full: conflicts, crashes,
 * beginnings and ends of processes, coverage (which says what was lost) and ticks are pushed as
 * essential. Without room in the ring they wait beside it (core/event/event_spill.h), and until the
 * consumer has taken them, nothing else is accepted, so that the order stays. Everything else is
 * refused when the ring is full; whoever pushes it counts the loss.
 */
#ifndef GOMAPTOP_CORE_EVENT_QUEUE_H
#define GOMAPTOP_CORE_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event/event.h"

struct event_queue;

/* capacity: bytes, rounded up to a power of two of at least 64 KiB. 0 or -ENOMEM/-EINVAL. */
int event_queue_create(size_t capacity, struct event_queue **out);
void event_queue_destroy(struct event_queue *queue); /* accepts NULL; both threads have ended */

/* Producer. Room for one event of size bytes, or NULL when the queue is full. The event becomes
 * visible with event_queue_publish(), which may cover many reserved events (a batch); by then its
 * header.size must be size, or the consumer loses its way. Also NULL: size is no multiple of 8 or
 * smaller than a header. */
void *event_queue_reserve(struct event_queue *queue, size_t size);
void event_queue_publish(struct event_queue *queue);

/* Producer. Reserve, copy, publish. False: full, nothing was written. event->size counts. */
bool event_queue_push(struct event_queue *queue, const struct event_header *event);

/* Producer. The same for an event that must arrive. False only where EVENT_SPILL_BYTES of such
 * events wait already, half of that for conflicts, or memory ran out; never for EVENT_COVERAGE and
 * EVENT_TICK, of which the newest takes the place of one that still waits. */
bool event_queue_push_essential(struct event_queue *queue, const struct event_header *event);

/* Consumer. The oldest event, in place, or NULL when empty; valid until event_queue_pop(). */
const struct event_header *event_queue_peek(struct event_queue *queue);
/* Consumer. Done with the event that peek returned. Room is handed back to the producer in
 * batches; event_queue_release() hands back what is outstanding at once. */
void event_queue_pop(struct event_queue *queue);
void event_queue_release(struct event_queue *queue);

#endif
