/* SPDX-License-Identifier: MIT */
/* The collector's executables: found by the row that is theirs now, read when that is needed and
 * from the file that was read before, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

#include "bpf/collect/executables.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

static char path[] = "/tmp/test_executables_XXXXXX";
static struct collector_executable what;
static struct go_binary *binary;

/* A copy of a program, open and read as the watch does it. */
static int set_up(void **state)
{
	struct go_release releases[GO_RELEASES_MAX];
	char fixture[FIXTURE_PATH];
	unsigned char *bytes;
	size_t size;
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || !go_releases(releases) ||
	    !fixture_build(&releases[0], go_variant_find("exe"), "framewalk", fixture))
		return -1;
	bytes = file_read(fixture, &size);
	if (!file_write(path, bytes, size) || file_identity_read(fd, &what.seen))
		return -1;
	free(bytes);
	if (go_binary_open_fd(fd, path, &binary, NULL))
		return -1;
	close(fd);
	what.binary = binary;
	chain_ends_read(binary, &what.ends);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	go_binary_close(binary);
	return unlink(path);
}

static struct executable *add(struct executables *list, size_t row)
{
	struct executable *e;

	what.row = row;
	assert_int_equal(executables_add(list, &what, &e), 0);
	return e;
}

static void test_chains_end_in_goexit(void **state)
{
	struct go_function goexit;

	(void)state;
	assert_int_equal(go_binary_function_find(binary, "runtime.goexit", &goexit), 0);
	assert_in_range(what.ends.goexit, goexit.entry + 1, goexit.end - 1);
}

static void test_a_row_is_of_the_last_one(void **state)
{
	struct executables *list;
	struct executable *first, *second;

	(void)state;
	assert_int_equal(executables_create(&list), 0);
	assert_null(executables_of_row(list, 3));
	first = add(list, 3);
	add(list, 4);
	assert_ptr_equal(executables_of_row(list, 3), first);
	executables_remove(list, 3);
	assert_true(executable_is_removed(first));
	assert_null(executables_of_row(list, 3));
	second = add(list, 3);
	assert_ptr_equal(executables_of_row(list, 3), second);
	executables_destroy(list);
}

static void test_read_from_the_same_file(void **state)
{
	struct executables *list;
	struct executable *e, *late;
	struct go_binary *own;
	int at;

	(void)state;
	assert_int_equal(executables_create(&list), 0);
	e = add(list, 1);
	late = add(list, 2);
	own = executable_binary(e);
	assert_non_null(own);
	assert_ptr_not_equal(own, binary);
	assert_ptr_equal(executable_binary(e), own);
	at = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(at, "x", 1), 1);
	close(at);
	assert_null(executable_binary(late)); /* written to: what it holds now may be anything */
	executables_destroy(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_chains_end_in_goexit),
	        cmocka_unit_test(test_a_row_is_of_the_last_one),
	        cmocka_unit_test(test_read_from_the_same_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
