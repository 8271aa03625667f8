/* SPDX-License-Identifier: MIT */
/* When may "no conflict" be said, and what is said else? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/model/pace.h"
#include "core/report/enough_text.h"

#define S 1000000000ULL

static struct map_row map_of(enum map_verdict verdict, double expected, double pace)
{
	return (struct map_row){.number = 3,
	                        .verdict = verdict,
	                        .expected_overlaps = expected,
	                        .expected_pace = pace,
	                        .ordered_pace = PACE_UNKNOWN};
}

/* What is said of these maps, after 100 s with the probes in place for `armed` seconds. */
static struct enough judge(const struct map_row *maps, size_t count, double armed, uint64_t ops,
                           char text[ENOUGH_TEXT_MAX])
{
	struct coverage_row coverage = {.watched_ns = 100 * S,
	                                .armed_ns = (uint64_t)(armed * 1e9),
	                                .armed_pace = armed / 100,
	                                .counted_pace = (double)ops / 100};
	struct enough enough;

	coverage.value[COVERAGE_COUNTED] = ops;
	enough_begin(&enough);
	for (size_t i = 0; i < count; i++)
		enough_add(&enough, &maps[i]);
	enough_end(&enough, &coverage);
	enough_text(&enough, text);
	return enough;
}

static void test_no_shared_map(void **state)
{
	const struct map_row local = map_of(VERDICT_LOCAL, 0, 0);
	char text[ENOUGH_TEXT_MAX];

	(void)state;
	assert_true(enough_seen(&(struct enough){0}));
	assert_false(enough_seen(&(struct enough){.lack = ENOUGH_LACKS_TIME}));
	judge(&local, 1, 50, 0, text);
	assert_string_equal(text,
	                    "none seen; no map operation was seen; 100 are needed to say more");
	judge(&local, 1, 50, 50, text);
	assert_string_equal(text, "none seen; only 50 map operations were seen, on no map that two "
	                          "goroutines use and one changes; 100 are needed to say more: "
	                          "about 2 min at this rate");
	judge(&local, 1, 0.25, 5000, text);
	assert_non_null(
	        strstr(text, "in place for 0.25 s; 1 s are needed to say more: about 5 min"));
	assert_true(enough_seen((struct enough[]){judge(&local, 1, 1.5, 5000, text)}));
	assert_string_equal(text, "no conflicts seen");
}

static void test_overlaps(void **state)
{
	struct map_row maps[] = {map_of(VERDICT_SUSPECT, 0.96, 0.0171),
	                         map_of(VERDICT_GUARDED, 7, 0)};
	char text[ENOUGH_TEXT_MAX];
	struct enough enough = judge(maps, 2, 0.6, 5000, text);

	(void)state;
	assert_string_equal(text,
	                    "none seen; 0.9 overlaps were to be expected if nothing guarded this "
	                    "map (m3); 5 are needed to say more: about 4 min at this rate");
	assert_int_equal(enough.maps, 2);
	assert_int_equal(enough.undecided, 1);
	assert_false(enough_settled(&enough));
	maps[0].expected_pace = PACE_UNKNOWN; /* nothing is made up */
	judge(maps, 2, 0.6, 5000, text);
	assert_null(strstr(text, "about"));
	maps[0].expected_pace = 0;
	judge(maps, 2, 0.6, 5000, text);
	assert_null(strstr(text, "about"));
	maps[0].expected_overlaps = 4.999; /* not "5.0 were, 5 are needed" */
	judge(maps, 2, 0.6, 5000, text);
	assert_non_null(strstr(text, "; 4.9 overlaps"));
	maps[0].verdict = VERDICT_GUARDED;
	enough = judge(maps, 2, 0.6, 5000, text);
	assert_true(enough_seen(&enough) && enough_settled(&enough));
}

