/* SPDX-License-Identifier: MIT */
/* Which codes are keys, and which are parts of a sequence that curses does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/term/escape.h"

#define ESC       0x1b
#define KEY_KNOWN 0x102 /* a key of curses.h */

/* Feed codes that come at once, then nothing: the keys that come out, in out. */
static void keys_of(const int *codes, size_t count, int *out, size_t *keys)
{
	struct escape escape = {0};
	uint64_t now = 5 * ESCAPE_WAIT_NS;
	bool esc_first;

	*keys = 0;
	for (size_t i = 0; i < count; i++) {
		enum escape_answer answer = escape_take(&escape, codes[i], now + i, &esc_first);

		if (esc_first)
			out[(*keys)++] = ESC;
		if (answer == ESCAPE_IS_KEY)
			out[(*keys)++] = codes[i];
	}
	if (escape_is_over(&escape))
		out[(*keys)++] = ESC;
}

static void check(const char *sent, const char *wanted)
{
	int codes[64], out[64];
	size_t count = strlen(sent), keys;

	for (size_t i = 0; i < count; i++)
		codes[i] = (unsigned char)sent[i];
	keys_of(codes, count, out, &keys);
	assert_int_equal(keys, strlen(wanted));
	for (size_t i = 0; i < keys; i++)
		assert_int_equal(out[i], (unsigned char)wanted[i]);
}

static void keys_are_keys(void **state)
{
	(void)state;
	check("qr", "qr");
	check("\033", "\033");
	check("\033\033", "\033\033");
}

static void sequences_are_dropped_whole(void **state)
{
	(void)state;
	check("\033[I", "");
	check("\033[Ox", "x");
	check("\033[1;5Rr", "r");
	check("\033rq", "q");
	check("\033OIx", "x");
	check("\033O5Qx", "x");
	check("\033[[Ax", "x");
	check("\033]11;rgb:0/0\ax", "x");
	check("\033P1$r0q\033\\x", "x");
	check("\033[12\033[Ix", "x");
}

static void a_known_key_behind_esc(void **state)
{
	const int codes[] = {ESC, KEY_KNOWN, ESC, '[', KEY_KNOWN, 'x'};
	const int wanted[] = {ESC, KEY_KNOWN, KEY_KNOWN, 'x'};
	int out[16];
	size_t keys;

	(void)state;
	keys_of(codes, 6, out, &keys);
	assert_int_equal(keys, 4);
	assert_memory_equal(out, wanted, sizeof(wanted));
}

static void what_comes_late_is_a_key(void **state)
{
	struct escape escape = {0};
	uint64_t now = 5 * ESCAPE_WAIT_NS;
	bool esc_first;

	(void)state;
	assert_int_equal(escape_take(&escape, ESC, now, &esc_first), ESCAPE_IS_PENDING);
	assert_int_equal(escape_take(&escape, '[', now, &esc_first), ESCAPE_IS_PART);
	assert_false(escape_is_over(&escape));
	now += 2 * ESCAPE_WAIT_NS;
	assert_int_equal(escape_take(&escape, 'q', now, &esc_first), ESCAPE_IS_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keys_are_keys),
	        cmocka_unit_test(sequences_are_dropped_whole),
	        cmocka_unit_test(a_known_key_behind_esc),
	        cmocka_unit_test(what_comes_late_is_a_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
