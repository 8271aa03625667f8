/* SPDX-License-Identifier: MIT */
/* The synthetic source: the same every time, true sums, and what it says is what a model shows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/synthetic/synthetic.h"

static const struct synthetic_config busy = {
        .processes = 2,
        .maps = 20,
        .conflict_maps = 3,
        .conflicts_per_second = 37.5,
        .stalls_per_second = 80,
        .short_maps_per_second = 30,
        .lost_per_second = 2,
        .crash_at_step = 3,
};

static struct event_queue *queue;

static int queue_open(void **state)
{
	(void)state;
	return event_queue_create(1, &queue);
}

static int queue_close(void **state)
{
	(void)state;
	event_queue_destroy(queue);
	return 0;
}

static struct synthetic *source(const struct synthetic_config *config)
{
	struct synthetic *synthetic;

	assert_int_equal(synthetic_create(config, queue, &synthetic), 0);
	return synthetic;
}

/* A hash of every byte of some intervals, drained whenever the queue is full. */
static uint64_t bytes_of(const struct synthetic_config *config, int steps)
{
	struct synthetic *synthetic = source(config);
	const struct event_header *event;
	uint64_t hash = 14695981039346656037ull;

	for (int i = 0; i < steps; i++) {
		bool more = true;

		while (more) {
			more = synthetic_step(synthetic);
			while ((event = event_queue_peek(queue))) {
				const unsigned char *bytes = (const unsigned char *)event;

				for (uint32_t n = 0; n < event->size; n++)
					hash = (hash ^ bytes[n]) * 1099511628211ull;
				event_queue_pop(queue);
			}
		}
	}
	synthetic_destroy(synthetic);
	return hash;
}

static void test_deterministic(void **state)
{
	struct synthetic_config other = busy;
	uint64_t hash = bytes_of(&busy, 5);

	(void)state;
	assert_true(hash == bytes_of(&busy, 5));
	other.seed = 2;
	assert_true(hash != bytes_of(&other, 5));
	assert_true(hash != bytes_of(&busy, 6));
}

static void test_refuses(void **state)
{
	static const struct synthetic_config bad[] = {
	        {.depth = 3}, {.depth = 65}, {.processes = 17}, {.maps = 2, .conflict_maps = 3}};
	struct synthetic *synthetic;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(synthetic_create(&bad[i], queue, &synthetic), -EINVAL);
	synthetic_destroy(NULL);
}

static uint64_t group_sum(const uint64_t *value, int first, int last)
{
	uint64_t sum = 0;

	for (int i = first; i <= last; i++)
		sum += value[i];
	return sum;
}

static void check_sums(const struct model *model)
{
	const uint64_t *value = model_coverage(model)->value;
	static struct map_row *rows[64];
	size_t count = model_maps(model, MAPS_BY_NUMBER, rows, 64);
	uint64_t operations = 0;

	assert_int_equal(value[COVERAGE_HITS],
	                 value[COVERAGE_COUNTED] +
	                         group_sum(value, COVERAGE_STACK_GROWTH, COVERAGE_CRASH_SITE));
	assert_int_equal(value[COVERAGE_EVENTS_MADE],
	                 value[COVERAGE_EVENTS_DELIVERED] +
	                         group_sum(value, COVERAGE_RING_FULL, COVERAGE_STACK_FAILED));
	for (size_t i = 0; i < count; i++)
		operations += group_sum(rows[i]->ops, 0, OP_COUNT - 1);
	assert_int_equal(operations, value[COVERAGE_COUNTED]);
}

