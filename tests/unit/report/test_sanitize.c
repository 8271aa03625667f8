/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/sanitize.h"

static void expect(const char *text, const char *clean)
{
	char out[256];

	assert_int_equal(sanitize(text, out, sizeof(out)), strlen(clean));
	assert_string_equal(out, clean);
}

static void test_plain_text_stays(void **state)
{
	(void)state;
	expect("", "");
	expect("main.(*ledger).credit", "main.(*ledger).credit");
	expect("main.größe", "main.größe");
	expect("主.记账[...]", "主.记账[...]");
	expect("\xf0\x9f\x98\x80 ok", "\xf0\x9f\x98\x80 ok"); /* four bytes, U+1F600 */
}

static void test_controls_go(void **state)
{
	(void)state;
	expect("\x1b[2J\x1b]0;x\x07", "?[2J?]0;x?");
	expect("a\tb\nc\rd\x7f", "a?b?c?d?");
	expect("\xc2\x9b"
	       "31m",
	       "?31m"); /* U+009B, CSI in one character */
	expect("\xc2\xad", "?");
}

static void test_invisible_and_bidirectional_go(void **state)
{
	(void)state;
	expect("a\xe2\x80\x8b"
	       "b",
	       "a?b"); /* U+200B zero-width space */
	expect("\xe2\x80\xae"
	       "dlrow",
	       "?dlrow");            /* U+202E right-to-left override */
	expect("\xe2\x81\xa6", "?"); /* U+2066 */
	expect("\xd8\x9c", "?");     /* U+061C */
	expect("\xef\xbb\xbf", "?"); /* U+FEFF */
	expect("e\xcc\x81", "e?");   /* combining acute */
	expect("\xee\x80\x80", "?"); /* U+E000 private use */
	expect("\xf3\xb0\x80\x80", "?");
	expect("\xf3\xa0\x80\xa0", "?"); /* U+E0020 tag */
}

static void test_invalid_utf8_goes(void **state)
{
	(void)state;
	expect("\x80", "?");
	expect("\xff\xfe", "??");
	expect("\xc0\xaf", "??");           /* overlong slash */
	expect("\xe0\x80\xaf", "???");      /* overlong in three */
	expect("\xed\xa0\x80", "?");        /* surrogate: decodes, refused */
	expect("\xf4\x90\x80\x80", "????"); /* past U+10FFFF */
	expect("a\xe2\x82", "a??");         /* cut off at the end */
	expect("\xe2\x82x", "??x");
}

static void test_room_is_kept(void **state)
{
	char out[8];

	(void)state;
	memset(out, 'Z', sizeof(out));
	assert_int_equal(sanitize("abcdef", out, 4), 3);
	assert_string_equal(out, "abc");
	assert_int_equal(out[4], 'Z');
	/* A character is not cut in two. */
	assert_int_equal(sanitize("a\xe2\x82\xac", out, 4), 1);
	assert_string_equal(out, "a");
	assert_int_equal(sanitize("a\xe2\x82\xac", out, 5), 4);
	assert_int_equal(sanitize("abc", out, 1), 0);
	assert_string_equal(out, "");
}

static void test_any_bytes_come_out_harmless(void **state)
{
	char text[64];
	char out[64];
	char again[64];

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = (char)rand();
		text[sizeof(text) - 1] = '\0';
		size_t len = sanitize(text, out, sizeof(out));
		assert_int_equal(strlen(out), len);
		for (size_t i = 0; i < len; i++)
			assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
		/* What is clean stays as it is. */
		assert_int_equal(sanitize(out, again, sizeof(again)), len);
		assert_string_equal(out, again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_plain_text_stays),
	        cmocka_unit_test(test_controls_go),
	        cmocka_unit_test(test_invisible_and_bidirectional_go),
	        cmocka_unit_test(test_invalid_utf8_goes),
	        cmocka_unit_test(test_room_is_kept),
	        cmocka_unit_test(test_any_bytes_come_out_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
