/* SPDX-License-Identifier: MIT */
/* What live objects say about a layout: true samples make it believed, wrong ones never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/go/layout_check.h"
#include "core/process/layout_code.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#define ALL (LAYOUT_GOID | LAYOUT_PARENT_GOID | LAYOUT_GOPC | LAYOUT_STARTPC)

static struct layout_check *check;
static uint64_t now;

static int set_up(void **state)
{
	(void)state;
	now = 1000;
	return layout_check_create(&check);
}

static int tear_down(void **state)
{
	(void)state;
	layout_check_destroy(check);
	return 0;
}

/* A goroutine of process 7, at work, as the right layout shows it. */
static struct layout_goroutine goroutine(uint64_t number)
{
	return (struct layout_goroutine){
	        .g = UINT64_C(0xc000000000) + number * 0x200,
	        .tgid = 7,
	        .last_ns = ++now,
	        .status = 2,
	        .goid = number,
	        .parent_goid = 1,
	        .goid_code = CODE_ELSEWHERE,
	        .gopc = CODE_GO,
	        .startpc = CODE_ENTRY,
	};
}

static void tell(struct layout_goroutine g)
{
	g.last_ns = ++now;
	layout_check_goroutine(check, &g);
}

static void tell_rounds(const struct layout_goroutine *g, size_t count, int rounds)
{
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < count; i++)
			tell(g[i]);
}

/* ---- goroutines ---------------------------------------------------------------------- */

static void test_true_layout_is_believed(void **state)
{
	struct layout_goroutine g[] = {goroutine(18), goroutine(19)};

	(void)state;
	assert_int_equal(layout_check_passed(check), 0);
	tell_rounds(g, 2, 1);
	assert_int_equal(layout_check_passed(check), LAYOUT_GOPC | LAYOUT_STARTPC);
	tell_rounds(g, 2, 1);
	assert_int_equal(layout_check_passed(check), ALL);
}

static void test_one_goroutine_proves_no_id(void **state)
{
	struct layout_goroutine g = goroutine(18);

	(void)state;
	tell_rounds(&g, 1, 50);
	assert_int_equal(layout_check_passed(check), LAYOUT_GOPC | LAYOUT_STARTPC);
}

static void test_first_goroutine_proves_its_id(void **state)
{
	struct layout_goroutine g = goroutine(1);

	(void)state;
	g.parent_goid = 0;
	g.startpc = CODE_MAIN;
	g.gopc = CODE_INSIDE; /* the runtime's own start-up code */
	tell_rounds(&g, 1, 2);
	assert_int_equal(layout_check_passed(check), LAYOUT_GOID | LAYOUT_STARTPC);
}

static void test_idle_goroutines_prove_no_id(void **state)
{
	struct layout_goroutine g[] = {goroutine(18), goroutine(19)};

	(void)state;
	for (int round = 0; round < 50; round++)
		for (int i = 0; i < 2; i++)
			layout_check_goroutine(check, &g[i]); /* never at work in between */
	assert_int_equal(layout_check_passed(check) & LAYOUT_GOID, 0);
}

static void test_g_that_serves_many_refutes_nothing(void **state)
{
	struct layout_goroutine g[] = {goroutine(18), goroutine(19), goroutine(20)};

	(void)state;
	for (int round = 1; round < 20; round++) {
		tell_rounds(g, 3, 1);
		g[2].goid = 20 + (uint64_t)round * 16;
	}
	assert_int_equal(layout_check_passed(check), ALL);
}

static void test_processes_have_ids_of_their_own(void **state)
{
	struct layout_goroutine g[] = {goroutine(18), goroutine(19), goroutine(18)};

	(void)state;
	g[2].tgid = 8;
	tell_rounds(g, 3, 2);
	assert_int_equal(layout_check_passed(check), ALL);
}

/* What each wrong field looks like; the others are right, and two goroutines are seen at work, over
 * and over. */
