/* SPDX-License-Identifier: MIT */
/* event_queue in one thread: order, room, batches. stress_event_queue.c has the two threads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/event/event_queue.h"

#define SMALLEST ((size_t)64 << 10)

static struct event_queue *queue_new(size_t capacity)
{
	struct event_queue *queue;

	assert_int_equal(event_queue_create(capacity, &queue), 0);
	return queue;
}

/* An event whose bytes all depend on its number. */
static size_t event_fill(unsigned char *event, uint64_t number, size_t size)
{
	struct event_header header = {
	        .kind = EVENT_STALL, .size = (uint32_t)size, .time_ns = number};

	for (size_t i = 0; i < size; i++)
		event[i] = (unsigned char)(number * 31 + i);
	memcpy(event, &header, sizeof(header));
	return size;
}

static size_t size_of(uint64_t number)
{
	return sizeof(struct event_header) + number * 2654435761u % 256 * 8;
}

static void event_check(const struct event_header *event, uint64_t number)
{
	unsigned char expected[sizeof(struct event_header) + 256 * 8];
	size_t size = event_fill(expected, number, size_of(number));

	assert_non_null(event);
	assert_int_equal(event->size, size);
	assert_memory_equal(event, expected, size);
}

static void test_create(void **state)
{
	struct event_queue *queue = NULL;

	(void)state;
	assert_int_equal(event_queue_create(0, &queue), -EINVAL);
	assert_null(queue);
	assert_int_equal(event_queue_create(SIZE_MAX, &queue), -EINVAL);
	event_queue_destroy(NULL);
	queue = queue_new(1);
	assert_null(event_queue_peek(queue));
	event_queue_destroy(queue);
}

/* Many times around the ring, with sizes that never fit its end. */
static void test_order(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST);
	unsigned char event[sizeof(struct event_header) + 256 * 8];
	uint64_t pushed = 0, popped = 0;

	(void)state;
	while (popped < 20000) {
		for (int i = 0; i < 17 && pushed < 20000; i++) {
			event_fill(event, pushed, size_of(pushed));
			if (!event_queue_push(queue, (const struct event_header *)event))
				break;
			pushed++;
		}
		for (int i = 0; i < 13 && popped < pushed; i++) {
			event_check(event_queue_peek(queue), popped);
			event_check(event_queue_peek(queue), popped);
			event_queue_pop(queue);
			popped++;
		}
	}
	assert_null(event_queue_peek(queue));
	event_queue_destroy(queue);
}

static void test_full_is_exact(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST);
	unsigned char event[64];
	size_t count = 0;

	(void)state;
	event_fill(event, 7, sizeof(event));
	while (event_queue_push(queue, (const struct event_header *)event))
		count++;
	assert_int_equal(count, SMALLEST / sizeof(event));
	assert_null(event_queue_reserve(queue, sizeof(struct event_header)));
	/* What was refused left no trace: exactly count events come out. */
	for (size_t i = 0; i < count; i++) {
		assert_memory_equal(event_queue_peek(queue), event, sizeof(event));
		event_queue_pop(queue);
	}
	assert_null(event_queue_peek(queue));
	event_queue_destroy(queue);
}

static void test_capacity_is_rounded_up(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST + 1);
	struct event_header event = {.kind = EVENT_TICK, .size = 4096};

	(void)state;
	for (size_t i = 0; i < 2 * SMALLEST / event.size; i++) {
		void *room = event_queue_reserve(queue, event.size);

		assert_non_null(room);
		memcpy(room, &event, sizeof(event));
	}
	assert_null(event_queue_reserve(queue, event.size));
	event_queue_destroy(queue);
}

static void test_batch(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST);
	unsigned char *room;

	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		room = event_queue_reserve(queue, size_of(i));
		assert_non_null(room);
		event_fill(room, i, size_of(i));
		assert_null(event_queue_peek(queue));
	}
	event_queue_publish(queue);
	for (uint64_t i = 0; i < 10; i++) {
		event_check(event_queue_peek(queue), i);
		event_queue_pop(queue);
	}
	assert_null(event_queue_peek(queue));
	event_queue_destroy(queue);
}

static void test_sizes_refused(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST);
	struct event_header event = {.kind = EVENT_TICK, .size = sizeof(event)};

	(void)state;
	assert_null(event_queue_reserve(queue, sizeof(event) + 4));
	assert_null(event_queue_reserve(queue, 8));
	assert_null(event_queue_reserve(queue, 0));
	assert_null(event_queue_reserve(queue, SMALLEST + 8));
	assert_null(event_queue_reserve(queue, SIZE_MAX - 7));
	assert_true(event_queue_push(queue, &event));
	assert_int_equal(event_queue_peek(queue)->size, sizeof(event));
	event_queue_destroy(queue);
}

