/* SPDX-License-Identifier: MIT */
/* What -b ends with, by what was found and what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/report/snapshot_scenarios.h"
#include "tui/app/batch.h"

static void test_first_of(void **state)
{
	static const struct {
		const char *scenario;
		bool gaps;
		enum exit_status status;
	} cases[] = {
	        {"empty", false, EXIT_RAN},          {"empty", true, EXIT_GAPS},
	        {"quiet", false, EXIT_RAN},          {"quiet", true, EXIT_GAPS},
	        {"busy", false, EXIT_CONFLICT},      {"busy", true, EXIT_CONFLICT},
	        {"crash", true, EXIT_CONFLICT},      {"unordered", false, EXIT_UNORDERED},
	        {"unordered", true, EXIT_UNORDERED}, {"proven", true, EXIT_CONFLICT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene;

		assert_int_equal(scene_open(&scene, cases[i].scenario), 0);
		assert_int_equal(batch_status(scene.model, cases[i].gaps), cases[i].status);
		scene_close(&scene);
	}
}

/* The contract with scripts. */
static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(EXIT_RAN, 0);
	assert_int_equal(EXIT_FAILED, 1);
	assert_int_equal(EXIT_USAGE, 2);
	assert_int_equal(EXIT_CONFLICT, 3);
	assert_int_equal(EXIT_GAPS, 5);
	assert_int_equal(EXIT_UNORDERED, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_first_of),
	        cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