static const struct wrong {
	const char *what;
	struct layout_goroutine a, b; /* what differs from a right one; status ~0 stands for 0 */
	unsigned int fields;          /* that must not be believed */
} wrongs[] = {
        {"goid is the status", {.goid = 2}, {.goid = 2}, LAYOUT_GOID},
        {"goid is zero", {.goid = 0}, {.goid = 19}, LAYOUT_GOID},
        {"goid is a pointer", {.goid = 0xc000123000}, {.goid = 0xc000456000}, LAYOUT_GOID},
        {"goid is startpc",
         {.goid = 0x46f000, .goid_code = CODE_ENTRY},
         {.goid = 0x46f800, .goid_code = CODE_ENTRY},
         LAYOUT_GOID},
        {"goid is gopc",
         {.goid = 0x46f123, .goid_code = CODE_GO},
         {.goid = 0x46f145, .goid_code = CODE_GO},
         LAYOUT_GOID},
        {"goid 1 begins elsewhere", {.goid = 1}, {.goid = 19}, LAYOUT_GOID},
        {"the word before is no status",
         {.goid = 18, .status = ~0u},
         {.goid = 19, .status = ~0u},
         LAYOUT_GOID},
        {"the word before is a goid",
         {.goid = 18, .status = 5},
         {.goid = 19, .status = 17},
         LAYOUT_GOID},
        {"parent is a pointer",
         {.goid = 18, .parent_goid = 0xc000000000},
         {.goid = 19},
         LAYOUT_PARENT_GOID},
        {"parent is the goid", {.goid = 18, .parent_goid = 18}, {.goid = 19}, LAYOUT_PARENT_GOID},
        {"startpc is no code",
         {.goid = 18, .startpc = CODE_ELSEWHERE},
         {.goid = 19},
         LAYOUT_STARTPC | LAYOUT_PARENT_GOID},
        {"startpc is gopc",
         {.goid = 18, .startpc = CODE_GO},
         {.goid = 19, .startpc = CODE_GO},
         LAYOUT_STARTPC | LAYOUT_PARENT_GOID},
        {"gopc is no code",
         {.goid = 18, .gopc = CODE_ELSEWHERE},
         {.goid = 19},
         LAYOUT_GOPC | LAYOUT_PARENT_GOID},
};

static struct layout_goroutine wrong_goroutine(const struct layout_goroutine *from, uint64_t number)
{
	struct layout_goroutine g = goroutine(number);

	g.goid = from->goid;
	if (from->parent_goid)
		g.parent_goid = from->parent_goid;
	if (from->status)
		g.status = from->status == ~0u ? 0 : from->status;
	if (from->goid_code)
		g.goid_code = from->goid_code;
	if (from->gopc)
		g.gopc = from->gopc;
	if (from->startpc)
		g.startpc = from->startpc;
	return g;
}

static void test_wrong_fields_are_not_believed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct layout_goroutine g[] = {wrong_goroutine(&wrongs[i].a, 18),
		                               wrong_goroutine(&wrongs[i].b, 19)};

		layout_check_destroy(check);
		assert_int_equal(layout_check_create(&check), 0);
		tell_rounds(g, 2, 30);
		if (layout_check_passed(check) & wrongs[i].fields)
			fail_msg("%s: believed %x", wrongs[i].what, layout_check_passed(check));
		/* The others do not suffer, except the parent, which needs them all. */
		if ((layout_check_passed(check) | wrongs[i].fields | LAYOUT_PARENT_GOID) != ALL)
			fail_msg("%s: only %x believed", wrongs[i].what,
			         layout_check_passed(check));
	}
}

static void test_refuted_for_good(void **state)
{
	struct layout_goroutine g[] = {goroutine(18), goroutine(19)}, odd = goroutine(20);

	(void)state;
	tell_rounds(g, 2, 3);
	assert_int_equal(layout_check_passed(check), ALL);
	odd.goid = 19; /* that of another one */
	tell(odd);
	assert_int_equal(layout_check_passed(check), LAYOUT_GOPC | LAYOUT_STARTPC);
	tell_rounds(g, 2, 30);
	assert_int_equal(layout_check_passed(check), LAYOUT_GOPC | LAYOUT_STARTPC);
}

/* More goroutines than it remembers. */
static void test_many_goroutines(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++)
		for (uint64_t i = 0; i < 400; i++)
			tell(goroutine(18 + i));
	assert_int_equal(layout_check_passed(check), ALL);
	for (uint64_t i = 0; i < 5000; i++)
		tell(goroutine(18 + i));
	assert_int_equal(layout_check_passed(check), ALL);
}

/* ---- maps ---------------------------------------------------------------------------- */

static void tell_map(struct layout_map map)
{
	map.last_ns = ++now;
	layout_check_map(check, &map);
}

