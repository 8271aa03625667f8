/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/budget/token_bucket.h"

static void level_expect(const struct token_bucket *b, double expected)
{
	assert_true(b->level_ns > expected - 1e-6 && b->level_ns < expected + 1e-6);
}

static void test_it_is_filled_up_to_the_limit(void **state)
{
	struct token_bucket b;

	(void)state;
	token_bucket_open(&b, 5);
	level_expect(&b, 5);
	token_bucket_fill(&b, 10, 100);
	level_expect(&b, 15);
	token_bucket_fill(&b, 1000, 100);
	level_expect(&b, 100);
	token_bucket_fill(&b, 0, 100);
	level_expect(&b, 100);
}

static void test_debt_is_paid_first(void **state)
{
	struct token_bucket b;

	(void)state;
	token_bucket_open(&b, 20);
	token_bucket_take(&b, 50);
	level_expect(&b, -30);
	token_bucket_fill(&b, 10, 100);
	level_expect(&b, -20);
	token_bucket_take(&b, 5);
	level_expect(&b, -25);
	token_bucket_fill(&b, 35, 100);
	level_expect(&b, 10);
}

static void test_a_lower_limit_takes_what_is_above_it(void **state)
{
	struct token_bucket b;

	(void)state;
	token_bucket_open(&b, 100);
	token_bucket_fill(&b, 1, 40);
	level_expect(&b, 40);
	token_bucket_fill(&b, 1, 0); /* nothing is allowed */
	level_expect(&b, 0);
	token_bucket_take(&b, 7);
	token_bucket_fill(&b, 0, 0);
	level_expect(&b, -7); /* debt stays */
}

/* Over a long time no more is spent than came in and was there at first. */
static void test_spending_is_bounded_by_income(void **state)
{
	double spent = 0, came = 0;
	struct token_bucket b;
	uint32_t dice = 1;

	(void)state;
	token_bucket_open(&b, 1000);
	for (int i = 0; i < 100000; i++) {
		dice = dice * 1664525 + 1013904223;
		token_bucket_fill(&b, 10, 1000);
		came += 10;
		if (b.level_ns <= 0)
			continue;
		token_bucket_take(&b, dice >> 24);
		spent += dice >> 24;
	}
	assert_true(spent <= came + 1000 + 256);
	assert_true(spent >= came - 1000 - 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_it_is_filled_up_to_the_limit),
	        cmocka_unit_test(test_debt_is_paid_first),
	        cmocka_unit_test(test_a_lower_limit_takes_what_is_above_it),
	        cmocka_unit_test(test_spending_is_bounded_by_income),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
