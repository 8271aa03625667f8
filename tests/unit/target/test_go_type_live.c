/* SPDX-License-Identifier: MIT */
/* Names of types in a running program, held against the names that Go itself prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "core/process/go_process.h"
#include "core/process/go_type_live.h"
#include "tests/open_path.h"

#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

struct zoo {
	pid_t pid;
	int input; /* it ends when this is closed */
	FILE *lines;
};

static void zoo_start(const char *path, struct zoo *zoo)
{
	int in[2], out[2];

	assert_int_equal(pipe(in) | pipe(out), 0);
	zoo->pid = fork();
	if (zoo->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		execl(path, path, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	zoo->input = in[1];
	zoo->lines = fdopen(out[0], "r");
	assert_non_null(zoo->lines);
}

static void zoo_end(struct zoo *zoo)
{
	close(zoo->input);
	fclose(zoo->lines);
	assert_int_equal(waitpid(zoo->pid, NULL, 0), zoo->pid);
}

static void names_check(const char *path)
{
	struct go_type_live types = {0};
	struct go_binary *binary;
	struct error err = {""};
	int told = 0, refused = 0;
	struct zoo zoo;
	char line[1024];
	uint64_t bias;

	if (go_binary_open(path, &binary, &err))
		fail_msg("%s", err.text);
	zoo_start(path, &zoo);
	while (fgets(line, sizeof(line), zoo.lines) && strcmp(line, "done\n") != 0) {
		const char *name;
		uint64_t addr;
		int at;

		line[strcspn(line, "\n")] = '\0';
		assert_int_equal(sscanf(line, "%lx %n", &addr, &at), 1);
		assert_int_equal(go_process_load_bias(zoo.pid, binary, &bias), 0);
		name = go_type_live_name(&types, binary, bias, zoo.pid, addr);
		if (strcmp(line + at, "-") == 0) {
			if (name)
				fail_msg("%s: took %s for %s", path, line, name);
			refused++;
			continue;
		}
		if (!name || strcmp(name, line + at) != 0)
			fail_msg("%s: %s is told as %s", path, line, name ? name : "nothing");
		assert_ptr_equal(name, go_type_live_name(&types, binary, bias, zoo.pid, addr));
		told++;
	}
	assert_int_equal(told, 23);
	assert_int_equal(refused, 9);
	zoo_end(&zoo);
	go_type_live_free(&types);
	go_binary_close(binary);
}

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < 4; k++) { /* exe and PIE, stripped or not */
			char fixture[FIXTURE_PATH];

			assert_true(
			        fixture_build(&releases[i], &go_variants[k], "typezoo", fixture));
			names_check(fixture);
		}
}

/* A process that ended tells nothing, but what it told stays. */
static void test_after_the_end(void **state)
{
	struct go_type_live types = {0};
	struct go_binary *binary;
	uint64_t addr = 0, last = 0, bias;
	char fixture[FIXTURE_PATH], line[1024], kept[1024] = "";
	const char *name = NULL;
	struct zoo zoo;

	(void)state;
	assert_true(fixture_build(&releases[0], &go_variants[0], "typezoo", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, NULL), 0);
	zoo_start(fixture, &zoo);
	while (fgets(line, sizeof(line), zoo.lines) && strcmp(line, "done\n") != 0) {
		if (strchr(line, '-') == strrchr(line, ' ') + 1)
			break; /* from here on things that only look like types */
		last = addr;
		sscanf(line, "%lx", &addr);
	}
	assert_int_equal(go_process_load_bias(zoo.pid, binary, &bias), 0);
	name = go_type_live_name(&types, binary, bias, zoo.pid, addr);
	assert_non_null(name);
	snprintf(kept, sizeof(kept), "%s", name);
	kill(zoo.pid, SIGKILL);
	zoo_end(&zoo);
	assert_null(go_type_live_name(&types, binary, bias, zoo.pid, last));
	assert_string_equal(go_type_live_name(&types, binary, bias, zoo.pid, addr), kept);
	go_type_live_renew(&types);
	assert_null(go_type_live_name(&types, binary, bias, zoo.pid, addr));
	assert_string_equal(name, kept);
	go_type_live_free(&types);
	go_binary_close(binary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_names),
	        cmocka_unit_test(test_after_the_end),
	};

	release_count = go_releases(releases);
	if (release_count == 0) {
		printf("no Go toolchain here: run tests/go/fetch-toolchains\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
