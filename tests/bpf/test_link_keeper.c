/* SPDX-License-Identifier: MIT */
/*
 * The process that owns the probes: when it lets them go, and what becomes of it. The probes are in
 * this program itself; whether one is in place is seen by running into it.
 */
#define _GNU_SOURCE /* setresuid() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/attach/calibrate.h"
#include "bpf/attach/coverage_totals.h"
#include "bpf/attach/keeper_files.h"
#include "bpf/attach/keeper_tasks.h"
#include "bpf/attach/link_keeper.h"
#include "bpf/attach/program.h"
#include "core/base/clock.h"
#include "core/event/trouble.h"
#include "core/process/go_process.h"

#include <bpf/libbpf.h>

#include "gomaptop.skel.h"

#define PATIENCE_MS 5000 /* for what happens within half a second where CPUs are free */

static struct program program;
static struct link_keeper *keeper;
static int self_fd = -1, guard;
static struct file_identity self;

static int set_up(void **state)
{
	struct program_config config = {.stall_min_ns = 20000, .stall_max_ns = 20000};
	struct error err = {0};

	(void)state;
	if (geteuid())
		return 0;
	assert_int_equal(link_keeper_start(&keeper), 0);
	assert_int_equal(program_load(&config, &program, &err), 0);
	probe_links_close(program.trial); /* it is at the same place */
	program.trial = NULL;
	program_target_add(&program, (uint32_t)getpid());
	assert_int_equal(link_keeper_program_set(keeper, program_probe(&program)), 0);
	self_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_identity_read(self_fd, &self), 0);
	guard = link_keeper_file_add(keeper, self_fd, &self);
	assert_true(guard >= 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	link_keeper_destroy(keeper);
	program_unload(&program);
	keeper = NULL;
	close(self_fd);
	return 0;
}

static void need_root(void)
{
	if (!keeper)
		skip();
}

static link_handle probe_open(int *rc)
{
	struct probe_point point = {.cookie = COOKIE(1, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP,
	                                             CALIBRATE_INSTRUCTION, CALIBRATE_ROW)};
	link_handle handle;

	assert_int_equal(calibrate_point(CALIBRATE_ENTRY, &point.file_offset), 0);
	*rc = link_keeper_open(keeper, program.mode, guard, getpid(), &point, 1, &handle);
	return handle;
}

static uint64_t hits(void)
{
	__u64 value[COVERAGE_COUNT] = {0};
	struct coverage_totals *totals;
	uint64_t sum = 0;

	assert_int_equal(
	        coverage_totals_create(bpf_map__fd(program.skeleton->maps.coverage), &totals), 0);
	assert_int_equal(coverage_totals_add(totals, value), 0);
	coverage_totals_destroy(totals);
	for (int i = COVERAGE_STACK_GROWTH; i <= COVERAGE_COUNTED; i++)
		sum += value[i];
	return sum;
}

static bool probe_is_in_place(void)
{
	static uint64_t map[16];
	uint64_t before = hits();

	calibrate_calls(CALIBRATE_ENTRY, 1, map, 1);
	return hits() > before;
}

static void wait_until_out(void)
{
	for (int i = 0; i < PATIENCE_MS && probe_is_in_place(); i++)
		usleep(1000);
	assert_false(probe_is_in_place());
}

static void test_in_and_out(void **state)
{
	link_handle handle;
	int rc;

	(void)state;
	need_root();
	for (int i = 0; i < 3; i++) {
		handle = probe_open(&rc);
		assert_int_equal(rc, 1);
		assert_true(probe_is_in_place());
		assert_true(link_keeper_holds(keeper, handle, guard, 0));
		link_keeper_close(keeper, &handle, 1);
		assert_false(probe_is_in_place());
		link_keeper_close(keeper, &handle, 1); /* of no use any more: left alone */
	}
}

