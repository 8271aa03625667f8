/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/budget/overhead_cost.h"

static const struct overhead_costs costs = {.ns = {
                                                    [BODY_OPERATION] = 1,
                                                    [BODY_FILTERED] = 1000,
                                                    [BODY_BIRTH] = 1000000,
                                                    [BODY_HOLD] = 1000000000,
                                                    [BODY_ORDER] = 1000000000000,
                                            }};

static void test_each_body(void **state)
{
	__u64 value[COVERAGE_COUNT] = {
	        [COVERAGE_COUNTED] = 2, [COVERAGE_NIL_MAP] = 3,   [COVERAGE_BIRTH_SITE] = 5,
	        [COVERAGE_STALLS] = 7,  [COVERAGE_STALL_NS] = 11, [COVERAGE_ORDER_SITE] = 9,
	};

	(void)state;
	assert_int_equal(overhead_run_ns(&costs, value), 9007005003013);
}

/* Whatever filtered a hit, it was paid for, once. */
static void test_each_filter(void **state)
{
	static const int filters[] = {
#define FILTERED(id) COVERAGE_##id,
#define TOTAL(id)
#define LOST(id)
#define UNTRACKED(id)
#define X(id, name, group) group(id)
	        COVERAGE_FIELDS(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		__u64 value[COVERAGE_COUNT] = {[COVERAGE_HITS] = 1};
		enum overhead_body body = filters[i] == COVERAGE_BIRTH_SITE   ? BODY_BIRTH
		                          : filters[i] == COVERAGE_ORDER_SITE ? BODY_ORDER
		                                                              : BODY_FILTERED;

		value[filters[i]] = 1;
		assert_int_equal(overhead_run_ns(&costs, value), costs.ns[body]);
	}
}

/* Sums that include a counter of the table are not paid for again. */
static void test_totals_cost_nothing(void **state)
{
	__u64 value[COVERAGE_COUNT] = {
	        [COVERAGE_HITS] = 1,
	        [COVERAGE_EVENTS_MADE] = 1,
	        [COVERAGE_EVENTS_DELIVERED] = 1,
	        [COVERAGE_TABLE_FULL] = 1,
	};

	(void)state;
	assert_int_equal(overhead_run_ns(&costs, value), 0);
}

/* A hit of 100 ns of which 20 are the first part; five of ten looks found it 30 ns longer. Each ns
 * of that is 4 of the hit, whatever body it ran; a hold comes on top of a hit. */
static void test_cold(void **state)
{
	const struct overhead_costs loop = {
	        .ns = {[BODY_OPERATION] = 100},
	        .timed = {[TIMED_OPERATION] = {20, 4}, [TIMED_ORDER] = {10, 3}}};
	struct overhead_costs unknown = loop;
	uint64_t said[TIMED_COUNT] = {0};
	__u64 value[COVERAGE_COUNT] = {
	        [COVERAGE_COUNTED] = 500,   [COVERAGE_NIL_MAP] = 80,
	        [COVERAGE_BIRTH_SITE] = 20, [COVERAGE_STALLS] = 50,
	        [COVERAGE_TIMED] = 10,      [COVERAGE_TIMED_NS] = 10 * 20 + 5 * 30};

	(void)state;
	assert_int_equal(overhead_run_ns(&loop, value), 50000);
	assert_int_equal(overhead_cold_ns(&loop, value, TIMED_OPERATION), 600 * 15 * 4);
	assert_int_equal(overhead_cold_said(&loop, value, TIMED_OPERATION, said), 600 * 15 * 4);
	unknown.timed[TIMED_OPERATION].ns = 0;
	assert_int_equal(overhead_cold_ns(&unknown, value, TIMED_OPERATION), 0);
	value[COVERAGE_TIMED_NS] = 10 * 19; /* faster than in the loop */
	assert_int_equal(overhead_cold_ns(&loop, value, TIMED_OPERATION), 0);
	assert_int_equal(overhead_cold_said(&loop, value, TIMED_OPERATION, said), 600 * 15 * 4);
	value[COVERAGE_TIMED] = 2;
	value[COVERAGE_TIMED_NS] = 2000; /* two looks say nothing */
	assert_int_equal(overhead_cold_ns(&loop, value, TIMED_OPERATION), 0);
}

/* A hit at an order site finds the caches as others there do. */
static void test_cold_order(void **state)
{
	const struct overhead_costs loop = {
	        .ns = {[BODY_OPERATION] = 100, [BODY_ORDER] = 50},
	        .timed = {[TIMED_OPERATION] = {20, 4}, [TIMED_ORDER] = {10, 3}}};
	uint64_t said[TIMED_COUNT] = {0};
	const __u64 value[COVERAGE_COUNT] = {
	        [COVERAGE_COUNTED] = 500,   [COVERAGE_ORDER_SITE] = 1000,
	        [COVERAGE_TIMED] = 10,      [COVERAGE_TIMED_NS] = 10 * 30,
	        [COVERAGE_ORDER_TIMED] = 8, [COVERAGE_ORDER_TIMED_NS] = 8 * 12};

	(void)state;
	assert_int_equal(overhead_cold_said(&loop, value, TIMED_OPERATION, said), 500 * 10 * 4);
	assert_int_equal(overhead_cold_said(&loop, value, TIMED_ORDER, said), 1000 * 2 * 3);
	assert_int_equal(said[TIMED_OPERATION], 500 * 10 * 4);
}

static void test_every_body_has_a_cost(void **state)
{
	struct overhead_costs assumed = overhead_costs_assumed();

	(void)state;
	for (int i = 0; i < BODY_COUNT; i++) {
		assert_true(assumed.ns[i] > 0);
		assert_true(strlen(overhead_body_names[i]) > 0);
	}
	assert_int_equal(assumed.measured, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_each_body),
	        cmocka_unit_test(test_each_filter),
	        cmocka_unit_test(test_totals_cost_nothing),
	        cmocka_unit_test(test_cold),
	        cmocka_unit_test(test_cold_order),
	        cmocka_unit_test(test_every_body_has_a_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
