/* SPDX-License-Identifier: MIT */
/*
 * Snapshots: the JSON against the model it was made from, the words of the report, the file.
 *
 *     test_snapshot               run the tests
 *     test_snapshot emit NAME     print the JSON of a scenario (for check_snapshot_schema.py)
 *     test_snapshot events NAME   print its events (likewise)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/report/snapshot_scenarios.h"

/* The snapshot of a scenario as text in memory; to be freed. */
static char *text_of(const char *name, enum snapshot_format format,
                     const struct snapshot_context *context)
{
	struct scene scene;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(scene_open(&scene, name), 0);
	assert_int_equal(snapshot_write(scene.model, context, format, out, NULL), 0);
	fclose(out);
	scene_close(&scene);
	return text;
}

static json_t *json_of(const char *name)
{
	char *text = text_of(name, SNAPSHOT_JSON, &scenario_context);
	json_t *root = json_loads(text, 0, NULL);

	assert_non_null(root);
	free(text);
	return root;
}

static const char *string_at(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

static json_int_t number_at(json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static const char *text_at(json_t *object, const char *key)
{
	assert_true(json_is_string(json_object_get(object, key)));
	return json_string_value(json_object_get(object, key));
}

/* Keys of an object, in order, each followed by a blank, begin with these. */
static void assert_keys(json_t *object, const char *expected)
{
	char *keys;
	size_t size;
	FILE *out = open_memstream(&keys, &size);
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		fprintf(out, "%s ", key);
	}
	fclose(out);
	if (strncmp(keys, expected, strlen(expected)) != 0)
		fail_msg("keys are %s", keys);
	free(keys);
}

/* ---- JSON ---------------------------------------------------------------------------- */

static void test_key_order(void **state)
{
	json_t *root = json_of("crash");
	json_t *map = json_array_get(json_object_get(root, "maps"), 0);
	json_t *conflict = json_array_get(json_object_get(root, "conflicts"), 0);
	json_t *access = json_object_get(conflict, "a");

	(void)state;
	assert_keys(root, "schema written_at seconds tool host targets coverage maps conflicts "
	                  "goroutines crashes ");
	assert_keys(map,
	            "id pid addr type len born verdict order guard reads writes deletes clears "
	            "iterations goroutines stalls stall_seconds expected_overlaps conflicts "
	            "heat ");
	assert_keys(conflict, "map kind evidence count first_seen last_seen a b gap_seconds ");
	assert_keys(json_object_get(map, "order"),
	            "pairs under_lock ordered unknown unordered how reason ");
	assert_keys(access, "op runtime_function pid tid goid time key stack stack_truncated "
	                    "created_by parent_goid first_function ");
	assert_keys(json_array_get(json_object_get(access, "stack"), 0),
	            "function file line inlined pc ");
	assert_keys(json_array_get(json_object_get(root, "goroutines"), 0),
	            "pid goid reads writes conflicts maps state wait_reason wait_seconds "
	            "parent_goid created_by stack ");
	assert_keys(json_array_get(json_object_get(root, "crashes"), 0),
	            "pid time message map goid stack last_accesses ");
	json_decref(root);
}

/* A JSON library that reads it writes the same bytes. */
/* Line for line what the library makes of it. It does not escape what a terminal acts on: of such a
 * line only that both have one; test_json_writer has the rest. */
static void lines_like(char *text, char *again)
{
	char *line, *other;

	while ((other = strsep(&again, "\n"))) {
		line = strsep(&text, "\n");
		assert_non_null(line);
		if (!strstr(line, "\\u"))
			assert_string_equal(line, other);
	}
	assert_string_equal(text, ""); /* the line feed at the end */
}

static void test_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENARIO_COUNT; i++) {
		char *text = text_of(scenarios[i].name, SNAPSHOT_JSON, &scenario_context);
		json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		char *again = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER |
		                                       JSON_REAL_PRECISION(9));

		assert_non_null(again);
		lines_like(text, again);
		free(again);
		free(text);
		json_decref(root);
	}
}

