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
	bool gone, no_target;
	const char *said, *not_said;
} rows[] = {
        {.said = "Waiting for the first counts", .not_said = "idle"},
        {.watched_ns = 5000000000, .said = "No map operation seen for 5s:", .not_said = "probe"},
        {.watched_ns = 5000000000,
         .no_target = true,
         .said = "No process runs this program yet",
         .not_said = "work"},
        {.watched_ns = 5000000000, .hits = 1, .said = "1 probe hit, none", .not_said = "idle"},
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

		seen.target_count = !rows[i].no_target;
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

/* The verdict says what to do, and "1 hold", not "1 holds". */
static void test_remedy(void **state)
{
	struct frame a = {.function = "main.put", .file = "/src/store.go", .line = 12};
	struct frame b = {.function = "main.get", .file = "/src/store.go", .line = 40};
	struct map_row map = {
	        .number = 3, .verdict = VERDICT_CONFLICT, .conflicts = 1, .stalls = 1};
	struct conflict_row finding = {.map = &map,
	                               .evidence = EVIDENCE_OVERLAP,
	                               .a = {.chain = &a, .chain_length = 1},
	                               .b = {.chain = &b, .chain_length = 1}};
	struct conflict_row *list[] = {&finding};
	struct rows rows = {.conflicts = list, .conflict_count = 1};
	char out[EXPLAIN_MAX];

	(void)state;
	explain_verdict(&rows, &map, out);
	assert_non_null(strstr(out, "Seen 1 time in 1 hold ("));
	assert_non_null(strstr(out, "To do: store.go:12 and store.go:40 under the same lock."));
	map.verdict = VERDICT_UNORDERED;
	map.order.unordered = map.stalls = 2;
	finding.evidence = EVIDENCE_UNORDERED;
	map.guard = (struct map_guard){
	        .accesses = 100,
	        .lock = 1,
	        .taken = {.function = "main.lock", .file = "/src/lock.go", .line = 7}};
	explain_verdict(&rows, &map, out);
	assert_non_null(strstr(out, "Seen 2 times; not caught at the same time in 2 holds"));
	assert_non_null(strstr(
	        out, "store.go:12 and store.go:40 under the lock that is taken at lock.go:7."));
	finding.b.chain = &a;
	assert_string_equal(
	        explain_remedy(&rows, &map, out),
	        "To do: store.go:12 under the lock that is taken at lock.go:7 each time.");
	finding.evidence = EVIDENCE_FATAL; /* the other side is not known */
	map.guard.lock = 0;
	assert_string_equal(explain_remedy(&rows, &map, out),
	                    "To do: store.go:12, and all else that uses the map, under the same "
	                    "lock.");
	rows.conflict_count = 0;
	assert_string_equal(explain_remedy(&rows, &map, out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_no_maps), cmocka_unit_test(test_no_maps_waiting),
	        cmocka_unit_test(test_remedy), cmocka_unit_test(test_each_trouble)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
