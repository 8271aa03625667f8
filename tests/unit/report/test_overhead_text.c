/* SPDX-License-Identifier: MIT */
/* What watching costs, in words: the figures add up, and nothing is said that is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/report/overhead_text.h"

#define SECOND 1000000000ULL

/* Ten seconds of a target that used 4 s of CPU time: 1 % hits, 0.5 % holds. */
static struct coverage_row coverage(void)
{
	struct coverage_row c = {.watched_ns = 10 * SECOND,
	                         .target_cpu_ns = 4 * SECOND,
	                         .run_ns = 60000000,
	                         .overhead_estimate = 0.015};

	c.value[COVERAGE_STALL_NS] = 20000000;
	return c;
}

static void test_parts_add_up(void **state)
{
	struct coverage_row c = coverage();
	char text[OVERHEAD_TEXT_MAX];

	(void)state;
	overhead_text(&c, 0.03, text, sizeof(text));
	assert_string_equal(text, "Watching has cost about 1.50 % of the targets' CPU time so far; "
	                          "the limit is 3 %");
	overhead_parts_text(&c, text, sizeof(text));
	assert_string_equal(text, "probe hits 1.00 %, held accesses 0.50 %, other effects: "
	                          "unknown");
	c.run_ns += 10000000;
	c.waiting_ns = 10000000;
	c.contention = 1.2;
	overhead_parts_text(&c, text, sizeof(text));
	assert_string_equal(text, "probe hits 1.00 %, held accesses 0.50 %, other effects: "
	                          "0.25 %");
}

static void test_no_limit(void **state)
{
	const double none[] = {0, 1, 2, -1};
	struct coverage_row c = coverage();
	char text[OVERHEAD_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		overhead_text(&c, none[i], text, sizeof(text));
		assert_null(strstr(text, "limit"));
	}
}

static void test_idle_target(void **state)
{
	struct coverage_row c = coverage();
	char text[OVERHEAD_TEXT_MAX];

	(void)state;
	c.target_cpu_ns = SECOND / 2;
	overhead_text(&c, 0.03, text, sizeof(text));
	assert_non_null(strstr(text, "of a third of a CPU"));
	overhead_parts_text(&c, text, sizeof(text));
	assert_non_null(strstr(text, "held accesses 0.60 %"));
}

static void test_nothing_known(void **state)
{
	struct coverage_row c = {.watched_ns = SECOND};
	char text[OVERHEAD_TEXT_MAX] = "as before";

	(void)state;
	overhead_text(&c, 0.03, text, sizeof(text));
	assert_string_equal(text, "");
	overhead_parts_text(&c, text, sizeof(text));
	assert_string_equal(text, "");
}

static void test_little_room(void **state)
{
	struct coverage_row c = coverage();
	char text[OVERHEAD_TEXT_MAX];

	(void)state;
	for (size_t size = 1; size < 100; size++) {
		memset(text, '!', sizeof(text));
		overhead_text(&c, 0.03, text, size);
		assert_true(strlen(text) < size);
		assert_int_equal(text[size], '!');
		overhead_parts_text(&c, text, size);
		assert_true(strlen(text) < size);
		assert_int_equal(text[size], '!');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_parts_add_up), cmocka_unit_test(test_no_limit),
	        cmocka_unit_test(test_idle_target),  cmocka_unit_test(test_nothing_known),
	        cmocka_unit_test(test_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
