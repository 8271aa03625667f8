/* SPDX-License-Identifier: MIT */
/* Text that fits: whatever the name and the width, what comes out has at most that many columns and
 * is valid UTF-8 without a control character. And the figures beside it. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/term/heat_scale.h"
#include "tui/term/text.h"
#include "tui/widget/column.h"
#include "tui/widget/list.h"
#include "tui/words/format.h"

static const char *fit(const char *text, int width)
{
	static char out[TEXT_MAX];

	text_fit(text, width, TEXT_NAME, out, sizeof(out));
	return out;
}

static void short_text_stays(void **state)
{
	(void)state;
	assert_string_equal(fit("main.credit", 11), "main.credit");
	assert_string_equal(fit("main.credit", 80), "main.credit");
	assert_string_equal(fit("", 5), "");
	assert_string_equal(fit(NULL, 5), "");
	assert_string_equal(fit("abc", 0), "");
	assert_string_equal(fit("abc", -3), "");
}

static void long_text_keeps_both_ends(void **state)
{
	char out[TEXT_MAX];

	(void)state;
	assert_string_equal(fit("main.(*ledger).credit", 11), "main\xe2\x80\xa6"
	                                                      "credit");
	assert_string_equal(fit("abcdef", 1), "\xe2\x80\xa6");
	assert_int_equal(text_fit("abcdef", 4, TEXT_SENTENCE, out, sizeof(out)), 4);
	assert_string_equal(out, "abc\xe2\x80\xa6");
}

#define MARK "\xe2\x80\xa6"

static void every_kind_is_shortened_its_own_way(void **state)
{
	static const struct {
		enum text_kind kind;
		int width;
		const char *text, *shown;
	} cases[] = {
	        {TEXT_WHOLE, 5, "12345", "12345"},
	        {TEXT_WHOLE, 4, "12345", ""},
	        {TEXT_PLACE, 12, "idempotency.go:205", "idempot" MARK ":205"},
	        {TEXT_PLACE, 5, "tables.go:129", MARK ":129"},
	        {TEXT_PLACE, 4, "tables.go:129", ""},
	        {TEXT_PLACE, 16, "/src/ledgerd/ledger.go:129", "/" MARK "/ledger.go:129"},
	        {TEXT_PLACE, 8, "0xc000123456", ""},
	        {TEXT_FUNCTION, 20, "store.(*Accounts).Credit", "s" MARK "(*Accounts).Credit"},
	        {TEXT_FUNCTION, 18, "store.(*Accounts).Credit", "store.(*Acc" MARK "Credit"},
	        {TEXT_FUNCTION, 10, "store.(*Accounts).Credit", "sto" MARK "Credit"},
	        {TEXT_FUNCTION, 7, "store.(*Accounts).Credit", MARK "Credit"},
	        {TEXT_FUNCTION, 7, "main.func12", MARK "func12"},
	        {TEXT_SENTENCE, 15, "Seen 78 times in 9 s", "Seen 78 times" MARK},
	        {TEXT_SENTENCE, 12, "Seen 78 times in 9 s", "Seen 78 " MARK},
	        {TEXT_SENTENCE, 8, "Seen 78 times in 9 s", "Seen" MARK},
	        {TEXT_NAME, 17, "map[uint64]*main.Account", "map[" MARK "main.Account"},
	        {TEXT_SITE, 20, "ledger.go:12 main.(*ledger).credit",
	         "ledger" MARK ":12 ma" MARK "credit"},
	};
	char out[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_fit(cases[i].text, cases[i].width, cases[i].kind, out, sizeof(out));
		assert_string_equal(out, cases[i].shown);
	}
}

static void no_kind_cuts_a_digit(void **state)
{
	static const char *const texts[] = {"m12345 of 678 maps, 1.2k/s (3.5%), ~.4M in 12345 us",
	                                    "map[uint64]*x2.T3", "/a/b2/tables12.go:12905",
	                                    "a/v2.(*T1[int64]).func12.3", "f1.go:129 p.(*X9).y8"};
	char out[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (int kind = 0; kind < TEXT_KINDS; kind++)
			for (int width = 0; width < 60; width++) {
				const char *mark;

				text_fit(texts[i], width, (enum text_kind)kind, out, sizeof(out));
				for (mark = out; (mark = strstr(mark, MARK));
				     mark += strlen(MARK)) {
					char behind = mark[strlen(MARK)];

					assert_true(mark == out || mark[-1] < '0' ||
					            mark[-1] > '9');
					assert_true(behind < '0' || behind > '9');
				}
			}
}

static void wide_characters_take_two_columns(void **state)
{
	const char *kanji = "\xe5\x9c\xb0\xe5\x9b\xb3\xe5\x9c\xb0\xe5\x9b\xb3"; /* 4 of them */

	(void)state;
	assert_int_equal(text_width(kanji), 8);
	for (int width = 0; width < 10; width++) {
		int columns = text_width(fit(kanji, width));

		assert_in_range(columns, width > 2 ? width - 2 : 0, width);
	}
}