/* A governor that does not beat does not govern. */
static void test_silent_governor(void **state)
{
	link_handle handle;
	int rc;

	(void)state;
	need_root();
	link_keeper_beat(keeper, clock_now());
	handle = probe_open(&rc);
	assert_int_equal(rc, 1);
	assert_true(probe_is_in_place());
	wait_until_out();
	assert_int_equal(link_keeper_drops(keeper), 1);
	assert_false(link_keeper_holds(keeper, handle, guard, 0));
	probe_open(&rc);
	assert_int_equal(rc, -ECANCELED);
	link_keeper_beat(keeper, clock_now());
	handle = probe_open(&rc);
	assert_int_equal(rc, 1);
	link_keeper_close(keeper, &handle, 1);
}

/* Where not even the keeper runs a hit does next to nothing. */
static void test_programs_do_nothing_ungoverned(void **state)
{
	struct coverage {
		__u64 value[COVERAGE_COUNT];
	} before = {0}, after = {0};
	static uint64_t map[16];
	struct coverage_totals *totals;
	int rc;

	(void)state;
	need_root();
	assert_int_equal(
	        coverage_totals_create(bpf_map__fd(program.skeleton->maps.coverage), &totals), 0);
	probe_open(&rc);
	assert_int_equal(rc, 1);
	program.skeleton->bss->tuning.beat_ns = clock_now() - 1100000000;
	coverage_totals_add(totals, before.value);
	calibrate_calls(CALIBRATE_ENTRY, 1, map, 5);
	coverage_totals_add(totals, after.value);
	assert_int_equal(after.value[COVERAGE_UNGOVERNED] - before.value[COVERAGE_UNGOVERNED], 5);
	assert_int_equal(after.value[COVERAGE_COUNTED], before.value[COVERAGE_COUNTED]);
	program.skeleton->bss->tuning.beat_ns = clock_now();
	calibrate_calls(CALIBRATE_ENTRY, 1, map, 5);
	coverage_totals_add(totals, before.value);
	assert_int_equal(before.value[COVERAGE_COUNTED] - after.value[COVERAGE_COUNTED], 5);
	coverage_totals_destroy(totals);
}

static void test_keeper_dies(void **state)
{
	char command[64];
	int rc;

	(void)state;
	need_root();
	probe_open(&rc);
	assert_int_equal(rc, 1);
	snprintf(command, sizeof(command), "pkill -KILL -P %d", (int)getpid());
	assert_int_not_equal(system(command), -1);
	wait_until_out();
	for (int i = 0; i < PATIENCE_MS && (rc = link_keeper_look(keeper, clock_now())) != 1; i++)
		usleep(1000);
	assert_int_equal(rc, 1);
	assert_int_equal(link_keeper_look(keeper, clock_now()), 0);
	assert_int_equal(link_keeper_drops(keeper), 1);
	probe_open(&rc);
	assert_int_equal(rc, 1);
	assert_true(probe_is_in_place());
}

static void test_abandoned(void **state)
{
	int rc;

	(void)state;
	need_root();
	probe_open(&rc);
	assert_int_equal(rc, 1);
	link_keeper_abandon(keeper);
	wait_until_out();
	probe_open(&rc);
	assert_int_equal(rc, -EPIPE);
	assert_int_equal(link_keeper_look(keeper, clock_now()), 0);
}

static void test_another_file(void **state)
{
	struct file_identity other = self;

	(void)state;
	need_root();
	other.size++;
	assert_int_equal(link_keeper_file_add(keeper, self_fd, &other), -ESTALE);
}

/* ---- without a lease ------------------------------------------------------------------- */

