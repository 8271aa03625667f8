/* SPDX-License-Identifier: MIT */
/*
 * event_queue beside Concurrency Kit's ck_ring (single producer, single consumer), two threads, in
 * one program. Rounds are short and the contenders take turns, so that the machine's moods hit all;
 * what counts is the lower quartile, since both threads must run at once to measure anything.
 *
 *     64-byte events   ck_ring carries them by value, as CK_RING_PROTOTYPE makes it
 *     real events      stalls and overlaps with stacks of 8 to 40 frames. ck_ring has one size of
 *                      element: the largest event by value, or a pointer to a copy in memory from
 *                      malloc. The faster of the two is what event_queue is held against.
 *
 * Both sides do the same work for an event: the producer copies it from a table, the consumer
 * reads a word of each of its cache lines. Exit status 1: event_queue was slower.
 *
 *     bench_queue [ROUNDS [EVENTS]]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setaffinity_np() */
#endif

#include <ck_ring.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/event/event_queue.h"

#define ROUNDS_MAX    1001
#define TABLE_EVENTS  256
#define BATCH         32
#define SMALL_ENTRIES 4096 /* 256 KiB of 64-byte events in either ring */
#define LARGE_BYTES   ((size_t)1 << 20)
#define LARGE_ENTRIES 512 /* 1.1 MiB by value */
#define SPINS         200

struct small {
	struct event_header header;
	uint64_t payload[5];
};

struct large {
	_Alignas(8) unsigned char bytes[EVENT_SIZE_MAX];
};

_Static_assert(sizeof(struct small) == 64, "one cache line");

CK_RING_PROTOTYPE(small, small)
CK_RING_PROTOTYPE(large, large)

/* What all contenders push, in turn: packed, so that reading it costs next to nothing. The last one
 * is followed by room, because ck_ring by value copies the largest size whatever the event's. */
static struct event_header *table[TABLE_EVENTS];
static _Alignas(64) unsigned char storage[(TABLE_EVENTS + 1) * sizeof(struct large)];
static size_t events;

static struct event_queue *queue;
static ck_ring_t ring;
static struct small small_buffer[SMALL_ENTRIES];
static struct large large_buffer[LARGE_ENTRIES];
static void *pointer_buffer[SMALL_ENTRIES];

static const struct event_header *table_event(size_t i)
{
	return table[i % TABLE_EVENTS];
}

