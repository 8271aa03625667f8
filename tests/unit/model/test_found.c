/* SPDX-License-Identifier: MIT */
/* What is said at the end of what was found, and where it can be put. */
#include "tests/unit/model/model_events.h"

#include <unistd.h>

#include "core/base/spare_folder.h"
#include "tui/words/found.h"

static char what[FOUND_MAX], where[FOUND_MAX];

static void look(const struct model *model)
{
	found_what(model, what, sizeof(what));
	found_where(model, where, sizeof(where));
}

static void test_nothing(void **state)
{
	struct model *model = model_new();

	(void)state;
	assert_false(found_anything(model));
	model_destroy(model);
}

static void test_conflict_and_pair(void **state)
{
	struct model *model = model_new();

	(void)state;
	unordered_send(model, 0, access_at(0xa0, OP_WRITE, 1, 0x1001, 2),
	               access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	assert_true(found_anything(model));
	look(model);
	assert_string_equal(what, "1 unordered pair");
	assert_string_equal(where, "write at main.go:1 main.reader and write at main.go:1 "
	                           "main.writer, with nothing that orders them");
	for (int i = 0; i < 2; i++)
		overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1002, 2),
		             access_at(0xa0, OP_WRITE, 2, 0x2003, 2));
	look(model);
	assert_string_equal(what, "2 conflicts, 1 unordered pair");
	assert_string_equal(where, "read at main.go:2 main.reader against write at main.go:3 "
	                           "main.writer");
	model_destroy(model);
}

static void test_crash(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}};

	(void)state;
	crash_send(model, "concurrent map writes", 0);
	assert_true(found_anything(model));
	look(model);
	assert_string_equal(what, "process 77 died: fatal error: concurrent map writes");
	assert_non_null(strstr(where, "main.writer by goroutine 9"));
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	crash_send(model, "concurrent map read and map write", 0xa0);
	look(model);
	assert_string_equal(what, "1 conflict; process 77 died: fatal error: concurrent map read "
	                          "and map write (the latest of 2 crashes)");
	assert_string_equal(where, "fatal in read at main.go:32 main.writer; the runtime does not "
	                           "name the other side");
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1002, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2003, 2));
	look(model);
	assert_non_null(strstr(where, "main.go:2 main.reader"));
	assert_non_null(strstr(where, "write at main.go:3 main.writer"));
	model_destroy(model);
}

static void test_what_does_not_fit_is_cut(void **state)
{
	struct model *model = model_new();

	(void)state;
	crash_send(model, "concurrent map writes", 0);
	crash_send(model, "concurrent map writes", 0);
	for (size_t size = 1; size < 100; size++) {
		found_what(model, what, size);
		found_where(model, where, size);
		assert_true(strlen(what) < size && strlen(where) < size);
	}
	model_destroy(model);
}

static void test_spare_folders(void **state)
{
	char path[4096], here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_true(spare_folder_path(SPARE_CURRENT, path, sizeof(path)));
	assert_string_equal(path, here);
	assert_false(spare_folder_path(SPARE_CURRENT, path, 2));
	assert_true(spare_folder_path(SPARE_TMP, path, sizeof(path)));
	assert_string_equal(path, "/tmp");
	setenv("TMPDIR", "/var/tmp", 1);
	assert_true(spare_folder_path(SPARE_TMPDIR, path, sizeof(path)));
	assert_string_equal(path, "/var/tmp");
	setenv("TMPDIR", "tmp", 1); /* relative: it would be the current folder again */
	assert_false(spare_folder_path(SPARE_TMPDIR, path, sizeof(path)));
	unsetenv("HOME");
	assert_false(spare_folder_path(SPARE_HOME, path, sizeof(path)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing),
	        cmocka_unit_test(test_conflict_and_pair),
	        cmocka_unit_test(test_crash),
	        cmocka_unit_test(test_what_does_not_fit_is_cut),
	        cmocka_unit_test(test_spare_folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
