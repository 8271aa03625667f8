/* SPDX-License-Identifier: MIT */
/*
 * Metrics: the lines against the events they were made from, bounds, hostile names, and counters
 * that never go down.
 *
 *     test_metrics               run the tests
 *     test_metrics emit NAME     print a document for each step of a scenario, with a reset now and
 *                                then (for check_metrics.py)
 */
#include <inttypes.h>

#include "core/report/metrics.h"
#include "tests/unit/model/model_events.h"
#include "tests/unit/report/snapshot_scenarios.h"

/* The document as text in memory; to be freed. */
static char *document_of(const struct model *model, const struct snapshot_context *context)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(metrics_write(model, context, out), 0);
	fclose(out);
	return text;
}

/* How many lines begin with this. */
static int lines_with(const char *text, const char *begin)
{
	int count = strncmp(text, begin, strlen(begin)) == 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		count += strncmp(at + 1, begin, strlen(begin)) == 0;
	return count;
}

static void assert_line(const char *text, const char *line)
{
	char whole[1024];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (!strstr(text, whole))
		fail_msg("no line %s in\n%s", line, text);
}

/* The document of now has these lines; the list ends with NULL. */
static void assert_document(const struct model *model, ...)
{
	char *text = document_of(model, &scenario_context);
	const char *line;
	va_list ap;

	va_start(ap, model);
	while ((line = va_arg(ap, const char *)))
		assert_line(text, line);
	va_end(ap);
	free(text);
}

static void coverage_send(struct model *model, struct event_coverage *event)
{
	header_set(&event->h, EVENT_COVERAGE, sizeof(*event));
	apply(model, &event->h);
}

static struct map_counts counts_of(uint64_t reads, uint64_t writes, uint64_t conflicts)
{
	return (struct map_counts){.type = 0x99,
	                           .ops = {[OP_READ] = reads, [OP_WRITE] = writes},
	                           .conflicts = conflicts,
	                           .flags = MAP_SHARED | MAP_CHANGED};
}

/* ---- documents ----------------------------------------------------------------------- */

static void test_before_anything(void **state)
{
	const struct snapshot_context context = {.tool_version = "0.1.0"};
	char *text = document_of(NULL, &context);

	(void)state;
	assert_string_equal(text, "# TYPE gomaptop_build info\n"
	                          "# HELP gomaptop_build Which gomaptop this is\n"
	                          "gomaptop_build_info{version=\"0.1.0\"} 1\n"
	                          "# EOF\n");
	free(text);
}

/* What is not known is left out, and so is its head. */
static void test_unknown(void **state)
{
	static const char *const unknown[] = {
	        "armed_ratio",    "births",       "counts_timestamp",    "estimate",
	        "interval_ratio", "base_seconds", "target_cpu",          "contention",
	        "planned",        "budget",       "overhead_hit_second", "target_info"};
	struct snapshot_context context = scenario_context;
	struct model *model = model_new();
	char *text;

	(void)state;
	context.overhead_limit = -1;
	text = document_of(model, &context);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		if (strstr(text, unknown[i]))
			fail_msg("%s is not known, and is in\n%s", unknown[i], text);
	}
	assert_line(text, "gomaptop_probe_hits_total 0");
	assert_line(text, "gomaptop_maps{verdict=\"conflict\"} 0");
	free(text);
	model_destroy(model);
}

