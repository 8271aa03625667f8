/* SPDX-License-Identifier: MIT */
/* Targets that are hundreds of real processes: each end is told, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf/targets/targets.h"
#include "core/base/clock.h"

#define CHILDREN    300
#define DESCRIPTORS 100 /* fewer than children */
#define PATIENCE_NS 20000000000ULL

static pid_t child_start(void)
{
	char *const argv[] = {"sleep", "600", NULL};
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, "/bin/sleep", NULL, NULL, argv, NULL), 0);
	return pid;
}

static void children_start(pid_t children[CHILDREN])
{
	for (int i = 0; i < CHILDREN; i++)
		children[i] = child_start();
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Whether a look tells of the end of this one; all that it tells of leave the list. */
static bool end_is_told(struct targets *t, pid_t pid)
{
	pid_t ended[TARGET_ENDS_MAX];
	size_t count = targets_poll(t, 0, ended);
	bool told = false;

	for (size_t i = 0; i < count; i++) {
		told = told || ended[i] == pid;
		targets_end(t, ended[i]);
	}
	return told;
}

/* Look until so many ends were told, each of one of the children, none twice. */
static void ends_expect(struct targets *t, pid_t children[CHILDREN], size_t expected)
{
	uint64_t begin = clock_now();
	pid_t ended[TARGET_ENDS_MAX];

	while (expected && clock_now() - begin < PATIENCE_NS) {
		size_t count = targets_poll(t, 50, ended);

		for (size_t i = 0; i < count; i++) {
			int child = 0;

			while (child < CHILDREN && children[child] != ended[i])
				child++;
			assert_true(child < CHILDREN);
			children[child] = 0;
			assert_false(targets_end(t, ended[i]));
			expected--;
		}
	}
	assert_int_equal(expected, 0);
	assert_int_equal(targets_poll(t, 0, ended), 0);
}

static void test_every_end_is_told_once(void **state)
{
	pid_t children[CHILDREN], all[CHILDREN];
	struct targets *t;

	(void)state;
	children_start(children);
	assert_int_equal(targets_create(children, CHILDREN / 2, &t), 0);
	for (int i = CHILDREN / 2; i < CHILDREN; i++)
		targets_started(t, children[i]);
	for (int i = 0; i < CHILDREN; i++) {
		targets_started(t, children[i]); /* known: no effect */
		all[i] = children[i];
	}
	assert_int_equal(targets_count(t), CHILDREN);
	assert_int_equal(targets_alive(t), CHILDREN);
	for (int i = 0; i < CHILDREN / 3; i++)
		child_end(all[i]);
	ends_expect(t, children, CHILDREN / 3);
	assert_int_equal(targets_alive(t), CHILDREN - CHILDREN / 3);
	for (int i = CHILDREN / 3; i < CHILDREN; i++)
		child_end(all[i]);
	ends_expect(t, children, CHILDREN - CHILDREN / 3);
	assert_int_equal(targets_alive(t), 0);
	assert_int_equal(targets_count(t), 0);
	targets_destroy(t);
}

/* It was shorter than the time until its first hit was read. */
static void test_the_end_of_one_that_is_over_is_told(void **state)
{
	pid_t ended[TARGET_ENDS_MAX];
	pid_t pid = child_start();
	struct targets *t;

	(void)state;
	child_end(pid);
	assert_int_equal(targets_create(NULL, 0, &t), 0);
	targets_started(t, pid);
	assert_int_equal(targets_alive(t), 1);
	assert_int_equal(targets_poll(t, 0, ended), 1);
	assert_int_equal(ended[0], pid);
	assert_int_equal(targets_poll(t, 0, ended), 1); /* until that is taken note of */
	assert_false(targets_end(t, pid));
	assert_false(targets_end(t, pid));
	assert_int_equal(targets_poll(t, 0, ended), 0);
	assert_int_equal(targets_alive(t), 0);
	targets_destroy(t);
}

/* What cannot be watched for want of descriptors is watched as soon as there are some. */
static void test_ends_are_told_where_descriptors_are_short(void **state)
{
	struct rlimit before, few;
	pid_t children[CHILDREN], all[CHILDREN];
	struct targets *t;

	(void)state;
	children_start(children);
	assert_int_equal(targets_create(NULL, 0, &t), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = DESCRIPTORS;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < CHILDREN; i++) {
		targets_started(t, children[i]);
		all[i] = children[i];
	}
	assert_int_equal(targets_alive(t), CHILDREN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i < CHILDREN; i++)
		child_end(all[i]);
	ends_expect(t, children, CHILDREN);
	assert_int_equal(targets_alive(t), 0);
	targets_destroy(t);
}

static void test_a_crash_is_remembered_until_the_end(void **state)
{
	pid_t pids[2] = {child_start(), child_start()};
	struct targets *t;

	(void)state;
	assert_int_equal(targets_create(pids, 2, &t), 0);
	targets_crashed(t, pids[1]);
	for (int i = 0; i < 2; i++)
		child_end(pids[i]);
	assert_false(targets_end(t, pids[0]));
	assert_true(targets_end(t, pids[1]));
	targets_destroy(t);
}

static void test_what_ended_ones_used_stays_in_the_sums(void **state)
{
	pid_t burner = fork();
	struct targets *t;
	uint64_t used;

	(void)state;
	if (!burner)
		for (;;)
			;
	assert_true(burner > 0);
	assert_int_equal(targets_create(&burner, 1, &t), 0);
	usleep(100000);
	used = targets_cpu_now_ns(t);
	assert_true(used > 0);
	child_end(burner);
	while (!end_is_told(t, burner))
		usleep(1000);
	assert_true(targets_cpu_now_ns(t) >= used);
	targets_destroy(t);
}

/* Only of processes that start under watch, and by the probes that they find in place. */
static void test_breakpoints_that_a_start_finds_cost(void **state)
{
	pid_t pids[2] = {child_start(), child_start()};
	struct targets *t;
	uint64_t one;

	(void)state;
	assert_int_equal(targets_create(pids, 1, &t), 0);
	targets_probes_set(t, 7);
	assert_int_equal(targets_planted_ns(t), 0);
	targets_started(t, pids[0]);
	assert_int_equal(targets_planted_ns(t), 0);
	targets_started(t, pids[1]);
	one = targets_planted_ns(t);
	assert_true(one > 0 && one % 7 == 0);
	targets_started(t, pids[1]);
	assert_int_equal(targets_planted_ns(t), one);
	for (int i = 0; i < 2; i++)
		child_end(pids[i]);
	targets_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_end_is_told_once),
	        cmocka_unit_test(test_the_end_of_one_that_is_over_is_told),
	        cmocka_unit_test(test_ends_are_told_where_descriptors_are_short),
	        cmocka_unit_test(test_a_crash_is_remembered_until_the_end),
	        cmocka_unit_test(test_what_ended_ones_used_stays_in_the_sums),
	        cmocka_unit_test(test_breakpoints_that_a_start_finds_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
