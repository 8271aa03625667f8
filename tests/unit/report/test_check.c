/* SPDX-License-Identifier: MIT */
/* `gomaptop check`: the facts of real executables, the verdict, and both ways to write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>

#include "tests/unit/target/go_fixture.h"
#include "tui/check/check_parts.h"

#define COLUMNS 80

/* What a writer wrote; the caller frees it. */
static char *text_of(const struct check_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(check_text_write(report, false, out), 0);
	fclose(out);
	return text;
}

static json_t *json_of(const struct check_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *root;

	assert_non_null(out);
	assert_int_equal(check_json_write(report, out), 0);
	fclose(out);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	free(text);
	return root;
}

static void assert_narrow(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > COLUMNS)
			fail_msg("%zu columns: %.*s", length, (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static const char *value_of(const struct check_report *report, const char *key)
{
	const struct check_fact *fact = check_fact_find(report, key);

	if (!fact)
		fail_msg("no fact %s", key);
	return fact->value.kind == CHECK_TEXT   ? fact->text
	       : fact->value.kind == CHECK_BOOL ? (fact->value.number ? "yes" : "no")
	                                        : "";
}

/* ---- executables ------------------------------------------------------------------------------
 */

static void gather(const char *path, struct check_report *report, struct check_target *target)
{
	*report = (struct check_report){0};
	*target = (struct check_target){.file = path};
	check_program_gather(report, target);
	check_report_judge(report);
}

/* Every site and every skip of the plan is a row; what is said of them is true. */
static void assert_probes(const struct check_report *report, const struct check_target *target)
{
	const struct probe_plan *plan = &target->plan;

	assert_true(report->probes_known);
	assert_int_equal(report->probe_count, plan->site_count + plan->skip_count);
	assert_int_equal(check_probes_placed(report), plan->site_count);
	assert_int_equal(report->unseen_count, plan->unseen_count);
	for (size_t i = 0; i < report->probe_count; i++) {
		const struct check_probe *p = &report->probes[i];
		struct go_function function;
		bool there = !go_binary_function_find(target->binary, p->function, &function);

		assert_int_equal(p->kind != CHECK_DROPPED, there);
		if (i >= plan->site_count)
			continue;
		assert_int_equal(p->addr, plan->sites[i].addr);
		assert_true(p->addr >= function.entry && p->addr < function.end);
		assert_non_null(p->instruction);
	}
}

/* An address in the report holds the instruction that the report names. */
static void assert_instructions(const struct check_report *report, const struct go_binary *binary)
{
	for (size_t i = 0; i < report->probe_count; i++) {
		const struct check_probe *p = &report->probes[i];
		uint8_t code[2] = {0};

		if (!p->addr)
			continue;
		assert_int_equal(go_binary_read(binary, p->addr, code, 2), 0);
		if (!strcmp(p->instruction, "push"))
			assert_int_equal(code[0], 0x55);
		if (!strcmp(p->instruction, "jbe"))
			assert_true(code[0] == 0x76 || (code[0] == 0x0f && code[1] == 0x86));
		if (!strcmp(p->instruction, "ret"))
			assert_int_equal(code[0], 0xc3);
		if (p->kind == CHECK_EMULATED)
			assert_true(code[0] == 0x55 || code[0] == 0x76 || code[0] == 0x0f);
	}
}

/* In JSON: each address of a site once, in ascending order. */
static void assert_addresses(json_t *root, const struct order_plan *order)
{
	const json_t *addresses = json_object_get(json_object_get(root, "order"), "addresses");
	size_t at = 0;
	char text[32];

	for (size_t i = 0; i < order->count; i++) {
		if (i && order->sites[i].addr == order->sites[i - 1].addr)
			continue;
		assert_true(!i || order->sites[i].addr > order->sites[i - 1].addr);
		snprintf(text, sizeof(text), "0x%" PRIx64, order->sites[i].addr);
		assert_string_equal(json_string_value(json_array_get(addresses, at++)), text);
	}
	assert_int_equal(json_array_size(addresses), at);
}

/* Complete where it can be, and the same in the fact and in JSON. */
static void assert_order(const struct check_report *report)
{
	const struct check_fact *fact = check_fact_find(report, "order_sites");
	json_int_t found, wanted;
	char value[64];
	json_t *root = json_of(report);

	assert_non_null(fact);
	assert_true(report->order_known);
	assert_int_equal(
	        json_unpack(root, "{s:{s:I, s:I}}", "order", "found", &found, "wanted", &wanted),
	        0);
	assert_int_equal(found, report->order.count);
	assert_int_equal(wanted, found);
	assert_true(found > 30 && found < 1000);
	assert_addresses(root, &report->order);
	snprintf(value, sizeof(value), "%d of %d", (int)found, (int)wanted);
	assert_string_equal(fact->text, value);
	assert_int_equal(fact->state, CHECK_OK);
	json_decref(root);
}

static void executable_test(const struct go_release *release, const struct go_variant *variant)
{
	struct check_report report;
	struct check_target target;
	char path[FIXTURE_PATH], row[16];
	char *text;

	if (!fixture_build(release, variant, "mapuser", path))
		return;
	gather(path, &report, &target);
	snprintf(row, sizeof(row), "go%.12s", release->name);
	assert_non_null(strstr(value_of(&report, "go_version"), row));
	assert_string_equal(value_of(&report, "layout"), "verified");
	assert_string_equal(value_of(&report, "layout_row"), release->name);
	assert_string_equal(value_of(&report, "map_runtime"),
	                    release->minor < 24 ? "hmap" : "swiss");
	assert_string_equal(value_of(&report, "stripped"), variant->stripped ? "yes" : "no");
	assert_string_equal(value_of(&report, "pie"), variant->pie ? "yes" : "no");
	assert_string_equal(value_of(&report, "machine"), variant->arm64 ? "arm64" : "amd64");
	assert_probes(&report, &target);
	if (!variant->arm64)
		assert_instructions(&report, target.binary);
	assert_order(&report);
	text = text_of(&report);
	assert_narrow(text);
	assert_non_null(strstr(text, "runtime.mapassign_faststr"));
#ifdef __x86_64__
	assert_int_equal(report.works, !variant->arm64);
	if (variant->arm64)
		assert_non_null(strstr(report.verdict, "made for arm64"));
#endif
	free(text);
	check_report_free(&report);
	check_target_free(&target);
}

static void executables_are_described(void **state)
{
	struct go_release releases[GO_RELEASES_MAX];
	size_t count = go_releases(releases);

	(void)state;
	assert_true(count > 0);
	for (size_t r = 0; r < count; r++)
		for (size_t v = 0; v < GO_VARIANTS; v++)
			executable_test(&releases[r], &go_variants[v]);
}

static void bad_files_get_words(void **state)
{
	static const struct {
		const char *path, *words;
	} cases[] = {
	        {"/bin/sh", "not a Go program"},
	        {"/no/such/file", "No such file"},
	        {"/dev/null", "not a regular file"},
	        {"README.md", "not an ELF"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct check_report report;
		struct check_target target;
		char *text;

		gather(cases[i].path, &report, &target);
		assert_false(report.works);
		if (!strstr(report.verdict, cases[i].words))
			fail_msg("%s: %s", cases[i].path, report.verdict);
		text = text_of(&report);
		assert_non_null(strstr(text, "FAIL"));
		free(text);
		check_report_free(&report);
		check_target_free(&target);
	}
}

static void processes_are_described(void **state)
{
	struct check_report report = {0};
	struct check_target target = {.pid = getpid()};

	(void)state;
	check_program_gather(&report, &target); /* this test: a process, but no Go */
	check_report_judge(&report);
	assert_string_equal(value_of(&report, "target"), "yes");
	assert_non_null(strstr(report.verdict, "not a Go program"));
	check_process_recheck(&report, &target);
	assert_null(check_fact_find(&report, "ended"));
	check_report_free(&report);
	check_target_free(&target);

	target = (struct check_target){.pid = 0x3fffff};
	check_program_gather(&report, &target);
	check_report_judge(&report);
	assert_non_null(strstr(report.verdict, "no process 4194303"));
	check_report_free(&report);
	check_target_free(&target);
}

/* ---- verdict and writers ----------------------------------------------------------------------
 */

static void probe_add(struct check_report *report, const char *function, const char *operation,
                      enum check_probe_kind kind, const char *reason)
{
	struct check_probe *p = check_probe_add(report, function);
	bool placed = kind == CHECK_EMULATED || kind == CHECK_STEPPED;

	assert_non_null(p);
	report->probes_known = true;
	p->kind = kind;
	p->operation = operation;
	p->instruction = placed ? "jbe" : NULL;
	p->addr = p->file_offset = placed ? 0x401000 : 0;
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

static void judge(struct check_report *report, const char *verdict, bool works)
{
	check_report_judge(report);
	assert_string_equal(report->verdict, verdict);
	assert_int_equal(report->works, works);
}

static void the_verdict_is_one_sentence(void **state)
{
	struct check_report r = {0};

	(void)state;
	judge(&r,
	      "Watching will not work: there is nothing to probe; choose a program that uses maps.",
	      false);
	probe_add(&r, "runtime.mapassign", "write", CHECK_EMULATED, "");
	judge(&r, "Watching will work: 1 of 1 probes, all emulated.", true);
	probe_add(&r, "runtime.throw", "crash", CHECK_STEPPED, "");
	judge(&r, "Watching will work: 2 of 2 probes, 1 emulated, 1 stepped (hit by a crash only).",
	      true);
	probe_add(&r, "runtime.mapclear", "clear", CHECK_STEPPED, "");
	probe_add(&r, "runtime.mapaccess1", "read", CHECK_DROPPED, "");
	probe_add(&r, "runtime.mapaccess2", "read", CHECK_MISSING, "unknown prologue: 90");
	judge(&r,
	      "Watching will work: 3 of 4 probes, 1 emulated, 2 stepped; 1 function will not be "
	      "seen.",
	      true);
	check_fact_add(&r, CHECK_MACHINE, CHECK_LIMIT, "cpus", "CPUs", CHECK_VALUE_NUMBER(1),
	               "nothing overlaps");
	judge(&r,
	      "Watching will work: 3 of 4 probes, 1 emulated, 2 stepped; 1 function will not be "
	      "seen. Mind: nothing overlaps.",
	      true);
	check_fact_add(&r, CHECK_KERNEL, CHECK_PROBLEM, "bpf_loop", "bpf_loop",
	               CHECK_VALUE_BOOL(false), "no loop; use a newer kernel");
	judge(&r, "Watching will not work: no loop; use a newer kernel.", false);
	check_fact_add(&r, CHECK_PRIVILEGES, CHECK_PROBLEM, "bpf", "bpf", CHECK_VALUE_BOOL(false),
	               "no BPF; be root");
	judge(&r, "Watching will not work: no BPF; be root. 1 more problem is marked FAIL.", false);
	check_report_free(&r);
}

/* Nothing that a target is called reaches the terminal raw or breaks the JSON. */
static void hostile_names_are_harmless(void **state)
{
	struct check_report r = {.pid = 7};
	const char *exe;
	json_t *root;
	char *text;

	(void)state;
	snprintf(r.target, sizeof(r.target), "/tmp/\x1b[31m\xff\"x\n%%s%0300d", 7);
	check_fact_add(&r, CHECK_PROGRAM, CHECK_PROBLEM, "go_version", "Go version",
	               check_value_text("go\x1b]0;x\a1.24"), "%s: \x9b no", r.target);
	check_report_judge(&r);
	text = text_of(&r);
	assert_null(strpbrk(text, "\x1b\a"));
	assert_null(strchr(text, '\xff'));
	free(text);
	root = json_of(&r);
	assert_int_equal(json_unpack(root, "{s:{s:s}}", "target", "exe", &exe), 0);
	assert_null(strchr(exe, '\x1b'));
	json_decref(root);
	check_report_free(&r);
}

static void a_fact_is_the_same_in_text_and_json(void **state)
{
	struct check_report r = {0};
	const char *state_key, *meaning;
	json_int_t number;
	json_t *root;
	char *text;

	(void)state;
	check_fact_add(&r, CHECK_MACHINE, CHECK_LIMIT, "cpus", "CPUs", CHECK_VALUE_NUMBER(1),
	               "with one CPU nothing overlaps");
	check_fact_add(&r, CHECK_KERNEL, CHECK_UNKNOWN, "bpf_loop", "bpf_loop", CHECK_VALUE_NULL,
	               "could not be tried here");
	check_unseen_add(&r, "len(m)", "reads a field");
	probe_add(&r, "runtime.mapclone2", "read", CHECK_COVERED, "wrapper of another");
	check_report_judge(&r);
	text = text_of(&r);
	assert_non_null(strstr(text, "  LESS  CPUs "));
	assert_non_null(strstr(text, " 1: with one CPU nothing overlaps\n"));
	assert_non_null(strstr(text, " unknown: could not be tried here\n"));
	assert_non_null(strstr(text, "  len(m): reads a field\n"));
	assert_non_null(strstr(text, "    runtime.mapclone2: wrapper of another\n"));
	free(text);
	root = json_of(&r);
	assert_int_equal(json_unpack(root, "{s:{s:{s:I, s:s, s:s}}}", "machine", "cpus", "value",
	                             &number, "state", &state_key, "meaning", &meaning),
	                 0);
	assert_int_equal(number, 1);
	assert_string_equal(state_key, "limit");
	assert_string_equal(meaning, "with one CPU nothing overlaps");
	assert_int_equal(json_unpack(root, "{s:{s:{s:n}}}", "kernel", "bpf_loop", "value"), 0);
	assert_int_equal(json_unpack(root, "{s:n}", "probes"), -1);
	json_decref(root);
	check_report_free(&r);
}

/* Two sites can share an instruction: a probe there is one. */
static void addresses_of_order_sites_are_listed_once(void **state)
{
	struct order_site sites[] = {{.addr = 0x401000}, {.addr = 0x401000}, {.addr = 0x40abcd}};
	struct check_report r = {.order_known = true, .order = {.sites = sites, .count = 3}};
	json_t *root = json_of(&r);
	const char *first, *second;
	json_int_t found;

	(void)state;
	assert_int_equal(json_unpack(root, "{s:{s:I, s:[s, s!]}}", "order", "found", &found,
	                             "addresses", &first, &second),
	                 0);
	assert_int_equal(found, 3);
	assert_string_equal(first, "0x401000");
	assert_string_equal(second, "0x40abcd");
	json_decref(root);
	r.order.count = 0;
	root = json_of(&r);
	assert_int_equal(json_unpack(root, "{s:{s:[!]}}", "order", "addresses"), 0);
	json_decref(root);
}

static void a_full_disk_is_noticed(void **state)
{
	struct check_report r = {0};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	check_report_judge(&r);
	assert_true(check_text_write(&r, false, full) < 0);
	fclose(full);
	full = fopen("/dev/full", "w");
	assert_true(check_json_write(&r, full) < 0);
	fclose(full);
	check_report_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(executables_are_described),
	        cmocka_unit_test(bad_files_get_words),
	        cmocka_unit_test(processes_are_described),
	        cmocka_unit_test(the_verdict_is_one_sentence),
	        cmocka_unit_test(hostile_names_are_harmless),
	        cmocka_unit_test(a_fact_is_the_same_in_text_and_json),
	        cmocka_unit_test(addresses_of_order_sites_are_listed_once),
	        cmocka_unit_test(a_full_disk_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
