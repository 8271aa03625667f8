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
		bool gaps, enough;
		enum exit_status status;
	} cases[] = {
	        {"empty", false, true, EXIT_RAN},
	        {"empty", false, false, EXIT_INCONCLUSIVE},
	        {"empty", true, false, EXIT_GAPS},
	        {"quiet", false, true, EXIT_RAN},
	        {"quiet", false, false, EXIT_INCONCLUSIVE},
	        {"quiet", true, true, EXIT_GAPS},
	        {"busy", false, false, EXIT_CONFLICT},
	        {"busy", true, true, EXIT_CONFLICT},
	        {"crash", true, false, EXIT_CONFLICT},
	        {"unordered", false, false, EXIT_UNORDERED},
	        {"unordered", true, true, EXIT_UNORDERED},
	        {"proven", true, false, EXIT_CONFLICT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene;

		assert_int_equal(scene_open(&scene, cases[i].scenario), 0);
		assert_int_equal(batch_status(scene.model, cases[i].gaps, cases[i].enough),
		                 cases[i].status);
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
	assert_int_equal(EXIT_INCONCLUSIVE, 4);
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
