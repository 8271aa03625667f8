/* SPDX-License-Identifier: MIT */
/* Order sites found by a process of its own: the same as here, and nothing of it is left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/go/go_binary.h"
#include "core/order/order_job.h"
#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

struct fixture {
	int stop, stop_end; /* stop becomes readable when something is written to its other end */
	int open;           /* descriptors before the test */
};

static int descriptors_count(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static int setup(void **state)
{
	static struct fixture it;
	int ends[2];

	*state = &it;
	it.open = descriptors_count();
	if (pipe(ends))
		return -1;
	it.stop = ends[0];
	it.stop_end = ends[1];
	return 0;
}

/* Whatever became of it: no process, waited for or not, and no descriptor. */
static int teardown(void **state)
{
	const struct fixture *it = *state;

	close(it->stop);
	close(it->stop_end);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(descriptors_count(), it->open);
	return 0;
}

static int program_open(const struct go_release *release, const char *variant, const char *name)
{
	char path[FIXTURE_PATH];
	int fd;

	assert_true(fixture_build(release, go_variant_find(variant), name, path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void assert_site_equal(const struct order_site *x, const struct order_site *y)
{
	assert_int_equal(x->addr, y->addr);
	assert_int_equal(x->file_offset, y->file_offset);
	assert_int_equal(x->atomic, y->atomic);
	assert_int_equal(x->kind, y->kind);
	assert_int_equal(x->function, y->function);
	assert_int_equal(x->instruction, y->instruction);
	assert_int_equal(x->place, y->place);
	assert_int_equal(x->condition, y->condition);
	assert_int_equal(x->object, y->object);
	assert_int_equal(x->base, y->base);
	assert_int_equal(x->offset, y->offset);
	assert_int_equal(x->displacement, y->displacement);
}

static void assert_plan_equal(const struct order_plan *x, const struct order_plan *y)
{
	assert_int_equal(x->count, y->count);
	for (size_t i = 0; i < x->count; i++)
		assert_site_equal(&x->sites[i], &y->sites[i]);
	assert_memory_equal(x->calls, y->calls, sizeof(x->calls));
	assert_memory_equal(x->explained, y->explained, sizeof(x->explained));
	assert_int_equal(x->undecoded, y->undecoded);
	assert_int_equal(x->missed_count, y->missed_count);
	for (size_t i = 0; i < x->missed_count && i < ORDER_MISSED_MAX; i++) {
		assert_int_equal(x->missed[i].addr, y->missed[i].addr);
		assert_string_equal(x->missed[i].what, y->missed[i].what);
		assert_string_equal(x->missed[i].why, y->missed[i].why);
	}
}

static void assert_plan_empty(const struct order_plan *plan, const struct error *err)
{
	assert_null(plan->sites);
	assert_int_equal(plan->count, 0);
	assert_int_equal(plan->missed_count, 0);
	assert_true(err->text[0] != '\0');
}

static void test_same_plan(void **state)
{
	static const char *const variants[] = {"exe", "stripped", "pie"};
	const struct fixture *it = *state;

	for (size_t i = 0; i < release_count * 3; i++) {
		struct order_plan here, there;
		struct go_binary *binary;
		struct error err;
		int fd = program_open(&releases[i / 3], variants[i % 3], "orders");

		assert_int_equal(go_binary_open_fd(fd, "here", &binary, &err), 0);
		assert_int_equal(order_plan_make(binary, &here, &err), 0);
		assert_int_equal(order_job_run(fd, "there", it->stop, &there, &err), 0);
		assert_true(there.count > 100);
		assert_plan_equal(&here, &there);
		/* The descriptor was borrowed. */
		assert_true(fcntl(fd, F_GETFD) >= 0);
		order_plan_free(&here);
		order_plan_free(&there);
		go_binary_close(binary);
		close(fd);
	}
}

static void test_stopped(void **state)
{
	const struct fixture *it = *state;
	int fd = program_open(&releases[0], "exe", "mapuser");
	struct order_plan plan;
	struct error err = {""};

	assert_int_equal(write(it->stop_end, "", 1), 1);
	assert_int_equal(order_job_run(fd, "stopped", it->stop, &plan, &err), -ECANCELED);
	assert_plan_empty(&plan, &err);
	close(fd);
}

/* Whoever could stop it has ended. */
static void test_stopped_by_an_end(void **state)
{
	struct fixture *it = *state;
	int fd = program_open(&releases[0], "exe", "mapuser");
	struct order_plan plan;
	struct error err = {""};

	close(it->stop_end);
	assert_int_equal(order_job_run(fd, "stopped", it->stop, &plan, &err), -ECANCELED);
	assert_plan_empty(&plan, &err);
	it->stop_end = dup(it->stop);
	close(fd);
}

static void test_no_go_program(void **state)
{
	static const struct {
		const char *path;
		int rc;
	} files[] = {{"/proc/self/exe", -EPROTONOSUPPORT}, {"/dev/null", -ENOEXEC}};
	const struct fixture *it = *state;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = open(files[i].path, O_RDONLY | O_CLOEXEC);
		struct order_plan plan;
		struct error err = {""};

		assert_true(fd >= 0);
		assert_int_equal(order_job_run(fd, "none", it->stop, &plan, &err), files[i].rc);
		assert_plan_empty(&plan, &err);
		close(fd);
	}
}

/* A program for another machine than this one. */
static void test_another_machine(void **state)
{
	const struct fixture *it = *state;
	int fd = program_open(&releases[0], "arm64", "mapuser");
	struct order_plan plan;
	struct error err = {""};

	assert_int_equal(order_job_run(fd, "arm64", it->stop, &plan, &err), 0);
	assert_true(plan.count > 30 && !plan.missed_count);
	order_plan_free(&plan);
	close(fd);
}

/* What it loads may order goroutines, too. */
static void test_plugins(void **state)
{
	const struct fixture *it = *state;
	int fd = program_open(&releases[0], "external", "plugs");
	struct order_plan plan;
	struct error err = {""};

	assert_int_equal(order_job_run(fd, "plugs", it->stop, &plan, &err), -ENOTSUP);
	assert_plan_empty(&plan, &err);
	assert_non_null(strstr(err.text, "plugins"));
	close(fd);
}

/* A descriptor that was closed meanwhile. */
static void test_no_file(void **state)
{
	const struct fixture *it = *state;
	struct order_plan plan;
	struct error err = {""};

	assert_int_equal(order_job_run(-1, "none", it->stop, &plan, &err), -EIO);
	assert_plan_empty(&plan, &err);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_same_plan),     T(test_stopped),         T(test_stopped_by_an_end),
	        T(test_no_go_program), T(test_another_machine), T(test_plugins),
	        T(test_no_file),
	};

	release_count = go_releases(releases);
	if (!release_count) {
		puts("skipped: no Go toolchain");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
