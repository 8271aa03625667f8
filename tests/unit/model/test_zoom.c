/* SPDX-License-Identifier: MIT */
/* Which call sites stay probed: both sides of a conflict, within the budget, everybody in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/budget/zoom.h"

#define SECOND  UINT64_C(1000000000)
#define SITES   64
#define TOUCHES 256

struct scene {
	struct zoom *zoom;
	struct zoom_site sites[SITES];
	struct zoom_group groups[SITES];
	struct zoom_touch touches[TOUCHES];
	struct zoom_input input;
};

static struct scene s;

static int set_up(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	s.input = (struct zoom_input){.now_ns = 100 * SECOND,
	                              .budget_ns_per_s = 10e6,
	                              .ns_per_hit = 1000,
	                              .sites = s.sites,
	                              .groups = s.groups,
	                              .touches = s.touches};
	return zoom_create(&s.zoom);
}

static int tear_down(void **state)
{
	(void)state;
	zoom_destroy(s.zoom);
	return 0;
}

static size_t site_add(double hits_per_s, bool changes)
{
	size_t i = s.input.site_count++;

	s.sites[i] = (struct zoom_site){.id = i, .hits_per_s = hits_per_s, .changes = changes};
	return i;
}

static void group_add(uint64_t id)
{
	s.groups[s.input.group_count++] = (struct zoom_group){.id = id, .suspect = true};
}

static struct zoom_group *group_of(uint64_t id)
{
	for (size_t i = 0; i < s.input.group_count; i++)
		if (s.groups[i].id == id)
			return &s.groups[i];
	abort();
}

static void touch_add(uint64_t group, size_t site)
{
	s.touches[s.input.touch_count++] = (struct zoom_touch){.group = group, .site = site};
}

/* A map that one site writes and another one reads. */
static void pair_add(uint64_t group, double writes, double reads)
{
	group_add(group);
	touch_add(group, site_add(writes, true));
	touch_add(group, site_add(reads, false));
}

static int choose(void)
{
	int chosen = zoom_choose(s.zoom, &s.input), count = 0;
	double cost = 0;

	for (size_t i = 0; i < s.input.site_count; i++) {
		count += s.sites[i].chosen;
		cost += s.sites[i].chosen ? s.sites[i].hits_per_s * s.input.ns_per_hit : 0;
	}
	assert_int_equal(chosen, count);
	assert_true(cost <= s.input.budget_ns_per_s);
	return chosen;
}

static void test_nothing_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(choose(), 0);
}

static void test_both_sides_of_the_cold_map(void **state)
{
	(void)state;
	pair_add(1, 1e6, 1e6); /* hot */
	pair_add(2, 100, 100); /* cold */
	assert_int_equal(choose(), 2);
	assert_false(s.sites[0].chosen || s.sites[1].chosen);
	assert_true(s.sites[2].chosen && s.sites[3].chosen);
	assert_true(group_of(2)->chosen);
	assert_false(group_of(1)->chosen);
}

/* One side alone meets nobody. */
static void test_half_a_pair_is_nothing(void **state)
{
	(void)state;
	pair_add(1, 100, 1e6);
	assert_int_equal(choose(), 0);
	s.sites[1].hits_per_s = 100;
	s.sites[1].refused = true;
	assert_int_equal(choose(), 1); /* but several goroutines may come by the one that writes */
	s.sites[1].refused = false;
	s.sites[0].refused = true;
	assert_int_equal(choose(), 0); /* readers among themselves */
}

static void test_hot_sites_of_a_chosen_map_stay_out(void **state)
{
	(void)state;
	pair_add(1, 100, 100);
	touch_add(1, site_add(1e6, false));
	touch_add(1, site_add(200, true));
	assert_int_equal(choose(), 3);
	assert_false(s.sites[2].chosen);
	assert_true(s.sites[3].chosen);
}

static void test_not_suspect_not_chosen(void **state)
{
	(void)state;
	pair_add(1, 100, 100);
	group_of(1)->suspect = false;
	assert_int_equal(choose(), 0);
}

static void test_budget_and_number(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		pair_add(i, 1000, 1000); /* 2 ms/s each: four fit in 90 % of 10 ms/s */
	assert_int_equal(choose(), 8);
	s.input.sites_max = 5;
	assert_int_equal(choose(), 4);
	s.input.budget_ns_per_s = 0;
	assert_int_equal(choose(), 0);
}

/* A site of two maps is paid for once. */
static void test_shared_sites_cost_once(void **state)
{
	(void)state;
	pair_add(1, 3000, 100);
	group_add(2);
	touch_add(2, 0);
	touch_add(2, site_add(100, false));
	group_add(3);
	touch_add(3, 0);
	touch_add(3, 0); /* told twice */
	touch_add(3, site_add(100, false));
	assert_int_equal(choose(), 4);
}

