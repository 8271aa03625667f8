/* SPDX-License-Identifier: MIT */
/*
 * Probes that come and go, in a file that is replaced or written to meanwhile: an offset that was
 * right for the file they were planned for may lie within an instruction of another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/attach/calibrate.h"
#include "bpf/attach/probe_set.h"
#include "bpf/attach/program.h"
#include "tests/bpf/copy_self.h"

static struct program program;
static struct link_keeper *keeper;
static char folder[] = "/tmp/probe-set-XXXXXX";
static char path[64], other[64];
static int file = -1; /* that the set made last has its probes in */

static int set_up(void **state)
{
	struct program_config config = {.stall_min_ns = 20000, .stall_max_ns = 20000};
	struct error err = {0};

	(void)state;
	if (geteuid() || !mkdtemp(folder))
		return 0;
	snprintf(path, sizeof(path), "%s/program", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	assert_int_equal(link_keeper_start(&keeper), 0);
	assert_int_equal(program_load(&config, &program, &err), 0);
	return link_keeper_program_set(keeper, program_probe(&program));
}

static int tear_down(void **state)
{
	(void)state;
	link_keeper_destroy(keeper);
	program_unload(&program);
	close(file);
	unlink(path);
	unlink(other);
	rmdir(folder);
	return 0;
}

/* A set with one probe in a fresh copy of this program; *rc: whether it could be added. */
static struct probe_set *set_make(ino_t inode_off, int *rc)
{
	struct probe_file into = {.fd = -1};
	struct probe_point point = {0};
	struct probe_set *set;

	if (!program.skeleton)
		skip();
	unlink(path);
	copy_self(path);
	close(file);
	file = into.fd = file_identity_open(path);
	assert_int_equal(file_identity_read(into.fd, &into.seen), 0);
	into.guard = link_keeper_file_add(keeper, file, &into.seen);
	assert_true(into.guard >= 0);
	into.seen.inode += inode_off;
	assert_int_equal(calibrate_point(CALIBRATE_ENTRY, &point.file_offset), 0);
	assert_int_equal(probe_set_create(keeper, program.mode, &set), 0);
	*rc = probe_set_add(set, &into, 0, true, &point, 1);
	return set;
}

static void test_comes_and_goes(void **state)
{
	int rc;
	struct probe_set *set = set_make(0, &rc);

	(void)state;
	assert_int_equal(rc, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(probe_set_open(set, NULL, NULL), 1);
		assert_true(probe_set_is_open(set));
		probe_set_close(set);
		assert_false(probe_set_is_open(set));
	}
	probe_set_destroy(set);
}

/* What stands under the name by now is none of its business. */
static void test_replaced(void **state)
{
	int rc;
	struct probe_set *set = set_make(0, &rc);
	FILE *text = fopen(other, "w");

	(void)state;
	assert_int_equal(rc, 0);
	assert_non_null(text);
	fputs("another program", text);
	fclose(text);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(probe_set_open(set, NULL, NULL), 1);
	probe_set_destroy(set);
}

/* Who opens the file for writing waits until its probes are out, for good. */
static void test_written_to(void **state)
{
	int rc, fd;
	struct probe_set *set = set_make(0, &rc);

	(void)state;
	assert_int_equal(rc, 0);
	assert_int_equal(probe_set_open(set, NULL, NULL), 1);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_true(fd >= 0);
	probe_set_look(set);
	assert_false(probe_set_is_open(set));
	assert_true(probe_set_is_whole(set)); /* nothing is left to be put in */
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(probe_set_open(set, NULL, NULL), -ESTALE);
	assert_false(probe_set_is_open(set));
	probe_set_destroy(set);
}

/* What the keeper let go by itself comes back at the next opening. */
static void test_let_go(void **state)
{
	int rc;
	struct probe_set *set = set_make(0, &rc);

	(void)state;
	assert_int_equal(rc, 0);
	assert_int_equal(probe_set_open(set, NULL, NULL), 1);
	link_keeper_pause(keeper, true);
	probe_set_look(set);
	assert_false(probe_set_is_open(set));
	assert_false(probe_set_is_whole(set));
	assert_int_equal(probe_set_open(set, NULL, NULL), -ECANCELED);
	link_keeper_pause(keeper, false);
	assert_int_equal(probe_set_open(set, NULL, NULL), 1);
	assert_int_equal(probe_set_accepted(set), 1);
	probe_set_destroy(set);
}

/* One file of several goes for good. */
static void test_removed(void **state)
{
	int rc;
	struct probe_set *set = set_make(0, &rc);

	(void)state;
	assert_int_equal(rc, 0);
	assert_int_equal(probe_set_open(set, NULL, NULL), 1);
	probe_set_remove(set, file + 1000); /* of none of its files */
	assert_true(probe_set_is_open(set));
	probe_set_remove(set, file);
	assert_false(probe_set_is_open(set));
	assert_int_equal(probe_set_size(set), 0);
	assert_int_equal(probe_set_open(set, NULL, NULL), 0);
	probe_set_destroy(set);
}

static void test_not_the_file(void **state)
{
	int rc;
	struct probe_set *set = set_make(1, &rc);

	(void)state;
	assert_int_equal(rc, -ESTALE);
	assert_int_equal(probe_set_size(set), 0);
	probe_set_destroy(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_comes_and_goes), cmocka_unit_test(test_replaced),
	        cmocka_unit_test(test_written_to),     cmocka_unit_test(test_let_go),
	        cmocka_unit_test(test_removed),        cmocka_unit_test(test_not_the_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
