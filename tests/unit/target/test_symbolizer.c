/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/symbol/symbolizer.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#define TGID       4242
#define BIAS       UINT64_C(0x7f0000000000)
#define FRAMES_MAX 128

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

/* ---- against the program's own word -------------------------------------------------- */

struct path {
	char name[64];
	uint64_t pcs[STACK_DEPTH_MAX];
	int pc_count;
	struct {
		char function[256], file[512];
		int line;
	} frames[FRAMES_MAX];
	int frame_count;
};

/* Read one path of tests/go/framewalk; *line holds the first line of the next one. */
static bool path_read(FILE *in, char line[1024], struct path *path)
{
	*path = (struct path){0};
	if (sscanf(line, "path %63s", path->name) != 1)
		return false;
	while (fgets(line, 1024, in) && strncmp(line, "path", 4) != 0) {
		if (sscanf(line, "pc %lx", &path->pcs[path->pc_count]) == 1)
			path->pc_count++;
		else if (sscanf(line, "frame %255s %511s %d",
		                path->frames[path->frame_count].function,
		                path->frames[path->frame_count].file,
		                &path->frames[path->frame_count].line) == 3)
			path->frame_count++;
		assert_in_range(path->pc_count, 0, STACK_DEPTH_MAX - 2);
		assert_in_range(path->frame_count, 0, FRAMES_MAX - 1);
	}
	return true;
}

/* An access as the kernel's walk delivers it; with_caller: the walk has the immediate caller. */
static struct access access_of(const struct path *path, bool with_caller, uint64_t bias)
{
	struct access access = {.tgid = TGID, .caller = path->pcs[0] + bias, .depth = 1};

	access.stack[0] = bias + 0x401000; /* the probed instruction: it is no part of the chain */
	for (int i = with_caller ? 0 : 1; i < path->pc_count; i++)
		access.stack[access.depth++] = path->pcs[i] + bias;
	return access;
}

static void path_check(struct symbolizer *symbolizer, const struct path *path, bool with_caller)
{
	struct access access = access_of(path, with_caller, BIAS);
	struct frame chain[FRAMES_MAX];
	int count = symbolizer_call_chain(symbolizer, &access, chain, FRAMES_MAX);

	for (int i = 0; i < count && i < path->frame_count; i++) {
		char function[256];
		snprintf(function, sizeof(function), "%s",
		         chain[i].function ? chain[i].function : "?");
		for (char *at = function; (at = strchr(at, ' '));)
			*at = '_';
		if (strcmp(function, path->frames[i].function) != 0 ||
		    chain[i].line != path->frames[i].line)
			fail_msg("%s, frame %d: %s:%d, the program says %s:%d", path->name, i,
			         function, chain[i].line, path->frames[i].function,
			         path->frames[i].line);
		assert_string_equal(chain[i].file, path->frames[i].file);
	}
	assert_int_equal(count, path->frame_count);
}

static void release_check(const struct go_release *release)
{
	struct go_binary *binary;
	struct symbolizer *symbolizer;
	struct error err = {""};
	char fixture[FIXTURE_PATH];
	char line[1024] = "";
	struct path path;
	int paths = 0;

	assert_true(fixture_build(release, &go_variants[0], "framewalk", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
	assert_int_equal(symbolizer_create(&symbolizer), 0);
	assert_int_equal(symbolizer_process_add(symbolizer, TGID, binary, BIAS), 0);
	FILE *in = popen(fixture, "r");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof(line), in));
	for (; path_read(in, line, &path); paths++) {
		path_check(symbolizer, &path, true);
		path_check(symbolizer, &path, false);
	}
	assert_int_equal(pclose(in), 0);
	assert_in_range(paths, 20, 100);
	symbolizer_destroy(symbolizer);
	go_binary_close(binary);
}

/* The closure that the compiler makes for `go spawned(x, y)` in main is main.main.funcN, or
 * main.main.gowrapN. */