/* Small changes do not throw out who has just been chosen. */
static void test_who_is_chosen_stays(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		pair_add(i, 1000, 1000);
	choose();
	for (int round = 0; round < 4; round++) {
		bool before[SITES];

		for (size_t i = 0; i < s.input.site_count; i++) {
			before[i] = s.sites[i].chosen;
			s.sites[i].measured = s.sites[i].chosen;
			s.sites[i].hits_per_s = s.sites[i].chosen ? 1100 : 900;
		}
		s.input.now_ns += SECOND;
		choose();
		for (size_t i = 0; i < s.input.site_count; i++)
			assert_int_equal(before[i], s.sites[i].chosen);
	}
}

/* Everybody is tried in the end. */
static void test_turns(void **state)
{
	bool had[32] = {false};
	int had_count = 0;

	(void)state;
	for (uint64_t i = 0; i < 16; i++)
		pair_add(i, 1000, 1000);
	for (int second = 0; second < 300; second++) {
		s.input.now_ns += SECOND;
		choose();
		for (uint64_t i = 0; i < 16; i++) {
			struct zoom_group *g = group_of(i);

			g->holds += g->chosen ? 10 : 0;
			had_count += g->chosen && !had[i];
			had[i] |= g->chosen;
		}
	}
	assert_int_equal(had_count, 16);
}

/* Whose conflicts are known makes room for others, and only for them. */
static void test_the_known_give_way(void **state)
{
	(void)state;
	pair_add(1, 1000, 1000);
	group_of(1)->met = 1000;
	group_of(1)->holds = 10;
	choose();
	assert_true(group_of(1)->chosen);
	for (uint64_t i = 2; i < 12; i++)
		pair_add(i, 1000, 1000);
	s.input.now_ns += 10 * SECOND;
	assert_int_equal(choose(), 8);
	assert_false(group_of(1)->chosen);
}

/* Where something keeps the goroutines apart there is nothing to be seen, but now and then. */
static void test_the_guarded_rest(void **state)
{
	int chosen = 0;

	(void)state;
	pair_add(1, 100, 100);
	choose();
	assert_true(group_of(1)->chosen);
	group_of(1)->expected = 100;
	group_of(1)->holds = 1000;
	for (int second = 0; second < 600; second++) {
		s.input.now_ns += SECOND;
		choose();
		chosen += group_of(1)->chosen;
	}
	assert_in_range(chosen, 8, 20);
	s.input.now_ns += 6 * SECOND;
	choose();
	s.input.now_ns += SECOND;
	choose();
	assert_false(group_of(1)->chosen);
	group_of(1)->expected = 0; /* nothing is known of it after all */
	choose();
	assert_true(group_of(1)->chosen);
}

/* Of two groups only one fits. Which goes first? */
static bool second_is_first(struct zoom_group second)
{
	bool first;

	pair_add(1, 4000, 4000);
	pair_add(2, 4000, 4000);
	group_of(1)->contested = true;
	second.id = 2;
	second.suspect = true;
	*group_of(2) = second;
	assert_int_equal(choose(), 2);
	first = group_of(2)->chosen;
	tear_down(NULL);
	set_up(NULL);
	return first;
}

static void test_the_promising_go_first(void **state)
{
	(void)state;
	assert_false(second_is_first((struct zoom_group){.contested = false}));
	/* Others come at twice the usual rate. */
	assert_true(second_is_first(
	        (struct zoom_group){.contested = true, .arrivals = 400, .watched_s = 1}));
	/* Hardly anybody comes. */
	assert_false(second_is_first(
	        (struct zoom_group){.contested = true, .arrivals = 20, .watched_s = 1}));
	/* It would have shown something by now. */
	assert_false(second_is_first((struct zoom_group){
	        .contested = true, .arrivals = 400, .watched_s = 1, .expected = 2}));
	/* Somebody waited at a lock for one who was held. */
	assert_false(second_is_first((struct zoom_group){
	        .contested = true, .arrivals = 400, .watched_s = 1, .waited = 8}));
}

/* A load that jumps: what does not fit any more is out at once. */
static void test_jump(void **state)
{
	(void)state;
	pair_add(1, 100, 100);
	pair_add(2, 100, 100);
	assert_int_equal(choose(), 4);
	s.sites[0].hits_per_s = 1e6;
	s.input.now_ns += SECOND / 10;
	assert_int_equal(choose(), 2);
	assert_true(group_of(2)->chosen);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(test_nothing_of_nothing),
	        T(test_both_sides_of_the_cold_map),
	        T(test_half_a_pair_is_nothing),
	        T(test_hot_sites_of_a_chosen_map_stay_out),
	        T(test_not_suspect_not_chosen),
	        T(test_budget_and_number),
	        T(test_shared_sites_cost_once),
	        T(test_who_is_chosen_stays),
	        T(test_turns),
	        T(test_the_known_give_way),
	        T(test_the_guarded_rest),
	        T(test_the_promising_go_first),
	        T(test_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
