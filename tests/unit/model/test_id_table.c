/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/id_table.h"

#define KEYS 3000

static struct id_key key_of(size_t i)
{
	/* Few different words, so that keys differ in one of them only. */
	return (struct id_key){i % 13, i / 13 % 17, i / (size_t)(13 * 17)};
}

/* Against an array: add, replace and remove at random, look everything up all the time. */
static void test_against_array(void **state)
{
	static void *expected[KEYS];
	static int values[64];
	struct id_table table = {0};
	size_t count = 0;

	(void)state;
	srandom(7);
	for (int round = 0; round < 60000; round++) {
		size_t i = (size_t)random() % KEYS;

		if (random() % 5 < 2) {
			assert_ptr_equal(id_table_remove(&table, key_of(i)), expected[i]);
			count -= expected[i] != NULL;
			expected[i] = NULL;
		} else {
			count += expected[i] == NULL;
			expected[i] = &values[random() % 64];
			assert_int_equal(id_table_put(&table, key_of(i), expected[i]), 0);
		}
		assert_int_equal(table.count, count);
		for (int look = 0; look < 4; look++) {
			i = (size_t)random() % KEYS;
			assert_ptr_equal(id_table_get(&table, key_of(i)), expected[i]);
		}
	}
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(id_table_get(&table, key_of(i)), expected[i]);
	id_table_clear(&table);
}

static void test_next(void **state)
{
	static int values[500];
	struct id_table table = {0};
	size_t position = 0;
	int *value;

	(void)state;
	assert_null(id_table_next(&table, &position));
	assert_null(id_table_get(&table, key_of(1)));
	assert_null(id_table_remove(&table, key_of(1)));
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(id_table_put(&table, key_of(i), &values[i]), 0);
	while ((value = id_table_next(&table, &position)))
		++*value;
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(values[i], 1);
	id_table_clear(&table);
	assert_null(id_table_get(&table, key_of(1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_against_array),
	        cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