static void test_values(void **state)
{
	json_t *root = json_of("busy");
	json_t *coverage = json_object_get(root, "coverage");
	json_t *target = json_array_get(json_object_get(root, "targets"), 0);
	json_t *conflict = json_array_get(json_object_get(root, "conflicts"), 0);
	json_t *frame = json_array_get(json_object_get(json_object_get(conflict, "a"), "stack"), 0);

	(void)state;
	assert_string_equal(string_at(root, "schema"), "gomaptop.snapshot/1");
	assert_string_equal(string_at(root, "written_at"), "2025-01-02T03:04:15.123456Z");
	assert_string_equal(string_at(target, "go_version"), "go1.24.4");
	assert_string_equal(string_at(target, "state"), "running");
	assert_string_equal(string_at(coverage, "attach"), "uprobe_multi");
	assert_true(json_number_value(json_object_get(coverage, "armed_fraction")) == 1.0);
	assert_non_null(strstr(string_at(conflict, "first_seen"), "2025-01-02T03:04:"));
	assert_non_null(strstr(string_at(frame, "function"), "main."));
	assert_true(strncmp(string_at(frame, "pc"), "0x4", 3) == 0);
	assert_true(number_at(frame, "line") > 0);
	json_decref(root);
}

/* The lists are in the order that the format promises, and agree with one another. */
static void test_consistent(void **state)
{
	json_t *root = json_of("busy"), *maps = json_object_get(root, "maps"), *row;
	json_t *conflicts = json_object_get(root, "conflicts");
	json_t *events = json_object_get(json_object_get(root, "coverage"), "events");
	json_int_t last = INT64_MAX, heat = 0, total = 0, seen = 0;
	size_t i, d;
	json_t *cell;

	(void)state;
	json_array_foreach(maps, i, row)
	{
		json_t *depth = json_object_get(json_object_get(row, "heat"), "depth");

		assert_true(number_at(row, "conflicts") <= last);
		last = number_at(row, "conflicts");
		total += last;
		json_array_foreach(depth, d, cell) heat += json_integer_value(cell);
		if (json_array_size(depth) > 0)
			assert_true(json_integer_value(
			                    json_array_get(depth, json_array_size(depth) - 1)) > 0);
		assert_int_equal(strcmp(string_at(row, "verdict"), "conflict") == 0, last > 0);
	}
	last = INT64_MAX;
	json_array_foreach(conflicts, i, row)
	{
		assert_true(number_at(row, "count") <= last);
		last = number_at(row, "count");
		seen += last;
	}
	assert_int_equal(total, 400);
	assert_int_equal(seen, total);
	assert_int_equal(heat, total);
	assert_int_equal(number_at(events, "made"), 400 + 2000 + 10);
	assert_int_equal(number_at(events, "delivered"), 2400);
	assert_int_equal(number_at(json_object_get(events, "lost"), "ring_full"), 10);
	json_decref(root);
}

static void test_fatal_conflict(void **state)
{
	json_t *root = json_of("crash"), *row, *fatal = NULL;
	json_t *crash = json_array_get(json_object_get(root, "crashes"), 0);
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(root, "conflicts"), i, row)
	{
		if (strcmp(string_at(row, "evidence"), "fatal") == 0)
			fatal = row;
	}
	assert_non_null(fatal);
	assert_true(json_is_null(json_object_get(json_object_get(fatal, "b"), "op")));
	assert_int_equal(json_array_size(json_object_get(json_object_get(fatal, "b"), "stack")), 0);
	assert_string_equal(string_at(crash, "message"), "concurrent map writes");
	assert_string_equal(string_at(crash, "map"), string_at(fatal, "map"));
	assert_string_equal(string_at(json_array_get(json_object_get(root, "targets"), 0), "state"),
	                    "crashed");
	json_decref(root);
}

