/* SPDX-License-Identifier: MIT */
/* The table of keys: every key of it exists, none means two things, and the manual lists all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/term/keymap.h"

typedef void key_fn(enum action action, const char *name, size_t length);

static void each_key(key_fn *fn)
{
	for (int action = 0; action < ACTION_COUNT; action++) {
		const char *p = keymap_entry((enum action)action)->keys;

		assert_true(*p);
		for (size_t n; (n = strcspn(p, " ")) != 0; p += n, p += strspn(p, " "))
			fn((enum action)action, p, n);
	}
}

static void check_key(enum action action, const char *name, size_t length)
{
	int code = keymap_code(name, length);

	if (code < 0)
		fail_msg("no such key: %.*s", (int)length, name);
	if (keymap_action(code) != action)
		fail_msg("%.*s means %s, should mean %s", (int)length, name,
		         keymap_action(code) == ACTION_NONE
		                 ? "nothing"
		                 : keymap_entry(keymap_action(code))->name,
		         keymap_entry(action)->name);
}

static void every_key_means_what_the_table_says(void **state)
{
	(void)state;
	each_key(check_key);
}

static void check_named_key_is_no_letter(enum action action, const char *name, size_t length)
{
	(void)action;
	if (length > 1)
		assert_int_not_equal(keymap_code(name, length), (unsigned char)name[0]);
}

static void names_are_not_taken_for_letters(void **state)
{
	(void)state;
	each_key(check_named_key_is_no_letter);
	assert_int_equal(keymap_code("Hyper", 5), -1);
	assert_int_equal(keymap_action('Z'), ACTION_NONE);
	assert_int_equal(keymap_action(-1), ACTION_NONE);
	assert_null(keymap_entry(ACTION_NONE));
}

static void keys_of_terminals_that_differ(void **state)
{
	(void)state;
	assert_int_equal(keymap_action('\n'), ACTION_OPEN);
	assert_int_equal(keymap_action('\r'), ACTION_OPEN);
	assert_int_equal(keymap_action('\b'), ACTION_BACK);
	assert_int_equal(keymap_action(0x7f), ACTION_BACK);
}

static void keys_mean_something_in_some_views(void **state)
{
	(void)state;
	assert_true(keymap_is_for(ACTION_SORT, VIEW_OVERVIEW));
	assert_false(keymap_is_for(ACTION_SORT, VIEW_MAP));
	assert_true(keymap_is_for(ACTION_FILTER, VIEW_TREE));
	assert_true(keymap_is_for(ACTION_OPEN, VIEW_SETUP));
	assert_false(keymap_is_for(ACTION_OPEN, VIEW_MESSAGES));
	assert_true(keymap_is_for(ACTION_COPY, VIEW_TREE));
	assert_false(keymap_is_for(ACTION_COPY, VIEW_SETUP));
	assert_false(keymap_is_for(ACTION_NONE, VIEW_OVERVIEW));
	for (int view = 0; view < VIEW_COUNT; view++)
		assert_true(keymap_is_for(ACTION_QUIT, (enum view_id)view));
}

static void the_manual_lists_every_action(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	assert_int_equal(keymap_write_manual(out), 0);
	fclose(out);
	for (int action = 0; action < ACTION_COUNT; action++) {
		const struct keymap_entry *entry = keymap_entry((enum action)action);

		if (!strpbrk(entry->keys, "\\-")) /* those are escaped there */
			assert_non_null(strstr(text, entry->keys));
		assert_non_null(strstr(text, entry->help));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_key_means_what_the_table_says),
	        cmocka_unit_test(names_are_not_taken_for_letters),
	        cmocka_unit_test(keys_of_terminals_that_differ),
	        cmocka_unit_test(keys_mean_something_in_some_views),
	        cmocka_unit_test(the_manual_lists_every_action),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