static uint64_t touch(const struct event_header *event)
{
	const unsigned char *bytes = (const unsigned char *)event;
	uint64_t sum = 0, word;

	for (uint32_t i = 0; i < event->size; i += 64) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

/* Nothing to do: stay on the CPU for a while, then let others have it. */
static void rest(unsigned int *spins)
{
	if (++*spins % SPINS == 0)
		sched_yield();
	else
		ck_pr_stall();
}

/* ---- contenders: produce everything, consume everything ------------------------------ */

/* One queue for all rounds, as ck_ring's buffers are: nobody pays for fresh memory. */
static struct event_queue *queue_of(struct event_queue **one, size_t bytes)
{
	if (!*one && event_queue_create(bytes, one) < 0)
		abort();
	return *one;
}

static struct event_queue *queue_small, *queue_large;

static void open_queue_small(void)
{
	queue = queue_of(&queue_small, SMALL_ENTRIES * sizeof(struct small));
}

static void open_queue_large(void)
{
	queue = queue_of(&queue_large, LARGE_BYTES);
}

static void produce_queue(void)
{
	unsigned int spins = 0;

	for (size_t i = 0; i < events; i++) {
		while (!event_queue_push(queue, table_event(i)))
			rest(&spins);
	}
}

static void produce_queue_batch(void)
{
	unsigned int spins = 0;

	for (size_t i = 0; i < events; i++) {
		const struct event_header *event = table_event(i);
		void *room;

		while (!(room = event_queue_reserve(queue, event->size))) {
			event_queue_publish(queue);
			rest(&spins);
		}
		memcpy(room, event, event->size);
		if (i % BATCH == BATCH - 1)
			event_queue_publish(queue);
	}
	event_queue_publish(queue);
}

static uint64_t consume_queue(void)
{
	const struct event_header *event;
	unsigned int spins = 0;
	uint64_t sum = 0;

	for (size_t i = 0; i < events; i++) {
		while (!(event = event_queue_peek(queue)))
			rest(&spins);
		sum += touch(event);
		event_queue_pop(queue);
	}
	return sum;
}

static void open_ck_small(void)
{
	ck_ring_init(&ring, SMALL_ENTRIES);
}

static void produce_ck_small(void)
{
	unsigned int spins = 0;
	struct small entry;

	for (size_t i = 0; i < events; i++) {
		memcpy(&entry, table_event(i), sizeof(entry));
		while (!ck_ring_enqueue_spsc_small(&ring, small_buffer, &entry))
			rest(&spins);
	}
}

static uint64_t consume_ck_small(void)
{
	unsigned int spins = 0;
	struct small entry;
	uint64_t sum = 0;

	for (size_t i = 0; i < events; i++) {
		while (!ck_ring_dequeue_spsc_small(&ring, small_buffer, &entry))
			rest(&spins);
		sum += touch(&entry.header);
	}
	return sum;
}

static void open_ck_large(void)
{
	ck_ring_init(&ring, LARGE_ENTRIES);
}

static void produce_ck_large(void)
{
	unsigned int spins = 0;

	for (size_t i = 0; i < events; i++) {
		while (!ck_ring_enqueue_spsc_large(&ring, large_buffer,
		                                   (struct large *)table[i % TABLE_EVENTS]))
			rest(&spins);
	}
}

static uint64_t consume_ck_large(void)
{
	static struct large entry;
	unsigned int spins = 0;
	uint64_t sum = 0;

	for (size_t i = 0; i < events; i++) {
		while (!ck_ring_dequeue_spsc_large(&ring, large_buffer, &entry))
			rest(&spins);
		sum += touch((const struct event_header *)entry.bytes);
	}
	return sum;
}

static void open_ck_pointer(void)
{
	ck_ring_init(&ring, SMALL_ENTRIES);
}

static void produce_ck_pointer(void)
{
	unsigned int spins = 0;

	for (size_t i = 0; i < events; i++) {
		const struct event_header *event = table_event(i);
		void *copy = malloc(event->size);

		if (!copy)
			abort();
		memcpy(copy, event, event->size);
		while (!ck_ring_enqueue_spsc(&ring, (ck_ring_buffer_t *)pointer_buffer, copy))
			rest(&spins);
	}
}

static uint64_t consume_ck_pointer(void)
{
	unsigned int spins = 0;
	uint64_t sum = 0;
	void *entry;

	for (size_t i = 0; i < events; i++) {
		while (!ck_ring_dequeue_spsc(&ring, (ck_ring_buffer_t *)pointer_buffer, &entry))
			rest(&spins);
		sum += touch(entry);
		free(entry);
	}
	return sum;
}

struct contender {
	const char *name;
	void (*open)(void);
	void (*produce)(void);
	uint64_t (*consume)(void);
	double ns[ROUNDS_MAX]; /* per event */
};

/* ---- one round ----------------------------------------------------------------------- */

static pthread_barrier_t start;

/* Producer and consumer each on a CPU of their own, where there are two. */
static void cpu_pin(int index)
{
	cpu_set_t allowed, one;
	int found = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || CPU_COUNT(&allowed) < 2)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || found++ != index)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
		return;
	}
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Both take the time themselves: who waits for them is not on a CPU when they begin. */
struct round {
	const struct contender *contender;
	uint64_t sum;
	double begin, end;
};

static void *producer_main(void *arg)
{
	struct round *round = arg;

	cpu_pin(0);
	pthread_barrier_wait(&start);
	round->begin = now_ns();
	round->contender->produce();
	return NULL;
}

static void *consumer_main(void *arg)
{
	struct round *round = arg;

	cpu_pin(1);
	pthread_barrier_wait(&start);
	round->sum = round->contender->consume();
	round->end = now_ns();
	return NULL;
}

static double round_run(struct contender *contender, uint64_t expected)
{
	struct round round = {.contender = contender};
	pthread_t producer, consumer;

	contender->open();
	pthread_barrier_init(&start, NULL, 2);
	if (pthread_create(&producer, NULL, producer_main, &round) ||
	    pthread_create(&consumer, NULL, consumer_main, &round))
		abort();
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	pthread_barrier_destroy(&start);
	if (round.sum != expected) {
		fprintf(stderr, "%s delivered something else than was sent\n", contender->name);
		exit(1);
	}
	return (round.end - round.begin) / (double)events;
}

/* ---- a bout -------------------------------------------------------------------------- */

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