/* What is not known is null, not zero and not an empty text. */
static void test_unknown_is_null(void **state)
{
	struct model_config config = {.maps_max = 0};
	struct snapshot_context context = {.written_realtime_ns = 1, .seconds = 0.0 / 0.0};
	struct target_row target = {.tgid = 5};
	struct event_stall event = {
	        .h = {.kind = EVENT_STALL, .size = sizeof(event), .time_ns = 7},
	        .access = {.map = 0x10, .tgid = 5},
	};
	struct model *model;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *root, *map, *coverage;

	(void)state;
	assert_int_equal(model_create(&config, &model), 0);
	assert_int_equal(model_target_add(model, &target), 0);
	assert_int_equal(model_apply(model, &event.h), 0);
	assert_int_equal(snapshot_write(model, &context, SNAPSHOT_JSON, out, NULL), 0);
	fclose(out);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	coverage = json_object_get(root, "coverage");
	map = json_array_get(json_object_get(root, "maps"), 0);
	assert_true(json_is_null(json_object_get(root, "seconds")));
	assert_true(json_is_null(json_object_get(map, "type")));
	assert_true(json_is_null(json_object_get(map, "len")));
	assert_true(json_is_null(json_object_get(map, "goroutines")));
	assert_true(json_is_null(json_object_get(map, "first_use")));
	assert_true(json_is_null(json_object_get(coverage, "attach")));
	assert_true(json_is_null(json_object_get(coverage, "armed_fraction")));
	assert_true(
	        json_is_null(json_object_get(json_object_get(coverage, "overhead"), "estimate")));
	assert_true(json_is_null(
	        json_object_get(json_array_get(json_object_get(root, "targets"), 0), "build_id")));
	json_decref(root);
	free(text);
	model_destroy(model);
}

/* The parts of the overhead add up to it; how much is lost by waiting is null until it was seen. */
static void test_overhead_parts(void **state)
{
	struct model_config config = {.maps_max = 0};
	struct snapshot_context context = {.written_realtime_ns = 1};
	struct event_coverage event = {
	        .h = {.kind = EVENT_COVERAGE, .size = sizeof(event), .time_ns = 7},
	        .run_ns = 6000000000,
	        .cold_ns = 500000000,
	        .waiting_ns = 2000000000,
	        .target_cpu_ns = 600000000000};
	static const double factors[] = {0, 1.5};

	(void)state;
	event.value[COVERAGE_STALL_NS] = 1000000000;
	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++) {
		json_t *root, *overhead, *factor;
		struct model *model;
		char *text;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		event.contention = event.planned = factors[i];
		assert_int_equal(model_create(&config, &model), 0);
		assert_int_equal(model_apply(model, &event.h), 0);
		assert_int_equal(snapshot_write(model, &context, SNAPSHOT_JSON, out, NULL), 0);
		fclose(out);
		root = json_loads(text, 0, NULL);
		overhead = json_object_get(json_object_get(root, "coverage"), "overhead");
		factor = json_object_get(overhead, "contention");
		assert_true(json_real_value(json_object_get(overhead, "hits_seconds")) == 3);
		assert_true(json_real_value(json_object_get(overhead, "cold_seconds")) == 0.5);
		assert_true(json_real_value(json_object_get(overhead, "held_seconds")) == 1);
		assert_true(json_real_value(json_object_get(overhead, "waiting_seconds")) == 2);
		assert_true(factors[i] > 0 ? json_real_value(factor) == factors[i]
		                           : json_is_null(factor));
		factor = json_object_get(overhead, "planned");
		assert_true(factors[i] > 0 ? json_real_value(factor) == factors[i]
		                           : json_is_null(factor));
		json_decref(root);
		free(text);
		model_destroy(model);
	}
}

static void test_hostile_names(void **state)
{
	char *json = text_of("hostile", SNAPSHOT_JSON, &scenario_context);
	char *text = text_of("hostile", SNAPSHOT_TEXT, &scenario_context);
	json_t *root = json_loads(json, 0, NULL);

	(void)state;
	assert_non_null(root); /* jansson accepts UTF-8 only */
	assert_non_null(strstr(json, "drow.\xef\xbf\xbd\xef\xbf\xbd"));
	assert_null(strchr(json, '\x1b'));
	assert_null(strchr(text, '\x1b'));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strchr(text, '\xff'));
	assert_non_null(strstr(text, "drow"));
	json_decref(root);
	free(json);
	free(text);
}

/* ---- the report ---------------------------------------------------------------------- */

/* Too little was seen: no line of the report is green or says that there are no conflicts, and none
 * is too long. */
static void test_report_of_too_little(void **state)
{
	struct snapshot_context context = scenario_context;
	char *text, *rest, *line;

	(void)state;
	context.skip_count = 0;
	context.color = true;
	text = rest = text_of("quiet", SNAPSHOT_TEXT, &context);
	assert_non_null(strstr(text, "Conflicts: none seen; "));
	assert_non_null(strstr(text, "to say more"));
	assert_null(strstr(text, "No conflicts"));
	while ((line = strsep(&rest, "\n")))
		if (strstr(line, "none seen"))
			assert_true(strstr(line, "\x1b[33m") && strlen(line) <= 80 + 9);
	free(text);
}

