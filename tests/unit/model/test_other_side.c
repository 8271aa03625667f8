/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/event/event.h"
#include "core/model/other_side.h"

#define NOT_NAMED "the runtime does not name the other side"

static struct frame at(const char *function, int line)
{
	return (struct frame){.function = function, .file = "/src/cache/main.go", .line = line};
}

static const char *said(struct chain_row *chains, size_t count)
{
	static char text[OTHER_SIDE_MAX];
	struct map_row map = {.chains = chains, .chain_count = count};
	struct conflict_row fatal = {.map = &map, .evidence = EVIDENCE_FATAL};

	return other_side_text(&fatal, text);
}

static void test_nothing_is_known(void **state)
{
	const struct frame get = at("main.get", 7);
	struct chain_row read = {.chain = &get, .chain_length = 1, .op = OP_READ, .count = 9};
	struct conflict_row no_map = {.evidence = EVIDENCE_FATAL};
	char text[OTHER_SIDE_MAX];

	(void)state;
	assert_string_equal(other_side_text(&no_map, text), NOT_NAMED);
	assert_string_equal(said(&read, 1), NOT_NAMED);
}

static void test_the_only_line(void **state)
{
	const struct frame get = at("main.get", 7), put = at("main.(*cache).refresh", 13);
	struct chain_row chains[] = {
	        {.chain = &get, .chain_length = 1, .op = OP_READ, .count = 9},
	        {.chain = &put, .chain_length = 1, .op = OP_WRITE, .count = 1},
	};

	(void)state;
	assert_string_equal(said(chains, 2),
	                    NOT_NAMED ", which was not caught in the act; the only line that was "
	                              "seen to change this map is main.(*cache).refresh main.go:13 "
	                              "(write, seen 1 time)");
}

static void test_the_most_frequent_first(void **state)
{
	const struct frame lines[] = {at("main.a", 1), at("main.b", 2), at("main.c", 3),
	                              at("main.d", 4), at("main.e", 5)};
	struct chain_row chains[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		chains[i] = (struct chain_row){.chain = &lines[i],
		                               .chain_length = 1,
		                               .op = OP_DELETE,
		                               .count = (i * 2) % 5 + 1};
	/* Counts 1, 3, 5, 2, 4. */
	assert_non_null(strstr(said(chains, 5),
	                       "are main.c main.go:3 (delete, seen 5 times), main.e main.go:5 "
	                       "(delete, seen 4 times), main.b main.go:2 (delete, seen 3 times), "
	                       "and 2 more"));
}

/* A name that does not fit is left out, not cut. */
static void test_names_without_end(void **state)
{
	char name[2 * OTHER_SIDE_MAX];
	struct frame frame = {.function = name, .file = "main.go", .line = 1};
	struct chain_row chain = {.chain = &frame, .chain_length = 1, .op = OP_WRITE, .count = 1};

	(void)state;
	for (size_t length = 1; length < sizeof(name); length++) {
		memset(name, 'x', length);
		name[length] = '\0';
		assert_true(!strcmp(said(&chain, 1), NOT_NAMED) ||
		            strstr(said(&chain, 1), "main.go:1 (write, seen 1 time)"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing_is_known),
	        cmocka_unit_test(test_the_only_line),
	        cmocka_unit_test(test_the_most_frequent_first),
	        cmocka_unit_test(test_names_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
