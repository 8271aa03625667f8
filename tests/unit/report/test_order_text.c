/* SPDX-License-Identifier: MIT */
/* How accesses are ordered, in words: nothing is said that is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/report/order_text.h"

static char text[128];

static void test_pairs(void **state)
{
	static const struct {
		struct pair_counts counts;
		const char *words;
	} cases[] = {
	        {{0}, ""},
	        {{.pairs = 1, .ordered = 1}, "1: 1 ordered otherwise, 0 unordered"},
	        {{.pairs = 1300, .under_lock = 1000, .ordered = 200, .unknown = 4, .unordered = 31},
	         "1,300: 1,000 under one lock, 200 ordered otherwise, 4 unknown, 31 unordered, "
	         "65 not decided yet"},
	        {{.unordered = 2}, "2: 2 unordered"}, /* told before the counts */
	        {{.pairs = 1234567, .under_lock = 1234567},
	         "1,234,567: 1,234,567 under one lock, 0 unordered"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		order_pairs_text(&cases[i].counts, text, sizeof(text));
		assert_string_equal(text, cases[i].words);
	}
	order_pairs_text(&cases[2].counts, text, 9);
	assert_string_equal(text, "1,300: 1");
}

static void test_guard(void **state)
{
	const struct frame line = {
	        .function = "main.(*ledger).credit", .file = "/src/ledger.go", .line = 88};
	const struct {
		struct map_guard guard;
		const char *words, *bare;
	} cases[] = {
	        {{0}, "", ""},
	        {{.accesses = GUARD_KNOWN - 1, .lock = 0xc0}, "", ""},
	        {{.accesses = GUARD_KNOWN}, "none is common to the 32 accesses seen", ""},
	        {{.accesses = 1204, .lock = 0xc0},
	         "always: 1,204 of 1,204 accesses seen were under 0xc0",
	         ""},
	        {{.accesses = 1204,
	          .bare = 4,
	          .lock = 0xc0,
	          .taken = line,
	          .bare_at = {.pc = 0x40}},
	         "1,200 of 1,204 accesses seen were under 0xc0, taken at ledger.go:88 "
	         "main.(*ledger).credit",
	         "last at 0x40"},
	        {{.accesses = 99, .bare = 1, .lock = 0xc0, .bare_at = line},
	         "98 of 99 accesses seen were under 0xc0",
	         "last at ledger.go:88 main.(*ledger).credit"},
	        {{.accesses = 40, .lock = 0xc0, .kinds = ORDER_TAKEN_RWMUTEX, .name = "main.mu"},
	         "always: 40 of 40 accesses seen were under RWMutex main.mu at 0xc0",
	         ""},
	        {{.accesses = 40, .lock = 0xc0, .kinds = ORDER_TAKEN_MUTEX},
	         "always: 40 of 40 accesses seen were under Mutex 0xc0",
	         ""},
	        {{.accesses = 40, .lock = 0xc0, .kinds = ORDER_TAKEN_MUTEX | ORDER_TAKEN_RWMUTEX},
	         "always: 40 of 40 accesses seen were under 0xc0",
	         ""},
	        {{.accesses = 99, .bare = 100, .lock = 0xc0}, "", ""}, /* no such thing */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		order_guard_text(&cases[i].guard, text, sizeof(text));
		assert_string_equal(text, cases[i].words);
		order_bare_text(&cases[i].guard, text, sizeof(text));
		assert_string_equal(text, cases[i].bare);
	}
}

static void test_how(void **state)
{
	struct pair_counts order = {.how = {[ORDER_BY_CHANNEL] = 1066, [ORDER_BY_ATOMICS] = 4}};

	(void)state;
	order_how_text(&order, text, sizeof(text));
	assert_string_equal(text, "1,066 by channel, 4 unknown for atomics");
	order.how[ORDER_BY_OTHER] = 2;
	order_how_text(&order, text, sizeof(text));
	assert_string_equal(text, "1,066 by channel, 4 unknown for atomics, 2 in other ways");
	order_how_text(&(struct pair_counts){0}, text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pairs),
	        cmocka_unit_test(test_guard),
	        cmocka_unit_test(test_how),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
