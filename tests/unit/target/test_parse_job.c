/* SPDX-License-Identifier: MIT */
/* Executables read by a process of its own, and what such a process cannot do. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/small_file.h"
#include "core/process/confine.h"
#include "core/process/go_process.h"
#include "core/process/list_helper.h"
#include "core/process/parse_job.h"
#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

static struct parse_answer answer_wait(struct parse_job *job)
{
	struct parse_answer answer;

	while (!parse_job_done(job, &answer)) {
		struct pollfd answered = {.fd = parse_job_fd(job), .events = POLLIN};
		poll(&answered, 1, parse_job_left_ms(job));
	}
	parse_job_destroy(job);
	return answer;
}

static struct parse_answer file_answer(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct parse_job *job;

	assert_true(fd >= 0);
	assert_int_equal(parse_job_start(0, fd, path, &job), 0);
	close(fd);
	return answer_wait(job);
}

static void test_answers(void **state)
{
	char fixture[FIXTURE_PATH];
	struct parse_answer answer;
	struct parse_job *job;

	(void)state;
	for (size_t i = 0; i < release_count; i++) {
		assert_true(fixture_build(&releases[i], &go_variants[0], "mapuser", fixture));
		answer = file_answer(fixture);
		assert_int_equal(answer.status, 0);
		assert_int_equal(strncmp(answer.go_version, "go1.", 4), 0);
		assert_non_null(strstr(answer.go_version, releases[i].name));
	}
	answer = file_answer("/proc/self/exe");
	assert_int_equal(answer.status, -EPROTONOSUPPORT);
	assert_non_null(strstr(answer.err.text, "not a Go program"));
	assert_int_equal(file_answer("/dev/null").status, -ENOEXEC);
	/* By pid: its own, which is no Go program either; and one that there is not. */
	assert_int_equal(parse_job_start(getpid(), -1, "this", &job), 0);
	assert_int_equal(answer_wait(job).status, -EPROTONOSUPPORT);
	assert_int_equal(parse_job_start(0x3fffff, -1, "none", &job), 0);
	assert_int_equal(answer_wait(job).status, -ESRCH);
}

static void test_vet(void **state)
{
	struct error err = {""};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	/* What is no Go program is left to the one who asked: only harm is refused. */
	assert_int_equal(parse_job_vet(fd, "this", &err), 0);
	close(fd);
}

/* ---- confined ------------------------------------------------------------------------ */

/* Exit status of a confined process that does this; -signal. */
static int confined(int (*action)(void))
{
	struct confine_limits limits = {.memory = UINT64_C(64) << 20, .seconds = 1, .files = 64};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(20);
		_exit(confine_self(&limits) ? 99 : action());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int refused(long rc)
{
	return rc < 0 && errno == EPERM ? 0 : 1;
}

static int open_something(void)
{
	return refused(open("/etc/passwd", O_RDONLY));
}

static int make_socket(void)
{
	return refused(socket(AF_INET, SOCK_STREAM, 0)) | refused(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int start_process(void)
{
	return refused(fork()) | refused(execl("/bin/true", "true", NULL));
}

static int touch_others(void)
{
	return refused(kill(getppid(), 0)) | refused(unlink("/tmp/gomaptop-no-such-file"));
}

static int take_memory(void)
{
	return malloc((size_t)256 << 20) ? 1 : 0;
}

static int take_time(void)
{
	for (volatile unsigned int i = 1; i != 0;)
		i += 2;
	return 0;
}

static void test_confined(void **state)
{
	(void)state;
	assert_int_equal(confined(open_something), 0);
	assert_int_equal(confined(make_socket), 0);
	assert_int_equal(confined(start_process), 0);
	assert_int_equal(confined(touch_others), 0);
	assert_int_equal(confined(take_time), -SIGKILL);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_int_equal(confined(take_memory), 0);
#else
	(void)take_memory;
#endif
}

static void test_descriptors(void **state)
{
	int status, secret = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int keep = fcntl(secret, F_DUPFD_CLOEXEC, 20);
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0 && keep >= 20);
	if (pid == 0) {
		confine_descriptors(&keep, 1);
		_exit(fcntl(secret, F_GETFD) >= 0 || fcntl(keep, F_GETFD) < 0 ||
		      fcntl(keep + 1, F_GETFD) >= 0 || write(2, "x", 1) != 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(secret);
	close(keep);
}

/* ---- the list ------------------------------------------------------------------------ */

/* The pid of a Go program that waits until *in is closed. */
static pid_t program_start(int *in)
{
	char fixture[FIXTURE_PATH];
	int ends[2];
	pid_t pid;

	assert_true(fixture_build(&releases[0], &go_variants[0], "opsloop", fixture));
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[0], 0);
		close(ends[1]);
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 1);
		execl(fixture, fixture, "-op", "read", "-wait", NULL);
		_exit(1);
	}
	close(ends[0]);
	*in = ends[1];
	return pid;
}

static const struct go_process_row *row_of(struct list_helper *helper, struct go_process_row *rows,
                                           pid_t pid)
{
	size_t count = list_helper_rows(helper, rows, 1024, NULL);

	for (size_t i = 0; i < count; i++)
		if (rows[i].pid == pid)
			return &rows[i];
	return NULL;
}

/* The child of this process that is not the one given. */
static pid_t helper_pid(pid_t other)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	assert_true(small_file_read(path, text, sizeof(text)) > 0);
	for (char *at = text; *at;) {
		pid_t pid = (pid_t)strtol(at, &at, 10);
		if (pid > 0 && pid != other)
			return pid;
		at += strspn(at, " ");
	}
	fail();
	return 0;
}

/* A process appears in the list while the helper lives, and again after the helper was killed. */
static void test_list(void **state)
{
	struct go_process_row *rows = calloc(1024, sizeof(*rows));
	const struct go_process_row *row = NULL;
	struct list_helper *helper;
	struct error err;
	int in;
	pid_t pid = program_start(&in);

	(void)state;
	assert_non_null(rows);
	assert_int_equal(list_helper_create(&helper, &err), 0);
	for (int round = 0; round < 2; round++) {
		row = NULL;
		for (int i = 0; i < 200 && !row; i++) {
			struct pollfd news = {.fd = list_helper_fd(helper), .events = POLLIN};
			poll(&news, 1, 100);
			row = row_of(helper, rows, pid);
		}
		assert_non_null(row);
		assert_false(row->unreadable);
		assert_int_equal(strncmp(row->go_version, "go1.", 4), 0);
		if (round == 0) {
			kill(helper_pid(pid), SIGKILL);
		}
	}
	list_helper_destroy(helper);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(in);
	free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_answers),  cmocka_unit_test(test_vet),
	        cmocka_unit_test(test_confined), cmocka_unit_test(test_descriptors),
	        cmocka_unit_test(test_list),
	};

	release_count = go_releases(releases);
	if (!release_count) {
		puts("skipped: no Go toolchain");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
