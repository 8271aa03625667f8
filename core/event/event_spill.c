/* SPDX-License-Identifier: MIT */
#include "core/event/event_spill.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct spilled {
	struct spilled *next;
	struct event_header event; /* and the rest of it */
};

struct event_spill {
	pthread_mutex_t lock; /* for all but `waiting` and `taken` */
	struct spilled *first, *last;
	size_t bytes; /* of the list */
	struct event_coverage coverage;
	struct event_header tick;
	bool has_coverage, has_tick;
	atomic_size_t waiting; /* events */

	struct spilled *taken; /* the consumer's own, as the next two */
	struct event_coverage taken_coverage;
	struct event_header taken_tick;
};

int event_spill_create(struct event_spill **out)
{
	struct event_spill *spill = calloc(1, sizeof(*spill));

	*out = spill;
	if (!spill)
		return -ENOMEM;
	pthread_mutex_init(&spill->lock, NULL);
	return 0;
}

void event_spill_destroy(struct event_spill *spill)
{
	if (!spill)
		return;
	while (event_spill_take(spill))
		;
	pthread_mutex_destroy(&spill->lock);
	free(spill);
}

/* ---- producer ------------------------------------------------------------------------ */

static size_t bytes_allowed(const struct event_header *event)
{
	return event->kind == EVENT_OVERLAP ? EVENT_SPILL_BYTES / 2 : EVENT_SPILL_BYTES;
}

static bool list_put(struct event_spill *spill, const struct event_header *event)
{
	size_t bytes = offsetof(struct spilled, event) + event->size;
	struct spilled *s;

	if (spill->bytes + bytes > bytes_allowed(event))
		return false;
	s = malloc(bytes);
	if (!s)
		return false;
	s->next = NULL;
	memcpy(&s->event, event, event->size);
	if (spill->last)
		spill->last->next = s;
	else
		spill->first = s;
	spill->last = s;
	spill->bytes += bytes;
	atomic_fetch_add(&spill->waiting, 1);
	return true;
}

static void newest_put(struct event_spill *spill, void *room, bool *has,
                       const struct event_header *event)
{
	memcpy(room, event, event->size);
	if (!*has)
		atomic_fetch_add(&spill->waiting, 1);
	*has = true;
}

bool event_spill_put(struct event_spill *spill, const struct event_header *event)
{
	bool kept = true;

	pthread_mutex_lock(&spill->lock);
	if (event->kind == EVENT_COVERAGE && event->size == sizeof(spill->coverage))
		newest_put(spill, &spill->coverage, &spill->has_coverage, event);
	else if (event->kind == EVENT_TICK && event->size == sizeof(spill->tick))
		newest_put(spill, &spill->tick, &spill->has_tick, event);
	else
		kept = list_put(spill, event);
	pthread_mutex_unlock(&spill->lock);
	return kept;
}

bool event_spill_empty(const struct event_spill *spill)
{
	return atomic_load(&spill->waiting) == 0;
}

/* ---- consumer ------------------------------------------------------------------------ */

static const struct event_header *list_take(struct event_spill *spill)
{
	struct spilled *s = spill->first;

	spill->first = s->next;
	if (!spill->first)
		spill->last = NULL;
	spill->bytes -= offsetof(struct spilled, event) + s->event.size;
	spill->taken = s;
	return &s->event;
}

/* A tick speaks of all that went before it: it comes last, and coverage just before it. */
static const struct event_header *any_take(struct event_spill *spill)
{
	if (spill->first)
		return list_take(spill);
	if (spill->has_coverage) {
		spill->has_coverage = false;
		spill->taken_coverage = spill->coverage;
		return &spill->taken_coverage.h;
	}
	spill->has_tick = false;
	spill->taken_tick = spill->tick;
	return &spill->taken_tick;
}

const struct event_header *event_spill_take(struct event_spill *spill)
{
	const struct event_header *event = NULL;

	free(spill->taken);
	spill->taken = NULL;
	if (event_spill_empty(spill))
		return NULL;
	pthread_mutex_lock(&spill->lock);
	event = any_take(spill);
	atomic_fetch_sub(&spill->waiting, 1);
	pthread_mutex_unlock(&spill->lock);
	return event;
}