/* The value below which a quarter lies: that of rounds in which nobody else wanted the CPUs. */
static double quartile(const double *values, int count)
{
	static double sorted[ROUNDS_MAX];

	memcpy(sorted, values, (size_t)count * sizeof(*sorted));
	qsort(sorted, (size_t)count, sizeof(*sorted), by_value);
	return sorted[count / 4];
}

static uint64_t table_sum(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < events; i++)
		sum += touch(table_event(i));
	return sum;
}

/* The first two are event_queue with and without batches, the others what they are held against.
 * Returns how many of ours lost. */
static int bout(const char *title, struct contender *contenders, int count, int rounds)
{
	uint64_t sum = table_sum();
	int lost = 0, best = 2;

	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < count; i++) {
			double ns = round_run(&contenders[(i + round + 1) % count], sum);

			if (round >= 0) /* the first one warms up */
				contenders[(i + round + 1) % count].ns[round] = ns;
		}
	}
	printf("%s, %zu a round, %d rounds, lower quartile:\n", title, events, rounds);
	for (int i = 0; i < count; i++) {
		double ns = quartile(contenders[i].ns, rounds);

		printf("  %-34s %8.1f ns/event  %6.2f M/s\n", contenders[i].name, ns, 1e3 / ns);
		if (i > 2 && ns < quartile(contenders[best].ns, rounds))
			best = i;
	}
	for (int i = 0; i < 2; i++) {
		double r =
		        quartile(contenders[best].ns, rounds) / quartile(contenders[i].ns, rounds);

		printf("  %s / %s = %.2f%s\n", contenders[best].name, contenders[i].name, r,
		       r < 1 ? "  SLOWER" : "");
		lost += r < 1;
	}
	return lost;
}

static void table_fill_small(void)
{
	for (size_t i = 0; i < TABLE_EVENTS; i++) {
		struct small *event = (struct small *)(storage + i * sizeof(*event));

		memset(event, (int)i, sizeof(*event));
		event->header = (struct event_header){
		        .kind = EVENT_STALL, .size = sizeof(*event), .time_ns = i};
		table[i] = &event->header;
	}
}

/* One overlap to seven stalls, stacks cut off behind the last used entry as on the wire. */
static void table_fill_real(void)
{
	size_t used = 0;

	for (size_t i = 0; i < TABLE_EVENTS; i++) {
		struct event_header *event = (struct event_header *)(storage + used);
		size_t stack = 8 * (8 + i * 7 % 33);

		*event = (struct event_header){
		        .kind = i % 8 ? EVENT_STALL : EVENT_OVERLAP,
		        .size = (uint32_t)(stack + offsetof(struct access, stack) +
		                           (i % 8 ? offsetof(struct event_stall, access)
		                                  : offsetof(struct event_overlap, came))),
		        .time_ns = i,
		};
		memset(event + 1, (int)i, event->size - sizeof(*event));
		table[i] = event;
		used += event->size;
	}
}

int main(int argc, char **argv)
{
	static struct contender small[] = {
	        {"event_queue, publish each", open_queue_small, produce_queue, consume_queue, {0}},
	        {"event_queue, publish 32",
	         open_queue_small,
	         produce_queue_batch,
	         consume_queue,
	         {0}},
	        {"ck_ring, by value", open_ck_small, produce_ck_small, consume_ck_small, {0}},
	};
	static struct contender real[] = {
	        {"event_queue, publish each", open_queue_large, produce_queue, consume_queue, {0}},
	        {"event_queue, publish 32",
	         open_queue_large,
	         produce_queue_batch,
	         consume_queue,
	         {0}},
	        {"ck_ring, largest event by value",
	         open_ck_large,
	         produce_ck_large,
	         consume_ck_large,
	         {0}},
	        {"ck_ring, pointer to malloc'd copy",
	         open_ck_pointer,
	         produce_ck_pointer,
	         consume_ck_pointer,
	         {0}},
	};
	int rounds = argc > 1 ? atoi(argv[1]) : 201;
	int lost = 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "between 1 and %d rounds\n", ROUNDS_MAX);
		return 2;
	}
	events = argc > 2 ? strtoul(argv[2], NULL, 10) : 200000;
	table_fill_small();
	lost += bout("64-byte events", small, 3, rounds);
	events /= 4;
	table_fill_real();
	lost += bout("real events", real, 4, rounds);
	event_queue_destroy(queue_small);
	event_queue_destroy(queue_large);
	return lost != 0;
}