static void test_report_words(void **state)
{
	char *quiet = text_of("quiet", SNAPSHOT_TEXT, &scenario_context);
	char *lossy = text_of("lossy", SNAPSHOT_TEXT, &scenario_context);
	char *busy = text_of("busy", SNAPSHOT_TEXT, &scenario_context);
	char *empty = text_of("empty", SNAPSHOT_TEXT, &scenario_context);

	(void)state;
	assert_non_null(strstr(quiet, "No conflicts seen"));
	assert_non_null(strstr(quiet, "No events lost"));
	assert_null(strstr(lossy, "No conflicts"));
	assert_null(strstr(lossy, "no conflicts"));
	assert_non_null(strstr(lossy, "none seen, 15 events lost"));
	assert_non_null(strstr(busy, "Conflicts: 400 seen"));
	assert_non_null(strstr(busy, "10 events lost"));
	assert_non_null(strstr(busy, "main.(*ledger).credit  /src/ledgerd/ledger.go:20"));
	assert_non_null(strstr(busy, "(1000 maps)"));
	assert_non_null(strstr(busy, "not probed: runtime.mapaccess1: wrapper of"));
	assert_non_null(strstr(empty, "Maps: none"));
	assert_null(strchr(busy, '\x1b'));
	free(quiet);
	free(lossy);
	free(busy);
	free(empty);
}

static void test_report_width(void **state)
{
	static const char *const names[] = {"busy", "unordered", "proven"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = text_of(names[i], SNAPSHOT_TEXT, &scenario_context), *rest = text;
		char *line;

		while ((line = strsep(&rest, "\n"))) {
			if (strlen(line) > 80)
				fail_msg("%zu columns: %s", strlen(line), line);
		}
		free(text);
	}
}

/* Unordered pairs are no conflicts, and nothing is said to be "none" beside them. */
static void test_report_unordered(void **state)
{
	char *text = text_of("unordered", SNAPSHOT_TEXT, &scenario_context);
	char *proven = text_of("proven", SNAPSHOT_TEXT, &scenario_context);

	(void)state;
	assert_non_null(strstr(text, "Unordered pairs: 24 seen, "));
	assert_non_null(strstr(text, "two goroutines used it with nothing between them that orders "
	                             "them;\n  seen "));
	assert_non_null(strstr(text, "not caught at the same time"));
	assert_non_null(strstr(text, "  (first)"));
	assert_non_null(strstr(text, "  (second)"));
	assert_null(strstr(text, "held)"));
	assert_null(strstr(text, "meanwhile"));
	assert_null(strstr(text, "onflicts:"));
	assert_null(strstr(text, "o conflict"));
	assert_null(strstr(text, "none"));
	assert_non_null(strstr(text, " accesses seen were under 0x"));
	assert_non_null(strstr(text, "the others: last at "));
	assert_non_null(strstr(text, "\nunordered "));
	assert_non_null(strstr(text, "pairs of accesses looked at: "));
	assert_non_null(strstr(proven, "Conflicts: 25 seen, "));
	assert_true(strstr(proven, "Unordered pairs: 30 seen, ") > strstr(proven, "Conflicts: "));
	free(text);
	free(proven);
}

/* Which row of the maps is unordered, and has what for a guard. */
static void test_unordered_fields(void **state)
{
	json_t *root = json_of("unordered"), *row;
	size_t i, unordered = 0, guards = 0;

	(void)state;
	json_array_foreach(json_object_get(root, "maps"), i, row)
	{
		json_t *guard = json_object_get(row, "guard");

		assert_int_equal(number_at(row, "conflicts"), 0);
		unordered += strcmp(text_at(row, "verdict"), "unordered") == 0;
		if (!json_is_object(guard))
			continue;
		guards++;
		assert_string_equal(text_at(guard, "kind"), "lock");
		assert_true(json_is_null(json_object_get(guard, "name")));
		assert_memory_equal(text_at(guard, "addr"), "0x", 2);
		assert_non_null(text_at(json_object_get(guard, "at"), "function"));
		assert_true(number_at(guard, "of") - number_at(guard, "accesses") <= 1);
	}
	assert_int_equal(unordered, 2);
	assert_true(guards > 0);
	json_array_foreach(json_object_get(root, "conflicts"), i, row)
	{
		assert_string_equal(text_at(row, "evidence"), "unordered");
		assert_true(json_number_value(json_object_get(row, "gap_seconds")) > 0);
	}
	assert_true(i > 0);
	json_decref(root);
}