static void first_function_check(const struct go_release *release, const struct go_variant *variant)
{
	struct go_function function = {0};
	struct go_binary *binary;
	struct symbolizer *symbolizer;
	char fixture[FIXTURE_PATH], closure[32];
	bool found = false;

	assert_true(fixture_build(release, variant, "framewalk", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, NULL), 0);
	assert_int_equal(symbolizer_create(&symbolizer), 0);
	assert_int_equal(symbolizer_process_add(symbolizer, TGID, binary, BIAS), 0);
	for (int i = 2; i < 20; i++) {
		snprintf(closure, sizeof(closure), "main.main.%s%d", i & 1 ? "gowrap" : "func",
		         i / 2);
		if (!go_binary_function_find(binary, closure, &function))
			found |= !strcmp(
			        symbolizer_first_function(symbolizer, TGID, function.entry + BIAS),
			        "main.spawned");
	}
	if (!found)
		fail_msg("%s: no closure leads to main.spawned", fixture);
	assert_int_equal(go_binary_function_find(binary, "main.main", &function), 0);
	assert_string_equal(symbolizer_first_function(symbolizer, TGID, function.entry + BIAS),
	                    "main.main");
	assert_null(symbolizer_first_function(symbolizer, TGID, function.entry + BIAS + 1));
	assert_null(symbolizer_first_function(symbolizer, TGID + 1, function.entry + BIAS));
	assert_null(symbolizer_first_function(symbolizer, TGID, 0));
	symbolizer_destroy(symbolizer);
	go_binary_close(binary);
}

static void test_first_functions(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (int variant = 0; variant < 3; variant++)
			first_function_check(&releases[i], &go_variants[variant]);
}

static void test_chains_are_what_the_program_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		release_check(&releases[i]);
}

/* ---- with addresses of our own ------------------------------------------------------- */

struct bench {
	struct go_binary *binary;
	struct symbolizer *symbolizer;
};

static uint64_t entry_of(const struct bench *bench, const char *name)
{
	struct go_function function;

	assert_int_equal(go_binary_function_find(bench->binary, name, &function), 0);
	return function.entry + BIAS;
}

static int setup(void **state)
{
	static struct bench bench;
	char fixture[FIXTURE_PATH];
	struct error err = {""};

	assert_true(fixture_build(&releases[0], &go_variants[0], "mapuser", fixture));
	assert_int_equal(go_binary_open(fixture, &bench.binary, &err), 0);
	assert_int_equal(symbolizer_create(&bench.symbolizer), 0);
	assert_int_equal(symbolizer_process_add(bench.symbolizer, TGID, bench.binary, BIAS), 0);
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	symbolizer_destroy(bench->symbolizer);
	go_binary_close(bench->binary);
	return 0;
}

static void test_leading_library_frames_are_dropped(void **state)
{
	struct bench *bench = *state;
	struct access access = {
	        .tgid = TGID,
	        .depth = 5,
	        .caller = entry_of(bench, "reflect.mapassign") + 1,
	        .stack = {entry_of(bench, "runtime.mapassign"),
	                  entry_of(bench, "reflect.Value.SetMapIndex") + 1,
	                  entry_of(bench, "main.main") + 1, entry_of(bench, "runtime.main") + 1,
	                  entry_of(bench, "runtime.goexit") + 1},
	};
	struct frame chain[8];

	assert_int_equal(symbolizer_call_chain(bench->symbolizer, &access, chain, 8), 2);
	assert_string_equal(chain[0].function, "main.main");
	assert_string_equal(chain[1].function, "runtime.main");
	assert_true(chain[0].pc == access.stack[2]);
	/* Bounded by the room there is. */
	assert_int_equal(symbolizer_call_chain(bench->symbolizer, &access, chain, 1), 1);
	assert_int_equal(symbolizer_call_chain(bench->symbolizer, &access, chain, 0), 0);
}

static void test_what_is_all_library_is_told_whole(void **state)
{
	struct bench *bench = *state;
	struct access access = {.tgid = TGID,
	                        .depth = 2,
	                        .stack = {entry_of(bench, "runtime.mapassign"),
	                                  entry_of(bench, "runtime.main") + 1}};
	struct frame chain[8];

	assert_int_equal(symbolizer_call_chain(bench->symbolizer, &access, chain, 8), 1);
	assert_string_equal(chain[0].function, "runtime.main");
}