static void test_coverage(void **state)
{
	struct event_coverage event = {.watched_ns = 4 * SECOND,
	                               .armed_ns = SECOND,
	                               .run_ns = 60000007,
	                               .cold_ns = 5000000,
	                               .waiting_ns = 10000000,
	                               .target_cpu_ns = 3 * SECOND,
	                               .contention = 1.25,
	                               .planned = 0.027};
	const struct overhead_costs costs = {.ns = {[BODY_HOLD] = 1234},
	                                     .measured = 1 << BODY_HOLD};
	struct snapshot_context context = scenario_context;
	struct model *model = model_new();
	char *text;

	(void)state;
	context.costs = &costs;
	event.value[COVERAGE_HITS] = UINT64_C(9007199254740993); /* no double has it */
	event.value[COVERAGE_NIL_MAP] = 77;
	event.value[COVERAGE_QUEUE_FULL] = 5;
	event.value[COVERAGE_STALL_NS] = 20000000;
	coverage_send(model, &event);
	text = document_of(model, &context);
	assert_line(text, "gomaptop_probe_hits_total 9007199254740993");
	assert_line(text, "gomaptop_probe_hits_filtered_total{cause=\"nil_map\"} 77");
	assert_line(text, "gomaptop_events_lost_total{cause=\"queue_full\"} 5");
	assert_line(text, "gomaptop_armed_ratio 0.25");
	assert_line(text, "gomaptop_overhead_hits_seconds_total 0.030000007");
	assert_line(text, "gomaptop_overhead_cold_seconds_total 0.005000000");
	assert_line(text, "gomaptop_overhead_held_seconds_total 0.020000000");
	assert_line(text, "gomaptop_overhead_waiting_seconds_total 0.010000000");
	assert_line(text, "gomaptop_overhead_base_seconds_total 3.000000000");
	assert_line(text, "gomaptop_overhead_estimate_ratio 0.02000000233");
	assert_line(text, "gomaptop_overhead_budget_ratio 0.03");
	assert_line(text, "gomaptop_overhead_planned_ratio 0.027");
	assert_line(text, "gomaptop_overhead_contention_ratio 1.25");
	assert_line(text, "gomaptop_overhead_hit_seconds{body=\"hold\",basis=\"measured\"} "
	                  "0.000001234");
	assert_line(text, "gomaptop_overhead_hit_seconds{body=\"birth\",basis=\"assumed\"} "
	                  "0.000000000");
	/* 500 s of the monotonic clock, in which the event came. */
	assert_line(text, "gomaptop_counts_timestamp_seconds 1735786545.000000000");
	free(text);
	model_destroy(model);
}

/* A target at rest is measured against a third of a CPU. */
static void test_base_of_a_target_at_rest(void **state)
{
	struct event_coverage event = {.watched_ns = 20 * SECOND, .target_cpu_ns = SECOND};
	struct model *model = model_new();

	(void)state;
	coverage_send(model, &event);
	assert_document(model, "gomaptop_overhead_base_seconds_total 6.666666666",
	                "gomaptop_target_cpu_seconds_total 1.000000000", NULL);
	model_destroy(model);
}

static void test_stream_that_fails(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(metrics_write(NULL, &scenario_context, full), -ENOSPC);
	fclose(full);
}

/* ---- labels -------------------------------------------------------------------------- */

static const char *hostile_type; /* of each map */

static const char *names_hostile(void *ctx, uint32_t tgid, uint64_t type_addr)
{
	(void)ctx;
	(void)tgid;
	(void)type_addr;
	return hostile_type;
}

static void assert_type_label(const char *type, const char *label)
{
	struct model_config config = {.symbols = {.type_name = names_hostile}};
	struct map_counts counts = counts_of(1, 0, 0);
	struct model *model;
	char line[512];

	hostile_type = type;
	assert_int_equal(model_create(&config, &model), 0);
	map_send(model, 0x100, &counts, ROW_GOES_ON);
	snprintf(line, sizeof(line), "gomaptop_map_conflicts_total{map=\"m1\",pid=\"77\"%s} 0",
	         label);
	assert_document(model, line, NULL);
	model_destroy(model);
}

static void test_hostile_labels(void **state)
{
	(void)state;
	assert_type_label("map[struct { X int \"json:\\\"x\\\"\" }]int",
	                  ",type=\"map[struct { X int \\\"json:\\\\\\\"x\\\\\\\"\\\" }]int\"");
	assert_type_label("a\nfake_total 1\n# EOF", ",type=\"a?fake_total 1?# EOF\"");
	assert_type_label("\x1b[31mred\xff\xe2\x80\xae", ",type=\"?[31mred??\"");
	assert_type_label("\\", ",type=\"\\\\\"");
	assert_type_label(NULL, "");
	assert_type_label("", "");
}