/* The weakest map counts, and the one that takes longest. */
static void test_several(void **state)
{
	struct map_row maps[] = {map_of(VERDICT_SUSPECT, 2, 0.001),
	                         map_of(VERDICT_SUSPECT, 0.5, 1)};
	char text[ENOUGH_TEXT_MAX];
	struct enough enough;

	(void)state;
	maps[1].number = 8;
	judge(maps, 2, 2, 5000, text);
	assert_string_equal(text, "none seen; 0.5 overlaps were to be expected if nothing guarded "
	                          "these maps (m8, the least of 2 undecided); 5 are needed on each "
	                          "to say more: about 50 min at this rate");
	maps[0].retired = true;
	enough = judge(maps, 2, 2, 5000, text);
	assert_non_null(strstr(text, ": about 5 s at this rate; 1 of them is not used any more"));
	assert_false(enough_settled(&enough));
	maps[1].ended = true;
	enough = judge(maps, 2, 2, 5000, text);
	assert_null(strstr(text, "about"));
	assert_true(enough_settled(&enough)); /* waiting does not help */
	assert_false(enough_seen(&enough));   /* and does not make it so */
}

static void test_pairs(void **state)
{
	static const struct {
		uint64_t under_lock, ordered, unknown;
		bool enough;
	} cases[] = {
	        {60, 39, 0, false}, {60, 40, 0, true}, {0, 100, 100, true}, {60, 40, 101, false}};
	char text[ENOUGH_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct map_row map = map_of(VERDICT_SUSPECT, 0, 0);
		struct enough enough;

		map.order.under_lock = cases[i].under_lock;
		map.order.ordered = cases[i].ordered;
		map.order.unknown = cases[i].unknown;
		map.ordered_pace = 0.5;
		enough = judge(&map, 1, 0.1, 5000, text);
		assert_int_equal(enough_seen(&enough), cases[i].enough);
		assert_int_equal(enough.seconds_left == 2, i == 0);
	}
}

/* From long to short; none of them claims more than was seen. */
static void test_short(void **state)
{
	struct map_row map = map_of(VERDICT_SUSPECT, 0.96, 0.0171);
	char text[ENOUGH_TEXT_MAX], whole[ENOUGH_TEXT_MAX];
	struct enough enough = judge(&map, 1, 0.6, 5000, whole);
	static const char *const said[ENOUGH_LEVELS] = {
	        "none seen; 0.9 of 5 overlaps expected, about 4 min more",
	        "none seen; 0.9 of 5 expected, about 4 min", "none seen; 0.9 of 5 expected",
	        "none seen"};

	(void)state;
	for (int level = 0; level < ENOUGH_LEVELS; level++)
		assert_string_equal(enough_short(&enough, level, text), said[level]);
	assert_null(enough_short(&enough, ENOUGH_LEVELS, text));
	map.verdict = VERDICT_GUARDED;
	enough = judge(&map, 1, 0.6, 5000, whole);
	assert_string_equal(enough_short(&enough, 0, text), "no conflict seen");
}

static void test_pace(void **state)
{
	struct pace pace = {0};
	double value = 0;

	(void)state;
	pace_tick(&pace, 1, ++value);
	pace_tick(&pace, 1, ++value);
	assert_true(pace_of(&pace) < 0); /* after 2 s */
	pace_tick(&pace, 1, ++value);
	assert_float_equal(pace_of(&pace), 1, 1e-9);
	for (int i = 0; i < 100; i++)
		pace_tick(&pace, 1, value += 2);
	assert_float_equal(pace_of(&pace), 2, 1e-9); /* the beginning is forgotten */
	pace_shift(&pace, 1000);
	pace_tick(&pace, 1, value += 1002);
	assert_float_equal(pace_of(&pace), 2, 1e-9); /* another figure came to it */
	for (int i = 0; i < 40; i++)
		pace_tick(&pace, 1, value);
	assert_float_equal(pace_of(&pace), 0, 1e-9);
	pace_tick(&pace, 1, 0);
	assert_true(pace_of(&pace) < 0); /* it began again */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_no_shared_map), cmocka_unit_test(test_overlaps),
	        cmocka_unit_test(test_several),       cmocka_unit_test(test_pairs),
	        cmocka_unit_test(test_short),         cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
