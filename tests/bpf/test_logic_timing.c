/* SPDX-License-Identifier: MIT */
/* How long the first part of the program takes, in a sample of hits. */
#include "logic.h"

#define HITS 6400

/* A map of its own has one look at the user's memory (its goroutine's id), which takes so long. */
static void hits_of(__u64 read_ns, int count)
{
	shim.user_read_ns = read_ns;
	for (int i = 0; i < count; i++) {
		shim.now_ns += 1000;
		hit(&g1, &map_a, OP_READ, 0x10);
	}
}

static void test_one_in_64(void **state)
{
	(void)state;
	hits_of(0, HITS);
	assert_int_equal(total(COVERAGE_COUNTED), HITS);
	assert_in_range(total(COVERAGE_TIMED), HITS / 64 - 2, HITS / 64 + 2);
	assert_int_equal(total(COVERAGE_TIMED_NS), 0);
	assert_sums();
}

/* The clock stands still but in that look. */
static void test_time_of_the_first_part(void **state)
{
	(void)state;
	hits_of(300, HITS);
	assert_true(total(COVERAGE_TIMED) > 0);
	assert_true(total(COVERAGE_TIMED_NS) >= 300 * total(COVERAGE_TIMED));
	assert_true(total(COVERAGE_TIMED_NS) <= 600 * total(COVERAGE_TIMED));
}

/* Bursts of 16: the first hit of each is slow. It is looked at as often as the others. */
static void test_bursts(void **state)
{
	(void)state;
	for (int i = 0; i < HITS; i += 16) {
		hits_of(1600, 1);
		hits_of(0, 15);
	}
	assert_in_range(total(COVERAGE_TIMED_NS), 75 * total(COVERAGE_TIMED),
	                150 * total(COVERAGE_TIMED));
}

/* Whoever was off the CPU for a while was not slow. */
static void test_interrupted(void **state)
{
	(void)state;
	hits_of(1000000, HITS);
	assert_int_equal(total(COVERAGE_TIMED), 0);
	assert_int_equal(total(COVERAGE_TIMED_NS), 0);
	assert_int_equal(total(COVERAGE_COUNTED), HITS);
}

static void test_all(void **state)
{
	(void)state;
	tuning.timed_all = 1;
	hits_of(0, 100);
	assert_int_equal(total(COVERAGE_TIMED), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_one_in_64), T(test_time_of_the_first_part),
	        T(test_bursts),    T(test_interrupted),
	        T(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