static void test_report_color(void **state)
{
	struct snapshot_context context = scenario_context;
	char *plain = text_of("busy", SNAPSHOT_TEXT, &context), *colored;
	char *to;

	(void)state;
	context.color = true;
	colored = to = text_of("busy", SNAPSHOT_TEXT, &context);
	assert_non_null(strchr(colored, '\x1b'));
	/* Without the escape sequences it is the same report. */
	for (char *from = colored; *from; from++) {
		if (*from == '\x1b')
			from = strchr(from, 'm');
		else
			*to++ = *from;
	}
	*to = '\0';
	assert_string_equal(colored, plain);
	free(plain);
	free(colored);
}

static char *interval_of(struct scene *scene, uint64_t *since_ns)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(snapshot_report_interval(scene->model, &scenario_context, out, since_ns),
	                 0);
	fclose(out);
	return text;
}

static char *news_of(struct scene *scene, struct snapshot_told *told)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(
	        snapshot_report_news(scene->model, &scenario_context, SNAPSHOT_TEXT, told, out), 0);
	fclose(out);
	return text;
}

static size_t lines_in(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* The source of a line, as --source-dir would find it. */
static void some_source(uint32_t tgid, const struct frame *frame, struct source_lines *out)
{
	(void)tgid;
	out->count = 3;
	out->first = frame->line - 1;
	out->marked = 1;
	snprintf(out->text[0], SOURCE_LINE_BYTES, "	// before");
	snprintf(out->text[1], SOURCE_LINE_BYTES, "	m[k] = \x1b[7mv");
	snprintf(out->text[2], SOURCE_LINE_BYTES, "}");
}

/* A line for each new pair of lines, once, with time and zone, process, source and both places. */
static void test_news(void **state)
{
	struct snapshot_context context = scenario_context;
	struct snapshot_told told = {0};
	struct scene scene;
	char *text, *more = NULL;
	size_t size, count;
	FILE *out;

	(void)state;
	setenv("TZ", "XYZ-2", 1);
	tzset();
	assert_int_equal(scene_open(&scene, "busy"), 0);
	text = news_of(&scene, &told);
	count = lines_in(text);
	assert_true(count > 1);
	assert_int_equal(count + told.same, model_conflict_count(scene.model));
	assert_memory_equal(text, "2025-01-02 05:04:", 17);
	assert_non_null(strstr(text, "+02:00  new conflict #1 "));
	assert_non_null(
	        strstr(text, ": a read main.(*ledger).debit /src/ledgerd/ledger.go:20 goroutine "));
	assert_non_null(strstr(text, " ms after a, which was held "));
	free(text);
	text = news_of(&scene, &told); /* nothing is told twice */
	assert_string_equal(text, "");
	free(text);
	snapshot_told_free(&told);
	context.source = some_source;
	out = open_memstream(&more, &size);
	assert_int_equal(snapshot_report_news(scene.model, &context, SNAPSHOT_TEXT, &told, out), 0);
	fclose(out);
	assert_non_null(strstr(more, ":20 `m[k] = ?[7mv` goroutine "));
	assert_int_equal(lines_in(more), count);
	free(more);
	snapshot_told_free(&told);
	scene_close(&scene);
	unsetenv("TZ");
	tzset();
}

static void test_news_kinds(void **state)
{
	struct snapshot_told told = {0};
	struct scene scene;
	char *text;

	(void)state;
	assert_int_equal(scene_open(&scene, "crash"), 0);
	text = news_of(&scene, &told);
	assert_non_null(strstr(text, " crashed: concurrent map "));
	free(text);
	snapshot_told_free(&told);
	scene_close(&scene);
	assert_int_equal(scene_open(&scene, "unordered"), 0);
	text = news_of(&scene, &told);
	assert_non_null(strstr(text, "  new unordered pair #"));
	assert_non_null(strstr(text, " ms later, nothing between them orders them\n"));
	assert_null(strstr(text, "conflict"));
	free(text);
	snapshot_told_free(&told);
	scene_close(&scene);
}

/* A report that can be pasted: process, machine, times, both chains, all lines, what to do; and no
 * name of the target is markup. */
static void test_markdown(void **state)
{
	static const char *const parts[] = {
	        "## Concurrent read-write on Go map `",
	        "- process: pid 4242, `",
	        "Linux 6.1.0-18-amd64 x86_64`\n",
	        "- Go: `go1.24.4`\n",
	        "- proven: a was held inside",
	        "### a: ",
	        "### b: ",
	        "```go\n/*      19 */ ",
	        "/* >    20 */ ",
	        "### The map\n",
	        "### What to do\n",
	        "must hold the same lock",
	};
	struct snapshot_context context = scenario_context;
	char *text, *hostile, *line, *rest;

	(void)state;
	context.source = some_source;
	text = text_of("busy", SNAPSHOT_MARKDOWN, &context);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(text, parts[i]))
			fail_msg("'%s' is missing", parts[i]);
	free(text);
	hostile = rest = text_of("hostile", SNAPSHOT_MARKDOWN, &context);
	assert_null(strchr(hostile, '\x1b'));
	while ((line = strsep(&rest, "\n"))) {
		size_t ticks = 0;

		for (const char *p = line; *p; p++)
			ticks += *p == '`';
		if (strncmp(line, "    ", 4) != 0 && strncmp(line, "/*", 2) != 0 &&
		    strncmp(line, "```", 3) != 0 && ticks % 2)
			fail_msg("a code span is open: %s", line);
	}
	free(hostile);
}