/* Cut off behind a whole character; what just fits is whole. */
static void test_long_labels(void **state)
{
	char text[METRICS_LABEL_MAX + 64], label[2 * METRICS_LABEL_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[METRICS_LABEL_MAX] = '\0';
	snprintf(label, sizeof(label), ",type=\"%s\"", text);
	assert_type_label(text, label);
	text[METRICS_LABEL_MAX] = 'x';
	text[METRICS_LABEL_MAX + 1] = '\0';
	snprintf(label, sizeof(label), ",type=\"%.*s...\"", METRICS_LABEL_MAX - 3, text);
	assert_type_label(text, label);
	memcpy(text + METRICS_LABEL_MAX - 4, "\xe2\x82\xac", 3);
	snprintf(label, sizeof(label), ",type=\"%.*s...\"", METRICS_LABEL_MAX - 4, text);
	assert_type_label(text, label);
}

/* ---- processes and maps -------------------------------------------------------------- */

static void test_targets(void **state)
{
	struct target_row target = {
	        .tgid = PID, .exe = "/srv/\"x\"", .go_version = "go1.24.4", .map_runtime = "swiss"};
	struct map_counts counts = counts_of(5, 7, 0);
	struct model *model = model_new();

	(void)state;
	assert_int_equal(model_target_add(model, &target), 0);
	/* One that does nothing is there all the same. */
	assert_document(model,
	                "gomaptop_target_info{pid=\"77\",exe=\"/srv/\\\"x\\\"\","
	                "go_version=\"go1.24.4\",map_runtime=\"swiss\"} 1",
	                "gomaptop_target_running{pid=\"77\",exe=\"/srv/\\\"x\\\"\"} 1",
	                "gomaptop_conflicts_total{pid=\"77\",exe=\"/srv/\\\"x\\\"\"} 0", NULL);
	map_send(model, 0x100, &counts, ROW_GOES_ON);
	goroutine_send(model, 0xc000, 18, 5, ROW_GOES_ON);
	goroutine_send(model, 0xc100, 19, 7, ROW_GOES_ON);
	goroutine_send(model, 0xc100, 19, 8, ROW_GOES_ON);
	crash_send(model, "concurrent map writes", 0x100);
	assert_document(
	        model, "gomaptop_target_running{pid=\"77\",exe=\"/srv/\\\"x\\\"\"} 0",
	        "gomaptop_operations_total{pid=\"77\",exe=\"/srv/\\\"x\\\"\",op=\"read\"} 5",
	        "gomaptop_operations_total{pid=\"77\",exe=\"/srv/\\\"x\\\"\",op=\"write\"} "
	        "7",
	        "gomaptop_goroutines_seen_total{pid=\"77\",exe=\"/srv/\\\"x\\\"\"} 2",
	        "gomaptop_crashes_total{pid=\"77\",exe=\"/srv/\\\"x\\\"\"} 1",
	        "gomaptop_conflicts_total{pid=\"77\",exe=\"/srv/\\\"x\\\"\"} 1",
	        "gomaptop_conflict_sightings_total{pid=\"77\",exe=\"/srv/\\\"x\\\"\","
	        "kind=\"write-write\"} 1",
	        "gomaptop_maps{verdict=\"conflict\"} 1", NULL);
	model_destroy(model);
}

/* Of too many maps those with conflicts; of too many processes the latest, and a sum. */
static void test_bounds(void **state)
{
	struct map_counts counts = {.type = 0x99};
	struct model *model = model_new();
	char *text;

	(void)state;
	for (unsigned int i = 0; i < 60; i++) {
		struct event_map event = {.key = {.addr = 0x1000 + i, .tgid = 1000 + i}};

		counts.ops[OP_WRITE] = i + 1;
		event.counts = counts;
		event.counts.first_ns = START;
		header_set(&event.h, EVENT_MAP, sizeof(event));
		apply(model, &event.h);
	}
	now += SECOND;
	overlap_send(model, 0, access_at(0x5000, OP_WRITE, 1, 0x1001, 3),
	             access_at(0x5000, OP_READ, 2, 0x2002, 3));
	text = document_of(model, &scenario_context);
	assert_int_equal(lines_with(text, "gomaptop_map_conflicts_total{"), METRICS_MAPS_MAX);
	assert_int_equal(lines_with(text, "gomaptop_map_verdict{"), METRICS_MAPS_MAX);
	assert_int_equal(lines_with(text, "gomaptop_map_operations_total{"),
	                 METRICS_MAPS_MAX * OP_COUNT);
	assert_line(text, "gomaptop_map_conflicts_total{map=\"m61\",pid=\"77\","
	                  "type=\"map[string]int\"} 1");
	assert_line(text, "gomaptop_maps{verdict=\"local\"} 60");
	/* 61 processes: 11 of them are the others, with 1 + 2 + ... + 11 writes. */
	assert_int_equal(lines_with(text, "gomaptop_crashes_total{"), METRICS_PROCESSES_MAX);
	assert_line(text, "gomaptop_operations_total{pid=\"others\",op=\"write\"} 66");
	assert_null(strstr(text, "pid=\"1010\",op"));
	assert_line(text, "gomaptop_operations_total{pid=\"1011\",op=\"write\"} 12");
	free(text);
	model_destroy(model);
}

/* ---- counters ------------------------------------------------------------------------ */

/* A reset, and what comes after it, adds to what was. */
static void test_counters_outlive_a_reset(void **state)
{
	struct map_counts counts = counts_of(10, 20, 3);
	struct model *model = model_new();

	(void)state;
	map_send(model, 0x100, &counts, ROW_GOES_ON);
	model_reset(model);
	assert_document(model, "gomaptop_conflicts_total{pid=\"77\"} 3",
	                "gomaptop_operations_total{pid=\"77\",op=\"write\"} 20",
	                "gomaptop_maps{verdict=\"conflict\"} 0", NULL);
	counts = counts_of(11, 22, 4);
	map_send(model, 0x100, &counts, ROW_GOES_ON);
	assert_int_equal(only_map(model)->conflicts, 1);
	assert_document(
	        model, "gomaptop_conflicts_total{pid=\"77\"} 4",
	        "gomaptop_operations_total{pid=\"77\",op=\"read\"} 11",
	        "gomaptop_operations_total{pid=\"77\",op=\"write\"} 22",
	        "gomaptop_map_conflicts_total{map=\"m1\",pid=\"77\",type=\"map[string]int\"} "
	        "4",
	        "gomaptop_map_operations_total{map=\"m1\",pid=\"77\",type=\"map[string]int\","
	        "op=\"write\"} 22",
	        NULL);
	model_destroy(model);
}

/* The event of an overlap comes before the count of it: a reset between the two counts it once. */
static void test_reset_between_event_and_count(void **state)
{
	struct map_counts counts = counts_of(10, 20, 0);
	struct model *model = model_new();

	(void)state;
	map_send(model, 0x100, &counts, ROW_GOES_ON);
	overlap_send(model, 0, access_at(0x100, OP_WRITE, 1, 0x1001, 3),
	             access_at(0x100, OP_READ, 2, 0x2002, 3));
	model_reset(model);
	counts = counts_of(11, 21, 1);
	map_send(model, 0x100, &counts, ROW_GOES_ON);
	assert_int_equal(only_map(model)->conflicts, 0);
	assert_document(model, "gomaptop_conflicts_total{pid=\"77\"} 1",
	                "gomaptop_conflict_sightings_total{pid=\"77\",kind=\"read-write\"} 1",
	                NULL);
	counts = counts_of(12, 22, 2); /* this one's event was lost */
	map_send(model, 0x100, &counts, ROW_GOES_ON);
	assert_int_equal(only_map(model)->conflicts, 1);
	assert_document(model, "gomaptop_conflicts_total{pid=\"77\"} 2",
	                "gomaptop_conflict_sightings_total{pid=\"77\",kind=\"read-write\"} 1",
	                NULL);
	model_destroy(model);
}

/* Rows that become one, and rows that are given up, are in the totals still. */
static void test_counters_outlive_rows(void **state)
{
	struct model *model = model_small(4, 0, 0);

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		struct map_counts counts = counts_of(1, 1, 0);

		map_send(model, 0x1000 + 0x40 * i, &counts, ROW_GONE);
		if (i == 20)
			model_reset(model);
		for (int ticks = 0; ticks < 6; ticks++)
			tick(model, 1);
	}
	assert_true(model_map_count(model) <= 4);
	assert_document(model, "gomaptop_operations_total{pid=\"77\",op=\"read\"} 40", NULL);
	model_destroy(model);
}

