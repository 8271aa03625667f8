/* SPDX-License-Identifier: MIT */
/* The judge on programs made at random: whatever it finds is a race, and it finds some. */
#include "tests/unit/judge/judge_program.h"

static void test_one_window(void **state)
{
	struct program_size size = {.late = 40};

	(void)state;
	assert_true(program_run_all(&size, 500) > 10000);
}

static void test_windows(void **state)
{
	struct program_size size = {.late = 40, .window = 200};

	(void)state;
	assert_true(program_run_all(&size, 500) > 5000);
}

static void test_all_late(void **state)
{
	struct program_size size = {.late = 100};

	(void)state;
	assert_true(program_run_all(&size, 200) > 2000);
}

static void test_none_late(void **state)
{
	struct program_size size = {.late = 0};

	(void)state;
	assert_true(program_run_all(&size, 200) > 5000);
}

/* More of them than there are slots. */
static void test_many_goroutines(void **state)
{
	struct program_size size = {
	        .goroutines = 900, .ever = 1200, .objects = 20, .steps = 60000, .late = 30};

	(void)state;
	assert_true(program_run_all(&size, 4) > 1000);
}

/* More of them than there is room for. */
static void test_many_objects(void **state)
{
	struct program_size size = {.objects = 3000, .steps = 200000, .late = 30};

	(void)state;
	assert_true(program_run_all(&size, 4) > 100);
}

/* Programs without a race. */
static void test_locked(void **state)
{
	struct program_size size = {.late = 50, .locked = true};

	(void)state;
	assert_int_equal(program_run_all(&size, 300), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_one_window),      cmocka_unit_test(test_windows),
	        cmocka_unit_test(test_all_late),        cmocka_unit_test(test_none_late),
	        cmocka_unit_test(test_many_goroutines), cmocka_unit_test(test_many_objects),
	        cmocka_unit_test(test_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