static void ascii_terminals_get_ascii(void **state)
{
	(void)state;
	text_set_utf8(false);
	assert_string_equal(fit("caf\xc3\xa9", 8), "caf?");
	assert_string_equal(fit("main.(*ledger).credit", 11), "mai..credit");
	text_set_utf8(true);
}

/* No byte that a terminal would act on; every sequence whole. */
static void assert_harmless(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		int length = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

		assert_true(*p >= 0x20 && *p != 0x7f && (*p < 0x80 || *p >= 0xc2));
		for (int i = 1; i < length; i++)
			assert_int_equal(p[i] & 0xc0, 0x80);
		p += length;
	}
}

static void random_bytes_do_no_harm(void **state)
{
	char text[4096 + 1], out[TEXT_MAX];

	(void)state;
	srand(7);
	for (int round = 0; round < 20000; round++) {
		int length = round % 50 ? rand() % 60 : rand() % 4096;
		int width = rand() % 90;
		int used;

		for (int i = 0; i < length; i++)
			text[i] = (char)(rand() % 3 ? 0x20 + rand() % 0x5f : 1 + rand() % 255);
		text[length] = '\0';
		used = text_fit(text, width, (enum text_kind)(rand() % TEXT_KINDS), out,
		                sizeof(out));
		assert_in_range(used, 0, width);
		assert_int_equal(used, text_width(out));
		assert_harmless(out);
	}
}

static void names_of_any_length(void **state)
{
	size_t size = 1 << 20;
	char *name = malloc(size);

	(void)state;
	assert_non_null(name);
	memset(name, 'x', size - 1);
	name[size - 1] = '\0';
	name[4] = '.';
	name[size - 5] = '.';
	assert_string_equal(fit(name, 11), "xxxx\xe2\x80\xa6xx.xxx");
	free(name);
}

static void lines_break_at_blanks(void **state)
{
	const char *text = "no conflict seen yet";
	size_t skip;

	(void)state;
	assert_int_equal(text_wrap(text, 11, &skip), 11);
	assert_int_equal(skip, 12);
	assert_int_equal(text_wrap(text, 10, &skip), 2);
	assert_int_equal(skip, 3);
	assert_int_equal(text_wrap("conflicting", 4, &skip), 4); /* nothing to break at */
	assert_int_equal(skip, 4);
	assert_int_equal(text_wrap("", 4, &skip), 0);
	assert_int_equal(text_wrap("at 30 % now", 5, &skip), 2); /* a number stays with its % */
	assert_int_equal(text_wrap("x", 0, &skip), 0);
}

/* ---- figures ----------------------------------------------------------------------------------
 */

static void figures_fit_their_columns(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} counts[] = {{0, "0"},         {999, "999"},        {1000, "1.0k"},
	              {9949, "9.9k"},   {9960, "10k"},       {999499, "999k"},
	              {999500, "1.0M"}, {123456789, "123M"}, {UINT64_MAX, "18E"}};
	char out[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		assert_string_equal(format_count(counts[i].count, out), counts[i].text);
	for (int step = 0; step < 500; step++)
		assert_in_range(strlen(format_rate(0.001 * pow(1.07, step), out)), 1, 4);
	assert_string_equal(format_rate(0.001, out), "<.01");
	assert_string_equal(format_rate_estimated(9950, out), "~10k");
	assert_string_equal(format_rate_estimated(8700, out), "~9k");
	assert_string_equal(format_rate_estimated(0.58, out), "~0.6");
	assert_string_equal(format_rate_estimated(374, out), "~374");
	assert_string_equal(format_rate_estimated(0, out), "0");
	assert_string_equal(format_rate_estimated(374000, out), "~.4M");
	assert_string_equal(format_rate_estimated(999000, out), "~1M");
	for (double rate = 0.001; rate < 9e11; rate *= 1.07)
		assert_in_range(strlen(format_rate_estimated(rate, out)), 1, 4);
	assert_string_equal(format_rate(0.25, out), "0.25");
	assert_string_equal(format_percent(0.0004, out), "<0.1%");
	assert_string_equal(format_percent(0.011, out), "1.1%");
	assert_string_equal(format_percent(0, out), "0%");
}