static void test_model_shows_it(void **state)
{
	struct synthetic *synthetic = source(&busy);
	struct model_config config = {.symbols = synthetic_symbols(synthetic)};
	struct model *model;
	struct target_row *targets[4];
	struct map_row *rows[64];
	struct goroutine_row *goroutines[64];

	(void)state;
	assert_int_equal(model_create(&config, &model), 0);
	assert_int_equal(synthetic_targets_add(synthetic, model), 0);
	for (int step = 1; step <= 8; step++) {
		assert_true(synthetic_run(synthetic, queue, model) > 0);
		check_sums(model);
		assert_int_equal(model_conflict_total(model),
		                 (unsigned int)(37.5 * step) + (step >= 3));
		assert_int_equal(model_coverage(model)->lost, 2 * (unsigned int)step);
		assert_int_equal(model_now_ns(model), (1000 + step) * 1000000000ull);
	}
	assert_int_equal(model_dropped(model), 0);
	assert_int_equal(model_targets(model, targets, 4), 2);
	assert_int_equal(targets[0]->state, PROCESS_CRASHED);
	assert_int_equal(targets[1]->state, PROCESS_RUNNING);
	/* 20 maps, and one row for all short-lived ones. */
	assert_int_equal(model_maps(model, MAPS_BY_CONFLICTS, rows, 64), 21);
	for (size_t i = 0; i < 21; i++)
		assert_int_equal(rows[i]->verdict == VERDICT_CONFLICT, i < 3);
	assert_int_equal(model_goroutines(model, goroutines, 64), 24);
	model_destroy(model);
	synthetic_destroy(synthetic);
}

/* A queue that nobody drains: nothing is lost unless that is asked for, and then it is counted. */
static void test_lossy(void **state)
{
	struct synthetic_config config = {.conflict_maps = 1,
	                                  .conflicts_per_second = 500,
	                                  .maps = 2,
	                                  .goroutines = 2,
	                                  .lossy = true};
	struct synthetic *synthetic = source(&config);
	struct model_config names = {.symbols = synthetic_symbols(synthetic)};
	const uint64_t *value;
	struct conflict_row *conflicts[16];
	struct model *model;
	uint64_t seen = 0;

	(void)state;
	assert_int_equal(model_create(&names, &model), 0);
	value = model_coverage(model)->value;
	assert_true(synthetic_run(synthetic, queue, model) > 0);
	check_sums(model);
	assert_true(value[COVERAGE_QUEUE_FULL] > 0);
	assert_int_equal(value[COVERAGE_EVENTS_MADE], 500);
	for (size_t i = model_conflicts(model, NULL, conflicts, 16); i > 0; i--)
		seen += conflicts[i - 1]->count;
	assert_int_equal(seen, value[COVERAGE_EVENTS_DELIVERED]);
	assert_int_equal(model_conflict_total(model), 500); /* the kernel's own count is complete */
	model_destroy(model);
	synthetic_destroy(synthetic);
}

/* A hundred thousand maps: the model holds what its bound says and counts the rest. */
static void test_many_maps(void **state)
{
	struct synthetic_config config = {
	        .maps = 100000, .conflict_maps = 10, .conflicts_per_second = 50};
	struct synthetic *synthetic = source(&config);
	struct model_config names = {.symbols = synthetic_symbols(synthetic), .maps_max = 200000};
	static struct map_row *rows[40];
	struct model *model;

	(void)state;
	assert_int_equal(model_create(&names, &model), 0);
	for (int i = 0; i < 3; i++)
		assert_true(synthetic_run(synthetic, queue, model) > 100000);
	assert_int_equal(model_map_count(model), 100000);
	assert_int_equal(model_dropped(model), 0);
	assert_int_equal(model_maps(model, MAPS_BY_CONFLICTS, rows, 40), 40);
	assert_int_equal(rows[9]->verdict, VERDICT_CONFLICT);
	model_destroy(model);
	synthetic_destroy(synthetic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_deterministic, queue_open, queue_close),
	        cmocka_unit_test_setup_teardown(test_refuses, queue_open, queue_close),
	        cmocka_unit_test_setup_teardown(test_model_shows_it, queue_open, queue_close),
	        cmocka_unit_test_setup_teardown(test_lossy, queue_open, queue_close),
	        cmocka_unit_test_setup_teardown(test_many_maps, queue_open, queue_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