static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* In a child that may not lease root's file: what keeps writers out is a process that runs it. */
static int without_lease(void)
{
	static atomic_uint states[LINK_KEEPER_FILES];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), file;
	struct keeper_files *files;
	struct keeper_runner *runners;
	pid_t runner, stranger;

	/* Dumpable again, so that it may see what its own child runs. */
	if (setresuid(65534, 65534, 65534) || prctl(PR_SET_DUMPABLE, 1) ||
	    keeper_files_create(states, &files))
		return 1;
	file = keeper_files_add(files, -1, fd, &self);
	if (file < 0 || states[file] != LINK_FILE_IDLE)
		return 2;
	if (keeper_files_refusal(files, file) != -ENOENT)
		return 3;
	runner = fork();
	if (runner == 0)
		for (;;)
			pause();
	if (keeper_files_runner(files, file, runner, pidfd_of(runner)))
		return 4;
	if (states[file] != LINK_FILE_RUNNING || keeper_files_refusal(files, file))
		return 5;
	if (keeper_files_is_leased(files, file) ||
	    keeper_files_runners(files, file, &runners) != 1 || runners[0].pid != runner ||
	    keeper_runner_is_gone(&runners[0]) || keeper_files_look(files, file))
		return 6;
	keeper_runners_free(runners, 1);
	/* A process that runs another file keeps no writer out of this one. */
	stranger = fork();
	if (stranger == 0) {
		execl("/bin/sleep", "sleep", "60", NULL);
		_exit(127);
	}
	while (go_process_runs(stranger, &self))
		;
	if (keeper_files_runner(files, file, stranger, pidfd_of(stranger)) ||
	    keeper_files_look(files, file) || keeper_files_runners(files, file, &runners) != 1)
		return 9;
	keeper_runners_free(runners, 1);
	kill(stranger, SIGKILL);
	waitpid(stranger, NULL, 0);
	kill(runner, SIGKILL);
	waitpid(runner, NULL, 0);
	if (!keeper_files_look(files, file) || states[file] != LINK_FILE_IDLE)
		return 7;
	return keeper_files_refusal(files, file) == -ENOENT ? 0 : 8;
}

/* The words for people have the number in them. */
static void test_crowd_is_named(void **state)
{
	char number[32];

	(void)state;
	snprintf(number, sizeof(number), "over %d processes", LINK_KEEPER_RUNNERS);
	assert_non_null(strstr(trouble_words(TROUBLE_FILE_CROWDED), number));
}

static void test_without_lease(void **state)
{
	int status = 0;
	pid_t child;

	(void)state;
	need_root();
	child = fork();
	if (child == 0)
		_exit(without_lease());
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- of one process -------------------------------------------------------------------- */

static void *execute(void *arg)
{
	(void)arg;
	execl("/bin/sleep", "sleep", "60", NULL);
	_exit(127);
}

/* A process that waits for a byte, executes sleep(1) by its first thread or by another, and has its
 * number still. */
static pid_t changing_start(bool by_another, int *go)
{
	int pipes[2];
	pthread_t thread;
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(pipes[0], &byte, 1) != 1)
			_exit(127);
		if (!by_another)
			execute(NULL);
		if (!pthread_create(&thread, NULL, execute, NULL))
			pthread_join(thread, NULL);
		_exit(127);
	}
	close(pipes[0]);
	*go = pipes[1];
	return pid;
}

static void changing_end(pid_t pid, int go)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(go);
}

static bool executes_sleep(pid_t pid)
{
	char path[32], name[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "r");
	if (file && !fgets(name, sizeof(name), file))
		name[0] = '\0';
	if (file)
		fclose(file);
	return strcmp(name, "sleep\n") == 0;
}

static void changing_go(pid_t pid, int go)
{
	assert_int_equal(write(go, "", 1), 1);
	for (int i = 0; i < PATIENCE_MS && !executes_sleep(pid); i++)
		usleep(1000);
	assert_true(executes_sleep(pid));
}