static void test_counters_of_a_family(void **state)
{
	struct model *model = model_new();
	unsigned int i;

	(void)state;
	for (i = 0; i < 2 * MODEL_FAMILY_MAPS; i++) {
		struct map_counts counts = counts_of(1, 2, 1);

		counts.first_caller = 0x1004;
		map_send(model, 0x1000 + 0x40 * i, &counts, ROW_GOES_ON);
		if (i == 4)
			model_reset(model);
	}
	assert_int_equal(only_map(model)->conflicts, i - 5);
	assert_document(
	        model, "gomaptop_conflicts_total{pid=\"77\"} 16",
	        "gomaptop_map_conflicts_total{map=\"m1\",pid=\"77\",type=\"map[string]int\"} "
	        "16",
	        "gomaptop_map_operations_total{map=\"m1\",pid=\"77\",type=\"map[string]int\","
	        "op=\"write\"} 32",
	        NULL);
	model_destroy(model);
}

/* An overlap for whose map there is no room, and what the bounds drop. */
static void test_no_room(void **state)
{
	struct model *model = model_small(1, 0, 1);

	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		overlap_send(model, 0, access_at(0x100 + 0x40 * i, OP_WRITE, 1, 0x1001, 3),
		             access_at(0x100 + 0x40 * i, OP_WRITE, 2, 0x2002, 3));
	assert_true(model_dropped(model) > 0);
	for (int i = 0; i < 2; i++) {
		char line[64];

		snprintf(line, sizeof(line), "gomaptop_rows_dropped_total %" PRIu64,
		         model_dropped_ever(model));
		assert_document(
		        model, line, "gomaptop_conflicts_total{pid=\"77\"} 20",
		        "gomaptop_conflict_sightings_total{pid=\"77\",kind=\"write-write\"} 20",
		        NULL);
		model_reset(model);
		assert_int_equal(model_dropped(model), 0);
		assert_true(model_dropped_ever(model) > 0);
	}
	model_destroy(model);
}

