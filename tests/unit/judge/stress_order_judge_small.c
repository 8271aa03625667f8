/* SPDX-License-Identifier: MIT */
/* The same with small tables: all is given up and comes back all the time. */
#define ORDER_SLOTS       64
#define ORDER_OBJECTS     16
#define ORDER_CLOCKS      12
#define ORDER_MAPS        3
#define ORDER_RECORDS     6
#define ORDER_RECORDS_OWN 2
#define ORDER_ACCUSATIONS 8

#include "core/judge/order_clock.c"
#include "core/judge/order_cloned.c"
#include "core/judge/order_edge.c"
#include "core/judge/order_goroutine.c"
#include "core/judge/order_guard.c"
#include "core/judge/order_judge.c"
#include "core/judge/order_lock.c"
#include "core/judge/order_map.c"
#include "core/judge/order_object.c"
#include "core/judge/order_open.c"
#include "core/judge/order_wait.c"

#include "tests/unit/judge/judge_program.h"

static void test_objects(void **state)
{
	struct program_size size = {.late = 40};

	(void)state;
	assert_true(program_run_all(&size, 400) > 5000);
}

static void test_goroutines(void **state)
{
	struct program_size size = {.goroutines = 100, .objects = 8, .steps = 6000, .late = 40};

	(void)state;
	assert_true(program_run_all(&size, 200) > 5000);
}

static void test_windows(void **state)
{
	struct program_size size = {
	        .goroutines = 80, .objects = 5, .steps = 6000, .late = 40, .window = 1000};

	(void)state;
	assert_true(program_run_all(&size, 200) > 5000);
}

static void test_locked(void **state)
{
	struct program_size size = {.goroutines = 100, .objects = 8, .late = 40, .locked = true};

	(void)state;
	assert_int_equal(program_run_all(&size, 200), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_objects),
	        cmocka_unit_test(test_goroutines),
	        cmocka_unit_test(test_windows),
	        cmocka_unit_test(test_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