static void test_without_a_stack_there_is_the_caller(void **state)
{
	struct bench *bench = *state;
	struct access access = {.tgid = TGID, .caller = entry_of(bench, "main.main") + 1};
	struct frame chain[8];

	assert_int_equal(symbolizer_call_chain(bench->symbolizer, &access, chain, 8), 1);
	assert_string_equal(chain[0].function, "main.main");
	access.caller = 0;
	assert_int_equal(symbolizer_call_chain(bench->symbolizer, &access, chain, 8), 0);
	/* A depth that no kernel delivers is not believed. */
	access.depth = 60000;
	assert_in_range(symbolizer_call_chain(bench->symbolizer, &access, chain, 8), 0, 8);
}

static void test_unknown_addresses_have_no_name(void **state)
{
	struct bench *bench = *state;
	int count;
	const struct frame *frame =
	        symbolizer_frames(bench->symbolizer, TGID, 0x1234, true, &count);

	assert_int_equal(count, 1);
	assert_null(frame->function);
	assert_null(frame->file);
	assert_true(frame->pc == 0x1234);
	frame = symbolizer_frames(bench->symbolizer, TGID + 1, entry_of(bench, "main.main"), true,
	                          &count);
	assert_int_equal(count, 1);
	assert_null(frame->function);
}

/* A program decides which addresses come: what is remembered of them has an end. */
static void test_memory_is_bounded(void **state)
{
	struct bench *bench = *state;
	const struct frame *last = NULL;
	int count;

	for (uint64_t i = 0; i < 10000; i++) {
		last = symbolizer_frames(bench->symbolizer, TGID, 0x1000000000 + 16 * i, true,
		                         &count);
		assert_non_null(last);
		assert_int_equal(count, 1);
	}
	assert_null(last->function);
	assert_int_equal(symbolizer_refused(bench->symbolizer), 10000 - 4096);
	/* What has a name is found all the same. */
	last = symbolizer_frames(bench->symbolizer, TGID, entry_of(bench, "main.main"), false,
	                         &count);
	assert_non_null(last->function);
}

static void test_a_process_may_run_another_program(void **state)
{
	struct bench *bench = *state;
	uint64_t pc = entry_of(bench, "main.main");
	int count;
	const struct frame *before = symbolizer_frames(bench->symbolizer, TGID, pc, false, &count);

	assert_int_equal(
	        symbolizer_process_add(bench->symbolizer, TGID, bench->binary, BIAS + 0x1000), 0);
	const struct frame *after =
	        symbolizer_frames(bench->symbolizer, TGID, pc + 0x1000, false, &count);
	assert_string_equal(after->function, "main.main");
	assert_string_equal(before->function, "main.main"); /* what was handed out stays */
	assert_true(after->pc == before->pc + 0x1000);
	assert_int_equal(symbolizer_process_add(bench->symbolizer, TGID, bench->binary, BIAS), 0);
}

static void test_cached_lookups_are_quick(void **state)
{
	struct bench *bench = *state;
	uint64_t start = entry_of(bench, "runtime.mapassign");
	const int rounds = 2000000;
	struct timespec from;
	struct timespec to;
	int count;

	for (uint64_t pc = start; pc < start + 512; pc++)
		symbolizer_frames(bench->symbolizer, TGID, pc, true, &count);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < rounds; i++)
		symbolizer_frames(bench->symbolizer, TGID, start + (uint64_t)i % 512, true, &count);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	double ns =
	        ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	        rounds;
	print_message("%.0f ns a cached address\n", ns);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(ns < 1000);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_chains_are_what_the_program_says),
	        cmocka_unit_test(test_first_functions),
	        cmocka_unit_test_setup_teardown(test_leading_library_frames_are_dropped, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_what_is_all_library_is_told_whole, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_without_a_stack_there_is_the_caller, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_unknown_addresses_have_no_name, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_memory_is_bounded, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_a_process_may_run_another_program, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_cached_lookups_are_quick, setup, teardown),
	};
	release_count = go_releases(releases);
	if (release_count < 2) {
		fprintf(stderr, "needs two Go releases; run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
