/* SPDX-License-Identifier: MIT */
/* A program that is held before its first instruction: it runs when released and never before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/descriptors.h"
#include "core/process/child.h"

#define WAIT_MS 20000

static struct child *start(const char *script, int out)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};
	const struct child_config config = {.argv = argv, .in = -1, .out = out, .errors = -1};
	struct child *child = NULL;
	struct error err;

	if (child_start(&config, &child, &err))
		fail_msg("%s", err.text);
	return child;
}

static int wait_status(struct child *child)
{
	struct pollfd ended = {.fd = child_fd(child), .events = POLLIN};

	assert_int_equal(poll(&ended, 1, WAIT_MS), 1);
	assert_true(child_ended(child));
	return child_status(child);
}

static void nothing_runs_before_the_release(void **state)
{
	int out[2];
	struct pollfd said = {.events = POLLIN};
	struct child *child;
	char text[8] = "";

	(void)state;
	assert_int_equal(pipe(out), 0);
	child = start("echo ran", out[1]);
	close(out[1]);
	said.fd = out[0];
	assert_int_equal(poll(&said, 1, 300), 0);
	assert_false(child_ended(child));
	assert_true(child_executable(child)[0] == '/'); /* found through PATH */
	assert_int_equal(child_release(child, NULL), 0);
	assert_int_equal(wait_status(child), 0);
	assert_int_equal(read(out[0], text, sizeof(text)), 4);
	assert_memory_equal(text, "ran\n", 4);
	close(out[0]);
	child_destroy(child);
}

static void a_child_that_is_not_released_never_runs(void **state)
{
	struct pollfd said = {.events = POLLIN};
	struct child *child;
	int out[2];
	char c;

	(void)state;
	assert_int_equal(pipe(out), 0);
	child = start("echo ran", out[1]);
	close(out[1]);
	child_destroy(child);
	said.fd = out[0];
	assert_int_equal(poll(&said, 1, WAIT_MS), 1);
	assert_int_equal(read(out[0], &c, 1), 0); /* end of file: it is gone and said nothing */
	close(out[0]);
}

static void statuses_are_those_of_a_shell(void **state)
{
	static const struct {
		const char *script;
		int status;
	} cases[] = {{"exit 0", 0}, {"exit 7", 7}, {"kill -KILL $$", 128 + SIGKILL}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct child *child = start(cases[i].script, -1);

		assert_int_equal(child_release(child, NULL), 0);
		assert_int_equal(wait_status(child), cases[i].status);
		child_destroy(child);
	}
}

static void what_we_end_has_status_0(void **state)
{
	struct child *child = start("exec sleep 1000", -1);

	(void)state;
	assert_int_equal(child_release(child, NULL), 0);
	assert_int_equal(child_end(child, NULL), 0);
	assert_true(child_ended(child));
	assert_int_equal(child_status(child), 0);
	child_destroy(child);
}

static void a_child_killed_while_it_waits_is_no_failure_of_ours(void **state)
{
	struct child *child = start("exit 0", -1);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	kill(child_pid(child), SIGKILL);
	assert_int_equal(wait_status(child), 128 + SIGKILL);
	assert_int_equal(child_release(child, NULL), 0);
	child_destroy(child);
}

static void what_cannot_be_started_is_named(void **state)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = {{"no-such-program-anywhere", ENOENT},
	             {"/no/such/file", ENOENT},
	             {"/etc/passwd", EACCES},
	             {"/etc", EISDIR}};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[] = {(char *)cases[i].name, NULL};
		const struct child_config config = {
		        .argv = argv, .in = -1, .out = -1, .errors = -1};
		struct child *child = NULL;

		assert_int_equal(child_start(&config, &child, &err), -cases[i].error);
		assert_non_null(strstr(err.text, cases[i].name));
	}
}

/* It looks like a program until execve(2) reads it. */
static void a_failed_execve_is_told(void **state)
{
	char path[] = "/tmp/test_child_XXXXXX";
	char *argv[] = {path, NULL};
	const struct child_config config = {.argv = argv, .in = -1, .out = -1, .errors = -1};
	struct child *child = NULL;
	struct error err;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "nonsense\n", 9), 9);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	assert_int_equal(child_start(&config, &child, &err), 0);
	assert_int_equal(child_release(child, &err), -ENOEXEC);
	assert_non_null(strstr(err.text, path));
	child_destroy(child);
	unlink(path);
}

/* gomaptop raises its own limit; a program that it starts has what it would have had without. */
static void the_limit_of_descriptors_is_that_of_before(void **state)
{
	struct rlimit limit;
	struct child *child;
	struct error err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	descriptors_raise();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, limit.rlim_max);
	child = start("test $(ulimit -Sn) = 200", -1);
	assert_int_equal(child_release(child, &err), 0);
	assert_int_equal(wait_status(child), 0);
	child_destroy(child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_runs_before_the_release),
	        cmocka_unit_test(a_child_that_is_not_released_never_runs),
	        cmocka_unit_test(statuses_are_those_of_a_shell),
	        cmocka_unit_test(what_we_end_has_status_0),
	        cmocka_unit_test(a_child_killed_while_it_waits_is_no_failure_of_ours),
	        cmocka_unit_test(what_cannot_be_started_is_named),
	        cmocka_unit_test(a_failed_execve_is_told),
	        cmocka_unit_test(the_limit_of_descriptors_is_that_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
