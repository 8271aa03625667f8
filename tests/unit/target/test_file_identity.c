/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/file_identity.h"
#include "core/go/go_binary.h"

static char path[64], renamed[80];
static int fd;
static struct file_identity before;

/* The kernel stamps times with its tick: what comes within the same one is not told apart. */
static void tick_pass(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/file-identity-XXXXXX");
	close(mkstemp(path));
	snprintf(renamed, sizeof(renamed), "%s.old", path);
	fd = file_identity_open(path);
	assert_true(fd >= 0 && !file_identity_read(fd, &before));
	tick_pass();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	unlink(path);
	unlink(renamed);
	return 0;
}

static struct file_identity now(void)
{
	struct file_identity seen;

	assert_int_equal(file_identity_read(fd, &seen), 0);
	return seen;
}

static void test_untouched(void **state)
{
	struct file_identity seen = now();

	(void)state;
	assert_true(file_identity_same(&before, &seen));
	assert_true(file_identity_unwritten(&before, &seen));
}

static void test_written(void **state)
{
	int writer = open(path, O_WRONLY);
	struct file_identity seen;

	(void)state;
	assert_int_equal(write(writer, "x", 1), 1);
	close(writer);
	seen = now();
	assert_false(file_identity_unwritten(&before, &seen));
	assert_false(file_identity_same(&before, &seen));
	assert_true(file_identity_inode(&before, &seen));
}

/* The same size, and the time of modification set back: `cp -p`, rsync --times. */
static void test_written_and_set_back(void **state)
{
	struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, before.modified};
	struct file_identity seen;

	(void)state;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	seen = now();
	assert_true(file_identity_unwritten(&before, &seen));
	assert_false(file_identity_same(&before, &seen));
}

static void test_renamed(void **state)
{
	struct file_identity seen;

	(void)state;
	assert_int_equal(rename(path, renamed), 0);
	seen = now();
	assert_true(file_identity_unwritten(&before, &seen));
	assert_false(file_identity_same(&before, &seen));
}

static void test_another(void **state)
{
	struct file_identity seen;
	int other = file_identity_open("/dev/null");

	(void)state;
	assert_int_equal(file_identity_read(other, &seen), 0);
	close(other);
	assert_false(file_identity_inode(&before, &seen));
	assert_false(file_identity_same(&before, &seen));
	assert_int_equal(file_identity_read(other, &seen), -EBADF);
	assert_int_equal(file_identity_open("/nowhere/at/all"), -ENOENT);
}

/* What is parsed is what is open, whatever stands under the name. */
static void test_parsed_from_the_descriptor(void **state)
{
	struct go_binary *binary;
	struct error err = {""};

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(go_binary_open_fd(fd, "that", &binary, &err), -ENOEXEC);
	assert_string_equal(err.text, "that: empty or far too large for a program; check the path");
	assert_true(fcntl(fd, F_GETFD) >= 0); /* borrowed */
	assert_int_equal(go_binary_open_fd(-1, "that", &binary, &err), -EBADF);
	assert_null(binary);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_untouched), T(test_written), T(test_written_and_set_back),
	        T(test_renamed),   T(test_another), T(test_parsed_from_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
