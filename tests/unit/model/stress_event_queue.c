/* SPDX-License-Identifier: MIT */
/*
 * event_queue between two threads: millions of events of all sizes, each with a checksum and a
 * number. Under ThreadSanitizer this is the proof that the fences are there; without it, that
 * nothing is lost, doubled, torn or out of order.
 *
 *     stress_event_queue [EVENTS]
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event/event_queue.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define EVENTS_DEFAULT 2000000
#else
#define EVENTS_DEFAULT 10000000
#endif
#define QUEUE_BYTES ((size_t)64 << 10)
#define WORDS_MAX   40
/* The largest wire event, now and then. */
#define WORDS_LARGE ((sizeof(struct event_overlap) - sizeof(struct event_header)) / 8)

struct stress {
	struct event_queue *queue;
	uint64_t events;
	uint64_t bad; /* the consumer's */
	uint64_t refused;
};

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15;
	return x ^ (x >> 29);
}

static size_t words_of(uint64_t number)
{
	return mix(number) % 512 == 0 ? WORDS_LARGE : mix(number) % WORDS_MAX;
}

/* Header, then words that depend on number and place; the sum is in header.pad and tgid. */
static void event_write(struct event_header *event, uint64_t number)
{
	uint64_t *words = (uint64_t *)(event + 1), sum = number;
	size_t count = words_of(number);

	for (size_t i = 0; i < count; i++) {
		words[i] = mix(number + i);
		sum = sum * 31 + words[i];
	}
	event->kind = EVENT_STALL;
	event->size = (uint32_t)(sizeof(*event) + 8 * count);
	event->time_ns = number;
	event->tgid = (uint32_t)sum;
	event->pad = (uint32_t)(sum >> 32);
}

static int event_good(const struct event_header *event, uint64_t number)
{
	const uint64_t *words = (const uint64_t *)(event + 1);
	uint64_t sum = number;
	size_t count = words_of(number);

	if (event->time_ns != number || event->size != sizeof(*event) + 8 * count)
		return 0;
	for (size_t i = 0; i < count; i++)
		sum = sum * 31 + words[i];
	return event->tgid == (uint32_t)sum && event->pad == (uint32_t)(sum >> 32);
}

static struct event_header *reserve_patiently(struct stress *stress, size_t size)
{
	struct event_header *event;

	while (!(event = event_queue_reserve(stress->queue, size))) {
		stress->refused++;
		event_queue_publish(stress->queue);
		sched_yield();
	}
	return event;
}

/* All three ways to push: one by one in place, copied, and batches of changing length. */
static void *produce(void *arg)
{
	struct stress *stress = arg;
	struct event_header *event;
	static _Alignas(8) unsigned char copy[sizeof(*event) + 8 * WORDS_LARGE];

	for (uint64_t number = 0; number < stress->events; number++) {
		size_t size = sizeof(*event) + 8 * words_of(number);

		if (number % 3 == 0) {
			event_write((struct event_header *)copy, number);
			while (!event_queue_push(stress->queue, (struct event_header *)copy)) {
				stress->refused++;
				sched_yield();
			}
			continue;
		}
		event = reserve_patiently(stress, size);
		event_write(event, number);
		if (number % 3 == 1 || mix(number) % 7 == 0)
			event_queue_publish(stress->queue);
	}
	event_queue_publish(stress->queue);
	return NULL;
}

static void consume(struct stress *stress)
{
	const struct event_header *event;

	for (uint64_t number = 0; number < stress->events; number++) {
		while (!(event = event_queue_peek(stress->queue)))
			sched_yield();
		stress->bad += !event_good(event, number);
		event_queue_pop(stress->queue);
		if (mix(number) % 1024 == 0)
			event_queue_release(stress->queue);
	}
	stress->bad += event_queue_peek(stress->queue) != NULL;
}

int main(int argc, char **argv)
{
	struct stress stress = {.events = EVENTS_DEFAULT};
	pthread_t producer;

	if (argc > 1)
		stress.events = strtoull(argv[1], NULL, 10);
	if (event_queue_create(QUEUE_BYTES, &stress.queue) < 0 ||
	    pthread_create(&producer, NULL, produce, &stress) != 0) {
		fprintf(stderr, "no memory or no thread\n");
		return 1;
	}
	consume(&stress);
	pthread_join(producer, NULL);
	event_queue_destroy(stress.queue);
	printf("%llu events through a ring of %zu KiB, full %llu times, %llu bad\n",
	       (unsigned long long)stress.events, QUEUE_BYTES >> 10,
	       (unsigned long long)stress.refused, (unsigned long long)stress.bad);
	printf("%d passed, %d failed\n", stress.bad == 0, stress.bad != 0);
	return stress.bad != 0;
}