/* Links go on when the first thread executes a program, and end when another does. */
static void test_another_first_thread(void **state)
{
	struct keeper_tasks tasks = {0};
	pid_t by_first, by_another, ended;
	int go[3];

	(void)state;
	need_root();
	by_first = changing_start(false, &go[0]);
	by_another = changing_start(true, &go[1]);
	ended = changing_start(true, &go[2]);
	keeper_tasks_add(&tasks, 6, by_first);
	keeper_tasks_add(&tasks, 7, by_another);
	keeper_tasks_add(&tasks, 7, by_another);
	keeper_tasks_add(&tasks, 8, ended);
	assert_int_equal(tasks.count, 3);
	assert_int_equal(keeper_tasks_replaced(&tasks), -1);
	changing_end(ended, go[2]);
	assert_int_equal(keeper_tasks_replaced(&tasks), -1);
	assert_int_equal(tasks.count, 2);
	changing_go(by_first, go[0]);
	assert_int_equal(keeper_tasks_replaced(&tasks), -1);
	changing_go(by_another, go[1]);
	assert_int_equal(keeper_tasks_replaced(&tasks), 7);
	assert_int_equal(tasks.count, 1);
	keeper_tasks_add(&tasks, 7, by_another);
	assert_int_equal(keeper_tasks_replaced(&tasks), -1);
	keeper_tasks_remove(&tasks, 7);
	keeper_tasks_remove(&tasks, 6);
	assert_int_equal(tasks.count, 0);
	free(tasks.rows);
	close(tasks.map);
	changing_end(by_first, go[0]);
	changing_end(by_another, go[1]);
}

/* ---- with a lease ---------------------------------------------------------------------- */

/* An empty file that the keeper looks after. */
struct kept_file {
	char path[32];
	int writer; /* open for writing, where it was asked for */
	int file;   /* its number, */
	struct keeper_files *files;
	atomic_uint states[LINK_KEEPER_FILES]; /* and [file] its state */
};

static void kept_file_make(struct kept_file *kept, bool written)
{
	struct file_identity identity;
	int fd;

	snprintf(kept->path, sizeof(kept->path), "/tmp/link-keeper-XXXXXX");
	kept->writer = mkstemp(kept->path);
	fd = open(kept->path, O_RDONLY | O_CLOEXEC);
	if (!written)
		close(kept->writer);
	assert_int_equal(file_identity_read(fd, &identity), 0);
	assert_int_equal(keeper_files_create(kept->states, &kept->files), 0);
	kept->file = keeper_files_add(kept->files, -1, fd, &identity);
}

static void kept_file_remove(struct kept_file *kept)
{
	keeper_files_remove(kept->files, kept->file);
	assert_int_equal(kept->states[kept->file], LINK_FILE_NONE);
	free(kept->files);
	unlink(kept->path);
}

/* Open for writing already: nothing keeps that writer out. */
static void test_being_written(void **state)
{
	static struct kept_file kept;

	(void)state;
	kept_file_make(&kept, true);
	assert_int_equal(kept.states[kept.file], LINK_FILE_WRITTEN);
	assert_int_equal(keeper_files_refusal(kept.files, kept.file), -ETXTBSY);
	close(kept.writer);
	keeper_files_look(kept.files, kept.file);
	assert_int_equal(kept.states[kept.file], LINK_FILE_LEASED);
	assert_int_equal(keeper_files_refusal(kept.files, kept.file), 0);
	kept_file_remove(&kept);
}

/* touch(1) writes nothing: the lease holds, and what was decoded is what is there. */
static void test_touched(void **state)
{
	static struct kept_file kept;

	(void)state;
	kept_file_make(&kept, false);
	assert_int_equal(kept.states[kept.file], LINK_FILE_LEASED);
	assert_int_equal(utimensat(AT_FDCWD, kept.path, NULL, 0), 0);
	assert_false(keeper_files_look(kept.files, kept.file));
	assert_int_equal(kept.states[kept.file], LINK_FILE_LEASED);
	kept_file_remove(&kept);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_in_and_out),
	        T(test_silent_governor),
	        T(test_programs_do_nothing_ungoverned),
	        T(test_keeper_dies),
	        T(test_abandoned),
	        T(test_another_file),
	        T(test_without_lease),
	        cmocka_unit_test(test_crowd_is_named),
	        T(test_another_first_thread),
	        cmocka_unit_test(test_being_written),
	        cmocka_unit_test(test_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