static const struct layout_map small = {.map = 0xc000100000,
                                        .tgid = 7,
                                        .length = 5,
                                        .seed = UINT64_C(0x9e3779b97f4a7c15),
                                        .directory = 0xc000200000};

static void test_true_map_is_believed(void **state)
{
	struct layout_map large = small;

	(void)state;
	tell_map(small);
	tell_map(small);
	assert_int_equal(layout_check_passed(check), 0);
	tell_map(small);
	assert_int_equal(layout_check_passed(check), LAYOUT_MAP);
	large.map += 64;
	large.length = 3000;
	large.directory_length = 4;
	for (int i = 0; i < 5; i++)
		tell_map(large);
	assert_int_equal(layout_check_passed(check), LAYOUT_MAP);
}

static void test_wrong_maps_are_not_believed(void **state)
{
	(void)state;
	for (int what = 0; what < 6; what++) {
		struct layout_map map = small;

		layout_check_destroy(check);
		assert_int_equal(layout_check_create(&check), 0);
		for (int i = 0; i < 30; i++) {
			if (what == 0)
				map.seed = 0xc000300000; /* a pointer */
			else if (what == 1)
				map.seed++; /* a counter */
			else if (what == 2)
				map.length = 9; /* more than fit in */
			else if (what == 3)
				map.directory_length = 3;
			else if (what == 4)
				map.length = map.seed;
			else
				map.directory = 0;
			tell_map(map);
		}
		assert_int_equal(layout_check_passed(check), 0);
	}
}

/* Maps that come and go, their memory put to other use: one look in many is at something else. */
static void test_freed_maps_do_not_refute(void **state)
{
	struct layout_map junk = small;

	(void)state;
	junk.map += 4096;
	tell_map(junk);
	for (int i = 0; i < 20; i++)
		tell_map(small);
	junk.length = 0xc000400000;
	tell_map(junk);
	assert_int_equal(layout_check_passed(check), LAYOUT_MAP);
}

/* ---- code ---------------------------------------------------------------------------- */

/* Every call of runtime.newproc that a disassembler finds, and what lies around them. */
static void code_check(const char *path)
{
	struct layout_code_finder finder;
	struct go_binary *binary;
	struct go_function main_main, credit;
	int starts = 0;

	assert_int_equal(go_binary_open(path, &binary, NULL), 0);
	layout_code_open(&finder, binary);
	assert_int_equal(layout_code_at(&finder, 0), CODE_NONE);
	assert_int_equal(layout_code_at(&finder, 1), CODE_ELSEWHERE);
	assert_int_equal(layout_code_at(&finder, UINT64_C(0xc000000000)), CODE_ELSEWHERE);
	assert_int_equal(go_binary_function_find(binary, "runtime.main", &main_main), 0);
	assert_int_equal(layout_code_at(&finder, main_main.entry), CODE_MAIN);
	/* runtime.main starts helpers by `go` statements, or calls what does. */
	assert_int_equal(go_binary_function_find(binary, "runtime.gcenable", &credit), 0);
	assert_int_equal(layout_code_at(&finder, credit.entry), CODE_ENTRY);
	for (uint64_t at = credit.entry + 1; at < credit.end; at++)
		starts += layout_code_at(&finder, at) == CODE_GO;
	assert_int_equal(starts, 2); /* go bgsweep(c), go bgscavenge(c) */
	go_binary_close(binary);
}

static void test_code(void **state)
{
	struct go_release releases[GO_RELEASES_MAX];
	size_t count = go_releases(releases);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < GO_VARIANTS; k++) {
			char fixture[FIXTURE_PATH];
			assert_true(
			        fixture_build(&releases[i], &go_variants[k], "mapuser", fixture));
			code_check(fixture);
		}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_true_layout_is_believed),
	        TEST(test_one_goroutine_proves_no_id),
	        TEST(test_first_goroutine_proves_its_id),
	        TEST(test_idle_goroutines_prove_no_id),
	        TEST(test_g_that_serves_many_refutes_nothing),
	        TEST(test_processes_have_ids_of_their_own),
	        TEST(test_wrong_fields_are_not_believed),
	        TEST(test_refuted_for_good),
	        TEST(test_many_goroutines),
	        TEST(test_true_map_is_believed),
	        TEST(test_wrong_maps_are_not_believed),
	        TEST(test_freed_maps_do_not_refute),
	        cmocka_unit_test(test_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
