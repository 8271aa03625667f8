/* SPDX-License-Identifier: MIT */
/* What an empty pane says: nothing is called idle that was not looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/event/trouble.h"
#include "tui/words/explain.h"

static const struct {
	uint64_t watched_ns, hits;
	int trouble;
	bool gone;
	const char *said, *not_said;
} rows[] = {
        {.said = "Waiting for the first counts", .not_said = "idle"},
        {.watched_ns = 5000000000, .said = "No map operation seen for 5s:", .not_said = "probe"},
        {.watched_ns = 5000000000, .hits = 1200, .said = "1.2k probe hits", .not_said = "idle"},
        {.watched_ns = 5000000000,
         .trouble = TROUBLE_FILE_CROWDED,
         .said = "No probe is in place: over 16 processes run the file",
         .not_said = "idle"},
        {.watched_ns = 5000000000,
         .trouble = TROUBLE_FILE_CROWDED,
         .hits = 1200,
         .said = "use -p",
         .not_said = "idle"},
        {.watched_ns = 5000000000,
         .trouble = TROUBLE_FILE_CROWDED,
         .gone = true,
         .said = "The target ended",
         .not_said = "idle"},
};

static void test_no_maps(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rows seen = {
		        .coverage = {.watched_ns = rows[i].watched_ns, .trouble = rows[i].trouble}};
		char out[EXPLAIN_MAX];

		seen.coverage.value[COVERAGE_HITS] = rows[i].hits;
		explain_no_maps(&seen, rows[i].gone, out);
		if (!strstr(out, rows[i].said) || strstr(out, rows[i].not_said))
			fail_msg("row %zu: %s", i, out);
	}
}

/* A program that is not started yet is not called idle, and does not go without words. */
static void test_no_maps_waiting(void **state)
{
	struct rows seen = {.coverage = {.watched_ns = 5000000000},
	                    .waiting = "Waiting for /srv/x to be started: no process runs it"};
	char out[EXPLAIN_MAX];

	(void)state;
	explain_no_maps(&seen, false, out);
	assert_string_equal(out, "Waiting for /srv/x to be started: no process runs it.");
	explain_no_goroutines(&seen, false, out);
	assert_string_equal(out, "Waiting for /srv/x to be started: no process runs it.");
	explain_no_maps(&seen, true, out);
	assert_null(strstr(out, "Waiting"));
}

/* Each reason for which no probe is in place is said, whole, in words of its own. */
static void test_each_trouble(void **state)
{
	char out[EXPLAIN_MAX];

	(void)state;
	for (int trouble = 1; trouble < TROUBLE_COUNT; trouble++) {
		struct rows seen = {.coverage = {.watched_ns = 1, .trouble = trouble}};
		const char *words = trouble_words(trouble);

		explain_no_maps(&seen, false, out);
		if (!words[0] || !strstr(out, words) || out[strlen(out) - 1] != '.')
			fail_msg("trouble %d: %s", trouble, out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_maps),
	                                   cmocka_unit_test(test_no_maps_waiting),
	                                   cmocka_unit_test(test_each_trouble)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
