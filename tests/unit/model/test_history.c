/* SPDX-License-Identifier: MIT */
/* History: rings that wrap, intervals left out, merging, ranges; held against plain arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/model/history.h"

#define LONG_RUN 2000

static void timeline_equals_an_array(void **state)
{
	static float truth[LONG_RUN + 1];
	struct timeline timeline = {0};

	(void)state;
	srand(1);
	memset(truth, 0, sizeof(truth));
	for (uint32_t tick = 1; tick <= LONG_RUN; tick++) {
		float rate[TIMELINE_COUNT] = {0, (float)(tick % 17) + 1, 0};

		/* Gaps of all lengths, some longer than the ring. */
		if (rand() % 3 == 0 || (tick > 500 && tick < 500 + 2 * HISTORY_TICKS))
			continue;
		timeline_add(&timeline, tick, rate);
		truth[tick] = rate[TIMELINE_CHANGES];
		for (uint32_t back = 0; back < HISTORY_TICKS && back < tick; back++)
			assert_true(timeline_at(&timeline, tick - back, TIMELINE_CHANGES) ==
			            truth[tick - back]);
	}
	assert_true(timeline_at(&timeline, timeline.last - HISTORY_TICKS, TIMELINE_CHANGES) == 0);
	assert_true(timeline_at(&timeline, timeline.last + 1, TIMELINE_CHANGES) == 0);
}

static void merged_timelines_add_up(void **state)
{
	struct timeline a = {0}, b = {0};
	const float one[TIMELINE_COUNT] = {1, 2, 3};

	(void)state;
	for (uint32_t tick = 10; tick <= 20; tick++)
		timeline_add(&a, tick, one);
	for (uint32_t tick = 5; tick <= 30; tick += 5)
		timeline_add(&b, tick, one);
	timeline_merge(&a, &b);
	assert_true(timeline_at(&a, 5, TIMELINE_CONFLICTS) == 3);
	assert_true(timeline_at(&a, 10, TIMELINE_READS) == 2);
	assert_true(timeline_at(&a, 11, TIMELINE_READS) == 1);
	assert_true(timeline_at(&a, 30, TIMELINE_CHANGES) == 2);
	assert_true(timeline_at(&a, 29, TIMELINE_CHANGES) == 0);
}

static void sightings_are_counted_by_range(void **state)
{
	struct sightings sightings = {0};
	struct history_range all = {1, UINT32_MAX, 0, UINT32_MAX};

	(void)state;
	for (uint32_t tick = 1; tick <= 50; tick++)
		for (uint32_t depth = 3; depth <= 6; depth++)
			for (uint32_t i = 0; i < depth; i++)
				sightings_add(&sightings, tick, depth);
	assert_int_equal(sightings.count, 200);
	assert_int_equal(sightings_count(&sightings, &all), 50 * (3 + 4 + 5 + 6));
	assert_int_equal(sightings_count(&sightings, &(struct history_range){10, 19, 4, 5}),
	                 10 * (4 + 5));
	assert_int_equal(sightings_count(&sightings, &(struct history_range){51, 99, 0, 99}), 0);
}

static void the_oldest_sightings_make_room(void **state)
{
	struct sightings sightings = {0};

	(void)state;
	for (uint32_t tick = 1; tick <= SIGHTING_CELLS + 100; tick++)
		sightings_add(&sightings, tick, 7);
	assert_int_equal(sightings.count, SIGHTING_CELLS);
	assert_int_equal(sightings_cell(&sightings, 0)->tick, 101);
	assert_int_equal(sightings_cell(&sightings, SIGHTING_CELLS - 1)->tick,
	                 SIGHTING_CELLS + 100);
}

static void merged_sightings_keep_their_order(void **state)
{
	struct sightings a = {0}, b = {0};
	struct history_range all = {1, UINT32_MAX, 0, UINT32_MAX};

	(void)state;
	for (uint32_t tick = 1; tick <= 100; tick += 2)
		sightings_add(&a, tick, 4);
	for (uint32_t tick = 1; tick <= 100; tick += 3)
		sightings_add(&b, tick, 4 + tick % 2);
	sightings_merge(&a, &b);
	assert_int_equal(sightings_count(&a, &all), 50 + 34);
	for (uint32_t i = 1; i < a.count; i++)
		assert_true(sightings_cell(&a, i - 1)->tick <= sightings_cell(&a, i)->tick);
}

static void the_clock_forgets(void **state)
{
	struct history_clock clock = {0};

	(void)state;
	for (uint32_t tick = 1; tick <= 1000; tick++)
		history_clock_tick(&clock, tick, tick * 10);
	assert_int_equal(history_clock_end(&clock, 1000), 10000);
	assert_int_equal(history_clock_end(&clock, 1000 - HISTORY_TICKS + 1),
	                 (1000 - HISTORY_TICKS + 1) * 10);
	assert_int_equal(history_clock_end(&clock, 1000 - HISTORY_TICKS), 0);
	assert_int_equal(history_clock_end(&clock, 1001), 0);
	assert_int_equal(history_clock_end(&clock, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(timeline_equals_an_array),
	        cmocka_unit_test(merged_timelines_add_up),
	        cmocka_unit_test(sightings_are_counted_by_range),
	        cmocka_unit_test(the_oldest_sightings_make_room),
	        cmocka_unit_test(merged_sightings_keep_their_order),
	        cmocka_unit_test(the_clock_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