/* What would be broken on a terminal is one line in a file. */
static void test_report_wide(void **state)
{
	struct snapshot_context context = scenario_context;
	char *text;

	(void)state;
	context.wide = true;
	text = text_of("proven", SNAPSHOT_TEXT, &context);
	assert_null(strstr(text, "\n          /"));
	assert_null(strstr(text, "\n    in "));
	assert_non_null(strstr(text, "  the same two lines on m2: seen 6 times there\n"));
	free(text);
}

static void test_interval(void **state)
{
	struct scene scene;
	uint64_t since = 0;
	char *text;

	(void)state;
	assert_int_equal(scene_open(&scene, "busy"), 0);
	text = interval_of(&scene, &since);
	assert_non_null(strstr(text, "12 new conflicts, 0 seen again, 10 events lost"));
	assert_int_equal(lines_in(text), 1);
	free(text);
	assert_int_equal(since, model_now_ns(scene.model));
	text = interval_of(&scene, &since); /* nothing has happened since */
	assert_non_null(strstr(text, "none seen, 10 events lost"));
	assert_null(strstr(text, "no conflict"));
	free(text);
	assert_true(synthetic_run(scene.synthetic, scene.queue, scene.model) > 0);
	text = interval_of(&scene, &since);
	assert_non_null(strstr(text, "0 new conflicts, "));
	assert_null(strstr(text, ", 0 seen again"));
	free(text);
	scene_close(&scene);
	since = 0;
	assert_int_equal(scene_open(&scene, "quiet"), 0);
	text = interval_of(&scene, &since);
	assert_non_null(strstr(text, "  none seen; ")); /* too little was seen for more */
	assert_null(strstr(text, "no conflict"));
	free(text);
	scene_close(&scene);
	since = 0;
	assert_int_equal(scene_open(&scene, "unordered"), 0);
	text = interval_of(&scene, &since);
	assert_non_null(strstr(text, " new unordered pairs, 0 seen again\n"));
	assert_null(strstr(text, "conflict"));
	free(text);
	text = interval_of(&scene, &since);
	assert_non_null(strstr(text, "nothing new in this interval"));
	assert_null(strstr(text, "none"));
	free(text);
	scene_close(&scene);
}

/* ---- the file ------------------------------------------------------------------------ */

static char folder[64];

static int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_snapshot.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *path_in(const char *name)
{
	static char paths[2][128];
	static int turn;

	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", folder, name);
	return paths[turn];
}

