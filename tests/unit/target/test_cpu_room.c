/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sched_setaffinity() */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/process/cpu_room.h"

#define NOBODY 4194304  /* one more than the kernel's largest process id */
#define STEP   10000000 /* ns: idle time is told in hundredths of a second */

/* No CPU is idle for longer than time passes. */
static void test_idle(void **state)
{
	uint64_t began = clock_now(), before = 0, after = 0, most;

	(void)state;
	assert_true(cpu_room_cpus() >= 1);
	assert_int_equal(cpu_room_idle(&before), 0);
	usleep(100000);
	assert_int_equal(cpu_room_idle(&after), 0);
	most = (clock_now() - began) * (uint64_t)cpu_room_cpus() + 2 * STEP;
	assert_true(after >= before);
	assert_true(after - before <= most);
}

/* All CPUs, in a child one. */
static void test_allowed(void **state)
{
	int pipes[2], status;
	pid_t child;
	char byte;

	(void)state;
	assert_in_range(cpu_room_allowed(getpid()), 1, 8192);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (!child) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(sched_getcpu(), &one);
		_exit(sched_setaffinity(0, sizeof(one), &one) || write(pipes[1], "x", 1) != 1 ||
		      pause());
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(cpu_room_allowed(child), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(cpu_room_allowed(NOBODY), -ESRCH);
}

/* What a limit does is for tests/live. */
static void test_throttled(void **state)
{
	uint64_t times = 7;
	int rc = cpu_room_throttled(getpid(), &times);

	(void)state;
	assert_true(rc == 0 || rc == -ENODATA);
	assert_int_equal(cpu_room_throttled(NOBODY, &times), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_idle),
	        cmocka_unit_test(test_allowed),
	        cmocka_unit_test(test_throttled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
