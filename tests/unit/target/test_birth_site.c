/* SPDX-License-Identifier: MIT */
/* Returns of the functions that make maps: all of them, and nothing else, as objdump sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/probe/birth_site.h"
#include "tests/open_path.h"

#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

/* Addresses of all `ret` in a function of the file. */
static size_t returns_read(const char *path, const struct go_function *function, uint64_t *out,
                           size_t max)
{
	char command[512], line[256];
	size_t count = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
	         "objdump -d --no-show-raw-insn --start-address=0x%lx --stop-address=0x%lx %s",
	         function->entry, function->end, path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		unsigned long addr;
		char word[16];

		if (sscanf(line, " %lx: %15s", &addr, word) == 2 && strncmp(word, "ret", 3) == 0 &&
		    count < max)
			out[count++] = addr;
	}
	pclose(pipe);
	return count;
}

static bool planned(const struct birth_plan *plan, const char *function, uint64_t addr)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->sites[i].addr == addr && strcmp(plan->sites[i].function, function) == 0)
			return true;
	return false;
}

static void plan_check(const char *path, bool swiss)
{
	static const char *const makers[2][3] = {
	        {"runtime.makemap", "runtime.makemap_small", "runtime.mapclone2"},
	        {"internal/runtime/maps.NewMap", "runtime.makemap_small",
	         "internal/runtime/maps.(*Map).Clone"}};
	struct birth_plan plan;
	struct go_binary *binary;
	size_t all = 0;

	assert_int_equal(go_binary_open(path, &binary, NULL), 0);
	assert_int_equal(go_binary_map_runtime(binary) == GO_MAP_SWISS, swiss);
	assert_int_equal(birth_plan_make(binary, &plan), 0);
	for (size_t i = 0; i < 3; i++) {
		struct go_function function;
		uint64_t returns[64];
		size_t count;

		if (go_binary_function_find(binary, makers[swiss][i], &function))
			continue;
		count = returns_read(path, &function, returns, 64);
		assert_true(count > 0);
		for (size_t k = 0; k < count; k++)
			if (!planned(&plan, makers[swiss][i], returns[k]))
				fail_msg("%s: no site at %#lx of %s", path, returns[k],
				         makers[swiss][i]);
		all += count;
	}
	assert_true(all >= 2);
	assert_int_equal(plan.count, all);
	for (size_t i = 0; i < plan.count; i++)
		assert_int_equal(plan.sites[i].file_offset,
		                 go_binary_file_offset(binary, plan.sites[i].addr));
	birth_plan_free(&plan);
	go_binary_close(binary);
}

static void test_all_returns(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < 4; k++) {
			char fixture[FIXTURE_PATH];

			assert_true(
			        fixture_build(&releases[i], &go_variants[k], "mapuser", fixture));
			plan_check(fixture, releases[i].minor >= 24);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_returns)};

	release_count = go_releases(releases);
	if (release_count == 0) {
		printf("no Go toolchain here: run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