/* Pairs that nothing orders are a finding, and no conflict. */
static void test_unordered(void **state)
{
	struct model *model = model_new();

	(void)state;
	order_send(model, 0xa0, &(struct event_order){.pairs = 9, .under_lock = 6, .unknown = 2});
	for (int i = 0; i < 2; i++) {
		unordered_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
		               access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
		assert_document(
		        model,
		        i ? "gomaptop_unordered_pairs_total{pid=\"77\"} 2"
		          : "gomaptop_unordered_pairs_total{pid=\"77\"} 1",
		        i ? "gomaptop_map_unordered_pairs_total{map=\"m1\",pid=\"77\","
		            "type=\"map[string]int\"} 2"
		          : "gomaptop_map_unordered_pairs_total{map=\"m1\",pid=\"77\","
		            "type=\"map[string]int\"} 1",
		        "gomaptop_pairs_decided_total{pid=\"77\",order=\"under_lock\"} 6",
		        "gomaptop_pairs_decided_total{pid=\"77\",order=\"unknown\"} 2",
		        "gomaptop_conflicts_total{pid=\"77\"} 0",
		        "gomaptop_maps{verdict=\"unordered\"} 1",
		        "gomaptop_map_verdict{map=\"m1\",pid=\"77\",type=\"map[string]int\","
		        "verdict=\"unordered\"} 1",
		        NULL);
		model_reset(model);
	}
	model_destroy(model);
}

/* ---- for check_metrics.py ------------------------------------------------------------ */

#define RESET_EVERY 3

static int emit(const char *name)
{
	struct scene scene;
	const struct scenario *scenario = scenarios;
	int rc = scene_open(&scene, name);

	while (!rc && strcmp(scenario->name, name) != 0)
		scenario++;
	for (int i = 0; !rc && i <= scenario->steps; i++) {
		rc = metrics_write(scene.model, &scenario_context, stdout);
		if (i % RESET_EVERY == RESET_EVERY - 1) {
			model_reset(scene.model);
			rc = rc ? rc : metrics_write(scene.model, &scenario_context, stdout);
		}
		if (!rc && synthetic_run(scene.synthetic, scene.queue, scene.model) < 0)
			rc = -1;
	}
	scene_close(&scene);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_before_anything),
	        cmocka_unit_test(test_unknown),
	        cmocka_unit_test(test_coverage),
	        cmocka_unit_test(test_base_of_a_target_at_rest),
	        cmocka_unit_test(test_stream_that_fails),
	        cmocka_unit_test(test_hostile_labels),
	        cmocka_unit_test(test_long_labels),
	        cmocka_unit_test(test_targets),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_counters_outlive_a_reset),
	        cmocka_unit_test(test_reset_between_event_and_count),
	        cmocka_unit_test(test_counters_outlive_rows),
	        cmocka_unit_test(test_counters_of_a_family),
	        cmocka_unit_test(test_no_room),
	        cmocka_unit_test(test_unordered),
	};

	if (argc == 3 && strcmp(argv[1], "emit") == 0)
		return emit(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
