/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* gettid() */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/process/go_process.h"

/* Looking is itself a call or two. */
static void test_calls(void **state)
{
	uint64_t before, after;
	int fd = open("/dev/null", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(go_process_calls(getpid(), &before), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(go_process_calls(getpid(), &after), 0);
	assert_in_range(after - before, 100, 104);
	close(fd);
}

#define NOBODY 4194304 /* one more than the kernel's largest process id */

static void test_no_process(void **state)
{
	uint64_t calls = 7, cpu_ns = 7;

	(void)state;
	assert_int_equal(go_process_calls(NOBODY, &calls), -ESRCH);
	assert_int_equal(go_process_cpu(NOBODY, &cpu_ns), -ESRCH);
	assert_true(calls == 7 && cpu_ns == 7);
}

static void test_executable(void **state)
{
	struct stat mine, opened;
	int fd = go_process_open_executable(getpid());

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(stat("/proc/self/exe", &mine), 0);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_true(mine.st_dev == opened.st_dev && mine.st_ino == opened.st_ino);
	close(fd);
	assert_int_equal(go_process_open_executable(NOBODY), -ESRCH);
}

/* Its number is still taken, but nothing of it can be looked at any more. */
static void test_executable_of_an_ended_one(void **state)
{
	pid_t pid = fork();
	siginfo_t info;

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(go_process_open_executable(pid), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_ended_is_over(void **state)
{
	pid_t pid = fork();
	siginfo_t info;

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(go_process_over(pid)); /* a zombie */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(go_process_over(pid));
	assert_false(go_process_over(getpid()));
}

static atomic_int thread_id;
static atomic_bool thread_may_end;

static void *thread_main(void *unused)
{
	(void)unused;
	atomic_store(&thread_id, (int)gettid());
	while (!atomic_load(&thread_may_end))
		usleep(1000);
	return NULL;
}

static void test_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, thread_main, NULL), 0);
	while (!atomic_load(&thread_id))
		usleep(1000);
	assert_int_equal(go_process_of_thread(atomic_load(&thread_id)), getpid());
	assert_int_equal(go_process_of_thread(getpid()), getpid());
	assert_int_equal(go_process_of_thread(NOBODY), -ESRCH);
	atomic_store(&thread_may_end, true);
	pthread_join(thread, NULL);
}

/* By the file that it runs, and by the name that the kernel keeps. */
static void test_named(void **state)
{
	char mine[256];
	pid_t pid = fork(), found[4] = {0};

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_NAME, "gomaptop-named");
		pause();
		_exit(0);
	}
	go_process_name(getpid(), mine, sizeof(mine));
	assert_string_equal(mine, "test_go_process");
	for (int tries = 0; !go_process_named("gomaptop-named", found, 4) && tries < 5000; tries++)
		usleep(1000);
	assert_int_equal(go_process_named("gomaptop-named", found, 4), 1);
	assert_int_equal(found[0], pid);
	assert_true(go_process_named(mine, found, 4) >= 1); /* and never the caller */
	for (size_t i = 0; i < 4; i++)
		assert_int_not_equal(found[i], getpid());
	assert_int_equal(go_process_named("no-such-name-here", found, 4), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_calls),
	        cmocka_unit_test(test_no_process),
	        cmocka_unit_test(test_executable),
	        cmocka_unit_test(test_executable_of_an_ended_one),
	        cmocka_unit_test(test_ended_is_over),
	        cmocka_unit_test(test_thread),
	        cmocka_unit_test(test_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
