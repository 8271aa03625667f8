/* SPDX-License-Identifier: MIT */
/*
 * Thousands of random addresses, asked of go_binary_frames and of `go tool addr2line` of the
 * release that built the executable: the innermost position and the outermost function must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/go/go_binary.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#define ADDRESSES  4000
#define FRAMES_MAX 64
#define PIE_FIRST  21

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

/* Random addresses between the first and the last function that both sides know. */
static void addresses_make(struct go_binary *binary, uint64_t out[ADDRESSES])
{
	struct go_function main_function;
	struct go_function function;
	uint64_t low;
	uint64_t offset;

	go_binary_text_segment(binary, &low, &offset);
	assert_int_equal(go_binary_function_find(binary, "main.main", &main_function), 0);
	assert_true(main_function.entry > low);
	srand(7);
	for (int i = 0; i < ADDRESSES;) {
		uint64_t addr = low + ((uint64_t)rand() << 16 ^ (uint64_t)rand()) %
		                              (main_function.end - low);
		if (go_binary_function_at(binary, addr, &function) == 0)
			out[i++] = addr;
	}
}

/* "main.pick[go.shape.int]" -> "main.pick[...]", as tracebacks print it. */
static void name_print(const char *name, char *out, size_t size)
{
	const char *open = strchr(name, '[');
	const char *close = open ? strrchr(open, ']') : NULL;

	if (close)
		snprintf(out, size, "%.*s[...]%s", (int)(open - name), name, close + 1);
	else
		snprintf(out, size, "%s", name);
}

static void line_read(FILE *in, char *line, int size)
{
	assert_non_null(fgets(line, size, in));
	line[strcspn(line, "\n")] = '\0';
}

static bool answers_agree(const struct frame *frames, int count, const char *name,
                          const char *position)
{
	char ours[1200];

	/* Padding between functions, code without positions: "?:0", "?:-1" or ":-1". */
	if (!frames[0].file)
		return position[0] == '?' || position[0] == ':';
	snprintf(ours, sizeof(ours), "%s:%d", frames[0].file, frames[0].line);
	return strcmp(frames[count - 1].function, name) == 0 && strcmp(ours, position) == 0;
}

static int answers_compare(struct go_binary *binary, FILE *answers, const uint64_t *addresses,
                           const char *fixture)
{
	char name[4096];
	char printed[4096 + 8];
	char position[1024];
	int inlined = 0;

	for (int i = 0; i < ADDRESSES; i++) {
		struct frame frames[FRAMES_MAX];
		int count = go_binary_frames(binary, addresses[i], 0, false, frames, FRAMES_MAX);
		line_read(answers, name, sizeof(name));
		line_read(answers, position, sizeof(position));
		name_print(name, printed, sizeof(printed));
		if (!answers_agree(frames, count, printed, position))
			fail_msg("%s: %#lx: %s %s:%d, addr2line says %s %s", fixture, addresses[i],
			         frames[count - 1].function, frames[0].file, frames[0].line,
			         printed, position);
		inlined += count > 1;
	}
	return inlined;
}

static void release_compare(const struct go_release *release, const struct go_variant *variant)
{
	char fixture[FIXTURE_PATH];
	char list[FIXTURE_PATH + 32];
	char command[2048];
	struct go_binary *binary;
	struct error err = {""};
	uint64_t addresses[ADDRESSES];

	assert_true(fixture_build(release, variant, "framewalk", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
	addresses_make(binary, addresses);
	snprintf(list, sizeof(list), "%s.%d.addresses", fixture, getpid());
	FILE *file = fopen(list, "w");
	assert_non_null(file);
	for (int i = 0; i < ADDRESSES; i++)
		fprintf(file, "%#lx\n", addresses[i]);
	fclose(file);
	snprintf(command, sizeof(command), "GOTOOLCHAIN=local '%s' tool addr2line %s <%s",
	         release->go, fixture, list);
	FILE *answers = popen(command, "r");
	assert_non_null(answers);
	int inlined = answers_compare(binary, answers, addresses, fixture);
	assert_int_equal(pclose(answers), 0);
	unlink(list);
	/* Between a tenth and a third of all addresses lie in inlined calls. */
	assert_in_range(inlined, ADDRESSES / 20, ADDRESSES / 2);
	print_message("%s: %d addresses, %d with inlined calls\n", fixture, ADDRESSES, inlined);
	go_binary_close(binary);
}

static void test_static_executables(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		release_compare(&releases[i], &go_variants[0]);
}

static void test_stripped_executables(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		release_compare(&releases[i], &go_variants[1]);
}

static void test_pies(void **state)
{
	(void)state;
	/* addr2line of older releases does not find the tables of a PIE. */
	for (size_t i = 0; i < release_count; i++)
		if (releases[i].minor >= PIE_FIRST)
			release_compare(&releases[i], &go_variants[2]);
}

static void test_arm64_executables(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		release_compare(&releases[i], go_variant_find("arm64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_static_executables),
	        cmocka_unit_test(test_stripped_executables),
	        cmocka_unit_test(test_pies),
	        cmocka_unit_test(test_arm64_executables),
	};
	release_count = go_releases(releases);
	if (release_count < 2) {
		fprintf(stderr, "needs two Go releases; run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
