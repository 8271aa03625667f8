/* SPDX-License-Identifier: MIT */
/* json_writer: what it writes is what a JSON library writes for the same values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json_writer.h"

#define LIKE (JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9))

struct text {
	FILE *out;
	struct json_writer *writer;
	char *bytes;
	size_t size;
};

static struct json_writer *text_begin(struct text *text)
{
	text->out = open_memstream(&text->bytes, &text->size);
	assert_non_null(text->out);
	assert_int_equal(json_writer_create(text->out, &text->writer), 0);
	return text->writer;
}

/* The caller frees it. */
static char *text_end(struct text *text)
{
	assert_int_equal(json_writer_finish(text->writer), 0);
	json_writer_destroy(text->writer);
	fclose(text->out);
	return text->bytes;
}

/* Read by the library and written again it is the same text. Frees it. */
static void assert_like_library(char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	char *again;

	if (!value)
		fail_msg("%s at %d: %s", error.text, error.position, text);
	again = json_dumps(value, LIKE);
	assert_int_equal(text[strlen(text) - 1], '\n');
	text[strlen(text) - 1] = '\0';
	assert_string_equal(text, again);
	free(again);
	free(text);
	json_decref(value);
}

static void test_form(void **state)
{
	static const double reals[] = {0,    1,     -1.5,   0.1, 1e300, 1e-300, 123456789012.0,
	                               1e-5, 3.1e9, 1.0 / 3};
	static const int64_t integers[] = {0, 1, -1, 10, INT64_MAX, INT64_MIN};
	struct text text;
	struct json_writer *w = text_begin(&text);

	(void)state;
	json_begin_object(w, NULL);
	json_begin_list(w, "reals");
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
		json_put_real(w, NULL, reals[i]);
	json_put_real(w, NULL, NAN);
	json_put_real(w, NULL, INFINITY);
	json_end_list(w);
	json_begin_list(w, "integers");
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++)
		json_put_integer(w, NULL, integers[i]);
	json_end_list(w);
	json_begin_list(w, "empty");
	json_end_list(w);
	json_begin_object(w, "nothing");
	json_end_object(w);
	json_begin_list(w, "lists");
	json_begin_list(w, NULL);
	json_put_bool(w, NULL, true);
	json_end_list(w);
	json_begin_object(w, NULL);
	json_put_bool(w, "no", false);
	json_put_null(w, "unknown");
	json_put_text(w, "none", NULL);
	json_end_object(w);
	json_end_list(w);
	json_end_object(w);
	assert_like_library(text_end(&text));
}

static void test_empty(void **state)
{
	struct text text;
	struct json_writer *w = text_begin(&text);
	char *bytes;

	(void)state;
	json_begin_object(w, NULL);
	json_end_object(w);
	bytes = text_end(&text);
	assert_string_equal(bytes, "{}\n");
	free(bytes);
}

static void test_strings(void **state)
{
	struct text text;
	struct json_writer *w = text_begin(&text);
	char all[256];

	(void)state;
	for (int i = 0; i < 127; i++)
		all[i] = (char)i;
	all[127] = '\0';
	json_begin_list(w, NULL);
	json_put_bytes(w, NULL, all + 1, 126);
	json_put_bytes(w, NULL, "", 0);
	json_put_text(w, NULL, "map[\"k\\\"]\xc3\xa9 \xe6\xb2\xb3 \xf0\x9f\x90\xb9");
	json_end_list(w);
	assert_like_library(text_end(&text));
}

/* What a terminal acts on is escaped: delete, C1, bidirectional and invisible characters, tags. */
static void test_terminal(void **state)
{
	static const char name[] = "a\x7f\xc2\x9b\xe2\x80\xae\xe2\x81\xa7\xf3\xa0\x81\x81z";
	struct text text;
	struct json_writer *w = text_begin(&text);
	json_t *list;
	char *bytes;

	(void)state;
	json_begin_list(w, NULL);
	json_put_text(w, NULL, name);
	json_end_list(w);
	bytes = text_end(&text);
	assert_string_equal(bytes, "[\n \"a\\u007F\\u009B\\u202E\\u2067\\uDB40\\uDC41z\"\n]\n");
	list = json_loads(bytes, 0, NULL);
	assert_string_equal(json_string_value(json_array_get(list, 0)), name);
	json_decref(list);
	free(bytes);
}

/* What is no UTF-8 is replaced byte by byte: overlong, a surrogate, above the last, cut off. */
static void test_repair(void **state)
{
	static const struct {
		const char *bytes;
		int replaced;
	} cases[] = {{"\xff", 1},
	             {"\xc0\x80", 2},
	             {"\xed\xa0\x80", 3},
	             {"\xf4\x90\x80\x80", 4},
	             {"\xe6\xb2", 2},
	             {"\x80", 1},
	             {"\xf8\x88\x80\x80\x80", 5}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text text;
		struct json_writer *w = text_begin(&text);
		static const char marks[] = "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		                            "\xef\xbf\xbd\xef\xbf\xbd";
		char expected[64], name[16];
		char *bytes;

		snprintf(expected, sizeof(expected), "[\n \"a%.*s\"\n]\n", 3 * cases[i].replaced,
		         marks);
		snprintf(name, sizeof(name), "a%s", cases[i].bytes);
		json_begin_list(w, NULL);
		json_put_text(w, NULL, name);
		json_end_list(w);
		bytes = text_end(&text);
		assert_string_equal(bytes, expected);
		assert_like_library(bytes);
	}
}

/* Much more than the writer holds at once, cut at every place. */
static void test_long(void **state)
{
	struct text text;
	struct json_writer *w = text_begin(&text);
	char *long_text = malloc(200001);

	(void)state;
	assert_non_null(long_text);
	memset(long_text, 'x', 200000);
	long_text[200000] = '\0';
	json_begin_list(w, NULL);
	json_put_text(w, NULL, long_text);
	for (int i = 0; i < 30000; i++) {
		json_put_integer(w, NULL, i);
		json_put_text(w, NULL, "\t\xc3\xa9");
	}
	json_end_list(w);
	assert_like_library(text_end(&text));
	free(long_text);
}

/* The first failure is said, and the writer goes on being usable. */
static void test_stream_fails(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct json_writer *w;

	(void)state;
	assert_non_null(out);
	setvbuf(out, NULL, _IONBF, 0);
	assert_int_equal(json_writer_create(out, &w), 0);
	json_begin_list(w, NULL);
	for (int i = 0; i < 100000; i++)
		json_put_text(w, NULL, "more");
	json_end_list(w);
	assert_int_equal(json_writer_finish(w), -ENOSPC);
	json_writer_destroy(w);
	json_writer_destroy(NULL);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_form),         cmocka_unit_test(test_empty),
	        cmocka_unit_test(test_strings),      cmocka_unit_test(test_repair),
	        cmocka_unit_test(test_terminal),     cmocka_unit_test(test_long),
	        cmocka_unit_test(test_stream_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