static int files_in_folder(void)
{
	DIR *dir = opendir(folder);
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static int save(const char *path, struct error *err)
{
	struct scene scene;
	int rc;

	assert_int_equal(scene_open(&scene, "busy"), 0);
	rc = snapshot_save(scene.model, &scenario_context, SNAPSHOT_JSON, path, err);
	scene_close(&scene);
	return rc;
}

static void test_save(void **state)
{
	struct stat stat_buffer;
	struct error err;
	json_t *root;

	(void)state;
	umask(027);
	assert_int_equal(save(path_in("s.json"), &err), 0);
	root = json_load_file(path_in("s.json"), 0, NULL);
	assert_non_null(root);
	json_decref(root);
	assert_int_equal(stat(path_in("s.json"), &stat_buffer), 0);
	assert_int_equal(stat_buffer.st_mode & 0777, 0600);
	/* Over an old one, through a symbolic link: the link stays, the mode does not. */
	assert_int_equal(chmod(path_in("s.json"), 0666), 0);
	assert_int_equal(symlink("s.json", path_in("link")), 0);
	assert_int_equal(save(path_in("link"), &err), 0);
	assert_int_equal(lstat(path_in("link"), &stat_buffer), 0);
	assert_true(S_ISLNK(stat_buffer.st_mode));
	assert_int_equal(stat(path_in("s.json"), &stat_buffer), 0);
	assert_int_equal(stat_buffer.st_mode & 0777, 0600);
	assert_int_equal(files_in_folder(), 2);
	unlink(path_in("link"));
	unlink(path_in("s.json"));
}

static void test_save_fails(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(save(path_in("none/s.json"), &err), -ENOENT);
	assert_non_null(strstr(err.text, "make the folder first"));
	assert_int_equal(save(folder, &err), -EISDIR);
	assert_int_equal(save("/dev/full", &err), -ENOSPC);
	assert_non_null(strstr(err.text, "make room"));
	assert_non_null(strstr(err.text, "/dev/full"));
	assert_int_equal(access("/dev/full", F_OK), 0);
	assert_int_equal(files_in_folder(), 0);
}

/* The disk is full half-way: the old snapshot is as it was, nothing else is left behind. */
static void test_save_full(void **state)
{
	struct rlimit before, small = {20000, 20000};
	struct error err;
	char text[16] = "";
	FILE *file = fopen(path_in("s.json"), "w");

	(void)state;
	fputs("old", file);
	fclose(file);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(save(path_in("s.json"), &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(err.text, "ulimit"));
	assert_int_equal(files_in_folder(), 1);
	file = fopen(path_in("s.json"), "r");
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "old");
	unlink(path_in("s.json"));
}

static int emit(const char *name, enum snapshot_format format)
{
	struct scene scene;
	int rc = scene_open(&scene, name);

	if (!rc)
		rc = snapshot_write(scene.model, &scenario_context, format, stdout, NULL);
	scene_close(&scene);
	return rc != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_key_order),
	        cmocka_unit_test(test_form),
	        cmocka_unit_test(test_values),
	        cmocka_unit_test(test_consistent),
	        cmocka_unit_test(test_fatal_conflict),
	        cmocka_unit_test(test_unknown_is_null),
	        cmocka_unit_test(test_overhead_parts),
	        cmocka_unit_test(test_hostile_names),
	        cmocka_unit_test(test_report_of_too_little),
	        cmocka_unit_test(test_report_words),
	        cmocka_unit_test(test_report_width),
	        cmocka_unit_test(test_report_color),
	        cmocka_unit_test(test_report_unordered),
	        cmocka_unit_test(test_unordered_fields),
	        cmocka_unit_test(test_interval),
	        cmocka_unit_test(test_news),
	        cmocka_unit_test(test_news_kinds),
	        cmocka_unit_test(test_report_wide),
	        cmocka_unit_test(test_markdown),
	        cmocka_unit_test(test_save),
	        cmocka_unit_test(test_save_fails),
	        cmocka_unit_test(test_save_full),
	};

	if (argc == 3 && strcmp(argv[1], "emit") == 0)
		return emit(argv[2], SNAPSHOT_JSON);
	if (argc == 3 && strcmp(argv[1], "events") == 0)
		return emit(argv[2], SNAPSHOT_NDJSON);
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