static void times_read_well(void **state)
{
	const uint64_t s = 1000000000;
	char out[FORMAT_MAX];

	(void)state;
	assert_string_equal(format_duration(999999000, out), "1.0s");
	assert_string_equal(format_duration(37000, out), "37us");
	assert_string_equal(format_duration(312400, out), "312us");
	assert_string_equal(format_duration(0, out), "0ns");
	assert_string_equal(format_age(100 * s, 99 * s + 1, out), "1s");
	assert_string_equal(format_age(100 * s, 200 * s, out), "0s");
	assert_string_equal(format_age(7200 * s, 0, out), "2h");
	assert_string_equal(format_age(119 * s, 0, out), "119s");
}

static void functions_lose_only_their_folders(void **state)
{
	static const struct {
		const char *name, *text;
	} names[] = {
	        {"main.main", "main.main"},
	        {"github.com/acme/store.(*Accounts).Credit", "store.(*Accounts).Credit"},
	        {"a/b.Map[go.shape.struct { a/c.K }].Get", "b.Map[go.shape.struct { a/c.K }].Get"},
	        {"a/b.(*T[x/y.Z]).M", "b.(*T[x/y.Z]).M"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct frame frame = {.function = names[i].name};

		assert_string_equal(format_function(&frame, out, sizeof(out)), names[i].text);
	}
}

static void frames_without_names_have_an_address(void **state)
{
	struct frame frame = {.pc = 0x40f784};
	char out[64];

	(void)state;
	assert_string_equal(format_function(&frame, out, sizeof(out)), "0x40f784");
	assert_string_equal(format_line(&frame, out, sizeof(out)), "0x40f784");
	frame.file = "/src/ledger.go";
	frame.line = 12;
	assert_string_equal(format_line(&frame, out, sizeof(out)), "ledger.go:12");
	assert_string_equal(format_path(&frame, out, sizeof(out)), "/src/ledger.go:12");
}

static void types_lose_their_packages(void **state)
{
	static const char *const types[][2] = {
	        {"map[string]*io_prometheus_client.MetricFamily", "map[string]*MetricFamily"},
	        {"map[context.canceler]struct {}", "map[canceler]{}"},
	        {"textproto.MIMEHeader", "MIMEHeader"},
	        {"map[interface {}]func(...interface {}) error", "map[any]func(...any) error"},
	        {"map[string]<-chan time.Time", "map[string]<-chan Time"},
	        {"map[xx.Key[go.etcd.io/etcd/v3.A,int]][4]uint8", "map[Key[A,int]][4]uint8"},
	        {"map[struct { a int; b pkg.T }]struct { x int }",
	         "map[struct { a int; b T }]struct { x int }"},
	        {"map[uint64]main.\xc3\x84rger", "map[uint64]\xc3\x84rger"},
	        {"", ""},
	};
	char out[64], cut[9];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_string_equal(format_type(types[i][0], out, sizeof(out)), types[i][1]);
	assert_string_equal(format_type("map[main.Key]main.Value", cut, sizeof(cut)), "map[Key]");
}

static void heat_rises_by_half_decades(void **state)
{
	int last = 1;

	(void)state;
	assert_int_equal(heat_level(0, 0), 0);
	assert_int_equal(heat_level(0, 1), 1); /* seen once, none lately: still there */
	assert_int_equal(heat_level(1.01, 1), 5);
	assert_int_equal(heat_level(1e9, 1), 9);
	for (int step = 0; step < 1600; step++) {
		int level = heat_level(0.001 * pow(1.01, step), 1);

		assert_in_range(level - last, 0, 1);
		last = level;
	}
	assert_int_equal(last, 9);
}

/* ---- columns and lists --------------------------------------------------------------- */

static void least_important_columns_go_first(void **state)
{
	static const struct column columns[] = {
	        {"name", 10, 1, 100, false, NULL, NULL, NULL, false, TEXT_NAME},
	        {"a", 4, 0, 10, true, NULL, NULL, NULL, false, TEXT_WHOLE},
	        {"b", 4, 0, 20, true, NULL, NULL, NULL, false, TEXT_WHOLE},
	};
	int widths[COLUMNS_MAX];

	(void)state;
	columns_fit(columns, 3, 0, NULL, 20, widths);
	assert_true(widths[0] == 10 && widths[1] == 4 && widths[2] == 4);
	columns_fit(columns, 3, 0, NULL, 30, widths);
	assert_int_equal(widths[0], 20);
	columns_fit(columns, 3, 0, NULL, 19, widths);
	assert_true(widths[0] == 14 && widths[1] == 0 && widths[2] == 4);
	columns_fit(columns, 3, 0, NULL, 6, widths);
	assert_true(widths[0] == 6 && widths[1] == 0 && widths[2] == 0);
}

static void columns_are_as_wide_as_their_numbers(void **state)
{
	static const struct column columns[] = {
	        {"id", 4, 0, 100, true, NULL, NULL, NULL, false, TEXT_WHOLE},
	        {"at", 8, 1, 50, false, NULL, NULL, NULL, false, TEXT_PLACE},
	        {"in", 8, 1, 20, false, NULL, NULL, NULL, false, TEXT_FUNCTION},
	};
	const struct column_need needs[] = {{11, 11, false}, {9, 20, false}, {0, 0, false}};
	int widths[COLUMNS_MAX];

	(void)state;
	columns_fit(columns, 3, 0, needs, 30, widths);
	assert_true(widths[0] == 11 && widths[1] == 9 && widths[2] == 8);
	columns_fit(columns, 3, 0, needs, 45, widths);
	assert_true(widths[0] == 11 && widths[1] == 22 && widths[2] == 10);
	columns_fit(columns, 3, 0, needs, 29, widths);
	assert_true(widths[0] == 11 && widths[1] == 17 && widths[2] == 0);
	columns_fit(columns, 3, 0, needs, 20, widths);
	assert_true(widths[0] == 11 && widths[1] == 0);
}

/* A column that says nothing in any row makes room for a less important one that does, and is shown
 * again where all others stand in full. */
static void idle_columns_go_before_less_important_ones(void **state)
{
	static const struct column columns[] = {
	        {"id", 4, 0, 100, true, NULL, NULL, NULL, false, TEXT_WHOLE},
	        {"confl", 5, 0, 90, true, NULL, NULL, NULL, false, TEXT_WHOLE},
	        {"at", 8, 0, 50, false, NULL, NULL, NULL, false, TEXT_PLACE},
	};
	const struct column_need needs[] = {{4, 4, false}, {0, 0, true}, {8, 12, false}};
	int widths[COLUMNS_MAX];

	(void)state;
	columns_fit(columns, 3, 0, needs, 14, widths);
	assert_true(widths[0] == 4 && widths[1] == 0 && widths[2] == 9);
	columns_fit(columns, 3, 0, needs, 22, widths);
	assert_true(widths[1] == 0 && widths[2] == 12);
	columns_fit(columns, 3, 0, needs, 23, widths);
	assert_true(widths[1] == 5 && widths[2] == 12);
}

static uint64_t number_at(const void *ctx, size_t index)
{
	return ((const uint64_t *)ctx)[index];
}

static void selection_follows_its_row(void **state)
{
	const uint64_t first[] = {7, 8, 9}, later[] = {9, 7, 8}, without[] = {9, 7};
	struct list list = {0};

	(void)state;
	list_sync(&list, 3, number_at, first);
	assert_int_equal(list.key, 7);
	list_sync(&list, 3, number_at, later); /* nobody has moved it: the first row */
	assert_int_equal(list.key, 9);
	assert_true(list_act(&list, ACTION_END));
	list.key = later[list.selected];
	list_sync(&list, 3, number_at, first);
	assert_int_equal(list.selected, 1);
	list_sync(&list, 2, number_at, without); /* its row is gone */
	assert_in_range(list.selected, 0, 1);
	list_sync(&list, 0, number_at, without);
	assert_true(list_act(&list, ACTION_DOWN));
	assert_int_equal(list.selected, 0);
	assert_false(list_act(&list, ACTION_QUIT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(short_text_stays),
	        cmocka_unit_test(long_text_keeps_both_ends),
	        cmocka_unit_test(wide_characters_take_two_columns),
	        cmocka_unit_test(ascii_terminals_get_ascii),
	        cmocka_unit_test(random_bytes_do_no_harm),
	        cmocka_unit_test(names_of_any_length),
	        cmocka_unit_test(lines_break_at_blanks),
	        cmocka_unit_test(figures_fit_their_columns),
	        cmocka_unit_test(times_read_well),
	        cmocka_unit_test(functions_lose_only_their_folders),
	        cmocka_unit_test(frames_without_names_have_an_address),
	        cmocka_unit_test(types_lose_their_packages),
	        cmocka_unit_test(heat_rises_by_half_decades),
	        cmocka_unit_test(least_important_columns_go_first),
	        cmocka_unit_test(columns_are_as_wide_as_their_numbers),
	        cmocka_unit_test(idle_columns_go_before_less_important_ones),
	        cmocka_unit_test(every_kind_is_shortened_its_own_way),
	        cmocka_unit_test(no_kind_cuts_a_digit),
	        cmocka_unit_test(selection_follows_its_row),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
