/* SPDX-License-Identifier: MIT */
/* One formula in the kernel and in user space: right in integers, however long it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/budget/hold_value.h"

#define MS 1000000ULL
#define S  1000000000ULL

static void test_nothing_is_expected_of_what_was_not_watched(void **state)
{
	(void)state;
	assert_int_equal(hold_expected(S, 0, 0), 0);
	assert_int_equal(hold_expected(S, 50, 0), 0);
	assert_int_equal(hold_expected(0, 50, S), 0);
	assert_int_equal(hold_expected(3600 * S, 50, MS - 1), 0);
}

static void test_expected_is_in_proportion(void **state)
{
	(void)state;
	assert_int_equal(hold_expected(10 * MS, 5, 100 * MS), 500);
	assert_int_equal(hold_expected(20 * MS, 5, 100 * MS), 1000);
	assert_int_equal(hold_expected(20 * MS, 10, 100 * MS), 2000);
	assert_int_equal(hold_expected(1000, 2, 1000), 2000);
}

/* As with real numbers: from one hold to eleven days of them. */
static void test_expected_does_not_overflow(void **state)
{
	static const uint64_t times[] = {MS,    4 * S,    (1ULL << 32) - 1, 1ULL << 32,
	                                 5 * S, 3600 * S, 950400 * S};
	static const uint64_t arrivals[] = {1, 1000, 10000000};
	static const uint64_t windows[] = {MS, 1234567, 17 * S, 86400 * S};

	(void)state;
	for (size_t t = 0; t < sizeof(times) / sizeof(*times); t++)
		for (size_t a = 0; a < sizeof(arrivals) / sizeof(*arrivals); a++)
			for (size_t w = 0; w < sizeof(windows) / sizeof(*windows); w++) {
				double real = 1000.0 * (double)times[t] * (double)arrivals[a] /
				              (double)windows[w];
				uint64_t got = hold_expected(times[t], arrivals[a], windows[w]);
				double off = fabs((double)got - real);

				/* Windows of 1.2 ms are cut to whole ms where holds are long. */
				assert_true(off <= 1 || off <= real / 1000 ||
				            (times[t] >> 32 && windows[w] < S && off < real / 4));
			}
}

static void test_assumption_gives_way(void **state)
{
	(void)state;
	assert_int_equal(hold_value(0, 0, 1), HOLD_RATE_AVERAGE);
	assert_int_equal(hold_value(0, 0, 400), HOLD_RATE_AVERAGE);
	assert_int_equal(hold_value(1000, S, 0), 1000);
	assert_in_range(hold_value(1000, S, 1), 990, 1000);
	assert_in_range(hold_value(1000, S, 400), 460, 480);
	assert_in_range(hold_value(0, S, 1), 0, 1);
}

static void test_guarded(void **state)
{
	(void)state;
	assert_true(hold_is_guarded(33, 0, 8001));
	assert_false(hold_is_guarded(32, 0, 100000)); /* too few to tell */
	assert_false(hold_is_guarded(1000, 0, 8000)); /* too little was expected */
	assert_false(hold_is_guarded(1000, 2, 16000));
	assert_true(hold_is_guarded(1000, 1, 8001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing_is_expected_of_what_was_not_watched),
	        cmocka_unit_test(test_expected_is_in_proportion),
	        cmocka_unit_test(test_expected_does_not_overflow),
	        cmocka_unit_test(test_assumption_gives_way),
	        cmocka_unit_test(test_guarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