/* An event as large as the whole ring passes once the ring is empty, wherever its ends lie. */
static void test_whole_ring(void **state)
{
	static unsigned char event[SMALLEST];
	struct event_queue *queue = queue_new(SMALLEST);
	struct event_header small = {.kind = EVENT_TICK, .size = sizeof(small)};

	(void)state;
	event_fill(event, 3, sizeof(event));
	for (int i = 0; i < 5; i++) {
		assert_true(event_queue_push(queue, &small));
		assert_false(event_queue_push(queue, (const struct event_header *)event));
		assert_non_null(event_queue_peek(queue));
		event_queue_pop(queue);
		assert_null(event_queue_peek(queue)); /* finding it empty hands back all room */
		assert_true(event_queue_push(queue, (const struct event_header *)event));
		assert_memory_equal(event_queue_peek(queue), event, sizeof(event));
		event_queue_pop(queue);
	}
	event_queue_destroy(queue);
}

static void test_release(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST);
	unsigned char event[1024];

	(void)state;
	event_fill(event, 1, sizeof(event));
	while (event_queue_push(queue, (const struct event_header *)event))
		;
	assert_non_null(event_queue_peek(queue));
	event_queue_pop(queue);
	/* One event is less than a batch: the room is still the consumer's ... */
	assert_false(event_queue_push(queue, (const struct event_header *)event));
	event_queue_release(queue);
	/* ... and now it is not. */
	assert_true(event_queue_push(queue, (const struct event_header *)event));
	event_queue_destroy(queue);
}

/* What must arrive does, in its order and after what was in the ring; of coverage and ticks the
 * newest; and until it was taken nothing else gets in before it. */
static void test_essential_passes_a_full_ring(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST);
	struct event_process end = {.h = {.kind = EVENT_PROCESS, .size = sizeof(end)}};
	struct event_coverage coverage = {.h = {.kind = EVENT_COVERAGE, .size = sizeof(coverage)}};
	struct event_header tick = {.kind = EVENT_TICK, .size = sizeof(tick)};
	unsigned char event[1024];
	size_t count = 0;

	(void)state;
	event_fill(event, 1, sizeof(event));
	while (event_queue_push(queue, (const struct event_header *)event))
		count++;
	for (unsigned int i = 1; i <= 3; i++) {
		end.h.tgid = i;
		coverage.value[COVERAGE_HITS] = i;
		tick.time_ns = i;
		assert_true(event_queue_push_essential(queue, &end.h));
		assert_true(event_queue_push_essential(queue, &coverage.h));
		assert_true(event_queue_push_essential(queue, &tick));
	}
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(event_queue_peek(queue)->kind, EVENT_STALL);
		event_queue_pop(queue);
	}
	event_queue_release(queue);
	assert_false(event_queue_push(queue, (const struct event_header *)event));
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(event_queue_peek(queue)->kind, EVENT_PROCESS);
		assert_int_equal(event_queue_peek(queue)->tgid, i);
		event_queue_pop(queue);
	}
	assert_int_equal(event_queue_peek(queue)->kind, EVENT_COVERAGE);
	assert_int_equal(
	        ((const struct event_coverage *)event_queue_peek(queue))->value[COVERAGE_HITS], 3);
	event_queue_pop(queue);
	assert_int_equal(event_queue_peek(queue)->kind, EVENT_TICK);
	assert_int_equal(event_queue_peek(queue)->time_ns, 3);
	event_queue_pop(queue);
	assert_null(event_queue_peek(queue));
	assert_true(event_queue_push(queue, (const struct event_header *)event));
	event_queue_destroy(queue);
}

/* A consumer that stands still: conflicts find room up to a bound, the end of a process beyond
 * it. */
static void test_essential_is_bounded(void **state)
{
	struct event_queue *queue = queue_new(SMALLEST);
	static struct event_overlap overlap = {
	        .h = {.kind = EVENT_OVERLAP, .size = sizeof(overlap)}};
	struct event_process end = {.h = {.kind = EVENT_PROCESS, .size = sizeof(end)}};
	size_t count = 0;

	(void)state;
	while (event_queue_push_essential(queue, &overlap.h))
		assert_true(++count < 100000);
	assert_true(count > 1000);
	assert_true(event_queue_push_essential(queue, &end.h));
	while (event_queue_peek(queue)) {
		count -= event_queue_peek(queue)->kind == EVENT_OVERLAP;
		event_queue_pop(queue);
	}
	assert_int_equal(count, 0);
	event_queue_destroy(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_create),
	        cmocka_unit_test(test_order),
	        cmocka_unit_test(test_full_is_exact),
	        cmocka_unit_test(test_capacity_is_rounded_up),
	        cmocka_unit_test(test_batch),
	        cmocka_unit_test(test_sizes_refused),
	        cmocka_unit_test(test_whole_ring),
	        cmocka_unit_test(test_release),
	        cmocka_unit_test(test_essential_passes_a_full_ring),
	        cmocka_unit_test(test_essential_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
