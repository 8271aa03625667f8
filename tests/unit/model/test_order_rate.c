/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/budget/order_rate.h"

#define SITES 4

static struct order_rate sites[SITES];

static size_t sort(double hits_per_s)
{
	struct order_rate *list[SITES];
	size_t more;

	for (size_t i = 0; i < SITES; i++)
		list[i] = &sites[i];
	more = order_rates_sort(list, SITES, hits_per_s);
	for (size_t i = 0; i < SITES; i++)
		sites[i].cold = sites[i].chosen;
	return more;
}

static int begin(void **state)
{
	(void)state;
	for (size_t i = 0; i < SITES; i++)
		sites[i] = (struct order_rate){0};
	return 0;
}

static void test_the_least_hit_stay(void **state)
{
	(void)state;
	order_rate_note(&sites[0], 500, 1);
	order_rate_note(&sites[1], 0, 1);
	order_rate_note(&sites[2], 20, 1);
	order_rate_note(&sites[3], 30, 1);
	assert_int_equal(sort(49), 2);
	assert_true(sites[1].cold && sites[2].cold);
	assert_false(sites[0].cold || sites[3].cold);
	assert_int_equal(sort(50), 1);
	assert_true(sites[3].cold && !sites[0].cold);
	assert_int_equal(sort(0), 0);
	assert_true(sites[1].cold && !sites[2].cold);
}

static void test_unknown_ones_come_and_go(void **state)
{
	(void)state;
	order_rate_note(&sites[0], 0, 1);
	order_rate_note(&sites[1], 0, 0.001); /* too short to tell */
	assert_int_equal(sort(1e9), 1);
	assert_true(sites[0].cold && !sites[1].cold && !sites[2].cold);
}

/* One burst is remembered for a few looks. */
static void test_a_rate_falls_slowly(void **state)
{
	(void)state;
	order_rate_note(&sites[0], 100, 1);
	order_rate_note(&sites[0], 100, 1);
	assert_true(sites[0].per_s > 49 && sites[0].per_s < 51);
	order_rate_note(&sites[0], 300, 1);
	assert_true(sites[0].per_s > 199);
	/* What was not in place long enough has the same rate, and counts on from here. */
	order_rate_note(&sites[0], 400, 0);
	assert_true(sites[0].per_s > 199);
	order_rate_note(&sites[0], 700, 1);
	assert_true(sites[0].per_s > 299 && sites[0].per_s < 301);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_the_least_hit_stay, begin),
	        cmocka_unit_test_setup(test_unknown_ones_come_and_go, begin),
	        cmocka_unit_test_setup(test_a_rate_falls_slowly, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
