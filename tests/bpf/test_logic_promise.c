/* SPDX-License-Identifier: MIT */
/* Where held time goes: to what others come to, to what was not tried yet, hardly to what nobody
 * changes while it is shared. */
#include "logic.h"

static void test_patience_follows_rate_and_doubt(void **state)
{
	__u64 average = patience(200, 0);

	(void)state;
	assert_int_equal(average, PATIENCE_ONE);
	assert_int_equal(patience(100, 0), 2 * average);
	assert_int_equal(patience(400, 0), average / 2);
	assert_int_equal(patience(200, 1000), 4 * average);
	assert_true(patience(200, 3000) > patience(200, 2000));
	assert_int_equal(patience(0, ~0ULL), PATIENCE_MOST);
	assert_int_equal(patience(1000000, 0), PATIENCE_ONE / 4);
}

/* What is assumed in advance gives way to what is seen. */
static void test_assumption_gives_way(void **state)
{
	struct trial t = {.prior = 1};

	(void)state;
	assert_int_equal(trial_rate(&t), 200);
	t.control_ns = 1000 * MS;
	assert_in_range(trial_rate(&t), 0, 1);
	t.arrivals = 1000;
	assert_in_range(trial_rate(&t), 990, 1000);
	t.hold_ns = 3 * MS;
	assert_in_range(trial_expected(&t), 2970, 3000);
	t.prior = 400; /* weighs twice as much as what was seen */
	assert_in_range(trial_rate(&t), 460, 480);
}

/* g1 and g2 work on both maps in turn, on map_b so seldom that a hold there ends before the other
 * comes; nobody meets. */
static void work_on_both(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		shim.now_ns += 100000;
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
		if (i % 20 == 0)
			hit(i / 20 & 1 ? &g1 : &g2, &map_b, OP_WRITE, 0x20);
	}
}

static void test_held_time_goes_where_others_come(void **state)
{
	(void)state;
	share(&map_a);
	share(&map_b);
	work_on_both(3000);
	assert_true(state_of(&map_b)->counts.holds > RARELY_TRIED);
	assert_true(state_of(&map_a)->counts.hold_ns[1] > state_of(&map_b)->counts.hold_ns[1]);
	assert_sums();
}

/* What should have shown an overlap long ago is held less and less. */
static void test_what_was_tried_makes_room(void **state)
{
	__u64 early, late;

	(void)state;
	share(&map_a);
	work_on_both(8000);
	early = state_of(&map_a)->counts.hold_ns[1];
	work_on_both(8000);
	late = state_of(&map_a)->counts.hold_ns[1] - early;
	assert_true(early > 0 && late < early / 2);
}

static void test_contested_is_changed_while_shared(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	hit(&g2, &map_a, OP_READ, 0x20); /* published: nobody changes it any more */
	hit(&g1, &map_a, OP_READ, 0x10);
	assert_int_equal(state_of(&map_a)->counts.flags, MAP_SHARED | MAP_CHANGED);
	hit(&g2, &map_a, OP_READ, 0x20);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(state_of(&map_a)->counts.flags, MAP_SHARED | MAP_CHANGED | MAP_CONTESTED);
	hit(&g1, &map_b, OP_READ, 0x30);
	hit(&g2, &map_b, OP_WRITE, 0x40);
	assert_int_equal(state_of(&map_b)->counts.flags, MAP_SHARED | MAP_CHANGED | MAP_CONTESTED);
	assert_true(call_site_find(TGID, 0x40)->flags & MAP_CONTESTED);
}

/* A map is filled by one goroutine and then read by another one; a new one each time, or one for
 * two of them to write. Returns how long operations were held. */
static __u64 held_of_young(bool contested)
{
	static struct fake_map request[64];
	__u64 before = total(COVERAGE_STALL_NS);

	for (int i = 0; i < 2000; i++) {
		struct fake_map *map = &request[i % 64];

		map->hash0 = 100 + i;
		shim.now_ns += 5 * MS;
		hit(&g1, map, OP_WRITE, contested ? 0x10 : 0x30);
		shim.now_ns += MS;
		hit(&g2, map, contested ? OP_WRITE : OP_READ, contested ? 0x20 : 0x40);
	}
	return total(COVERAGE_STALL_NS) - before;
}

static void test_published_maps_are_held_less(void **state)
{
	__u64 published, contested;

	(void)state;
	published = held_of_young(false);
	contested = held_of_young(true);
	assert_true(published > 0);
	assert_true(published < contested / 2);
}

/* One in ten accesses changes the map: a read meets only that one, a change all the others. */
static void test_changes_are_held_rather_than_reads(void **state)
{
	const struct map_state *m;

	(void)state;
	share(&map_a);
	for (int i = 0; i < 20000; i++) {
		shim.now_ns += 50000;
		hit(i & 1 ? &g1 : &g2, &map_a, i % 10 ? OP_READ : OP_WRITE, 0x10);
	}
	m = state_of(&map_a);
	assert_true(m->counts.hold_ns[1] > m->counts.hold_ns[0]);
}

/* Of so many accesses. */
static int promising(const struct map_state *m, enum company company, __u64 probed)
{
	struct operation o = {.probed = probed, .now = 1000 * MS, .company = company};
	int n = 0;

	for (int i = 0; i < 1600; i++)
		n += access_is_promising(m, &o);
	return n;
}

/* Who comes alone is held seldom; where a call is probed, nobody may come in company for long. */
static void test_company_is_better(void **state)
{
	struct map_state m = {.company_ns = 1000 * MS - ALONE_NS / 2};

	(void)state;
	tuning.tried_spacing_ns = 2 * EAGER_NS;
	assert_in_range(promising(&m, COMPANY_NONE, 1), 60, 140);
	assert_in_range(promising(&m, COMPANY_RECENT, 1), 330, 470);
	assert_int_equal(promising(&m, COMPANY_NEAR, 1), 1600);
	m.company_ns = 1000 * MS - 2 * ALONE_NS;
	assert_int_equal(promising(&m, COMPANY_NONE, 1), 1600);
	assert_in_range(promising(&m, COMPANY_NONE, 0), 60, 140);
	/* As long as less is held than may be there is hardly a choice to make. */
	tuning.tried_spacing_ns = EAGER_NS / 2;
	assert_in_range(promising(&m, COMPANY_NONE, 0), 700, 900);
	assert_in_range(promising(&m, COMPANY_RECENT, 0), 700, 900);
}

/* In windows those who come alone to a map to which nobody came in company for long are held
 * seldom, however much is left to be held. */
static void test_no_company_no_eagerness(void **state)
{
	struct map_state m = {.company_ns = MS};
	struct operation o = {.now = MS + 10 * LIVELY_NS, .company = COMPANY_NONE};
	int n = 0;

	(void)state;
	assert_true(map_is_lively(&m, &o)); /* there is time to wait for somebody */
	tuning.window_gap = 10 * WINDOW_GAP_ONE + 1;
	assert_true(map_is_lively(&m, &o));
	tuning.window_gap = 10 * WINDOW_GAP_ONE - 1;
	tuning.tried_spacing_ns = EAGER_NS / 2;
	for (int i = 0; i < 1600; i++)
		n += access_is_promising(&m, &o);
	assert_in_range(n, 60, 140);
}

/* The time between two holds counts while the probes are in place. */
static void test_patience_lasts_over_windows(void **state)
{
	struct operation o = {0}, at_call = {.probed = 0x77};
	__u64 longest = 3 * tuning.tried_spacing_ns / 2;

	(void)state;
	assert_true(tuning.tried_spacing_ns > 0 && tuning.fresh_spacing_ns > 0);
	tuning.window_gap = 25 * WINDOW_GAP_ONE;
	for (int i = 0; i < 100; i++) {
		assert_in_range(spacing(&o, PRIORITY_NORMAL, PATIENCE_ONE),
		                25 * tuning.tried_spacing_ns / 2, 25 * longest);
		assert_in_range(spacing(&at_call, PRIORITY_NORMAL, PATIENCE_ONE),
		                tuning.tried_spacing_ns / 2, longest);
		assert_in_range(spacing(&o, PRIORITY_FIRST, PATIENCE_ONE),
		                tuning.fresh_spacing_ns / 2, 3 * tuning.fresh_spacing_ns / 2);
	}
	tuning.window_gap = 1000 * WINDOW_GAP_ONE; /* not for ever: load comes and goes */
	assert_in_range(spacing(&o, PRIORITY_LAST, PATIENCE_ONE), 1, 3 * STRETCHED_MOST_NS / 2);
	tuning.window_gap = 0; /* not known yet */
	assert_in_range(spacing(&o, PRIORITY_NORMAL, PATIENCE_ONE), 1, longest);
}

/* An access that would be held if anybody still might be is watched instead. */
static void test_who_cannot_be_held_is_watched(void **state)
{
	(void)state;
	share(&map_a);
	work_on_both(100);
	config.holds_at_once = 1;
	holds_under_way = 1; /* nobody may be held any more */
	memset(state_of(&map_a)->counts.control_ns, 0, sizeof(state_of(&map_a)->counts.control_ns));
	state_of(&map_a)->next_hold_ns = 0;
	work_on_both(100);
	holds_under_way = 0;
	assert_true(state_of(&map_a)->counts.control_ns[1] > 0);
}

/* Where a call is probed the map is watched before anybody is held who does not come in near
 * company. */
static void test_calls_are_watched_first(void **state)
{
	struct operation o = {.probed = 0x77, .company = COMPANY_NONE};
	struct map_state m = {0};

	(void)state;
	assert_true(access_is_only_watched(&m, &o));
	o.company = COMPANY_NEAR;
	assert_false(access_is_only_watched(&m, &o));
	o.company = COMPANY_RECENT;
	m.counts.control_ns[0] = m.counts.control_ns[1] = WATCHED_FIRST_NS / 2;
	assert_false(access_is_only_watched(&m, &o));
	o.probed = 0;
	m.counts.control_ns[0] = 0;
	assert_false(access_is_only_watched(&m, &o));
}

/* Few operations are seen in windows: what was there in the last one is not of this request. */
static void test_young_is_also_a_matter_of_time(void **state)
{
	struct map_state m = {.counts = {.first_ns = MS, .ops = {[OP_READ] = MAP_YOUNG_OPS - 1}}};
	struct operation o = {.now = MS + MAP_YOUNG_NS - 1};

	(void)state;
	assert_true(map_is_young(&m, &o));
	o.now++;
	assert_false(map_is_young(&m, &o));
	m.counts.ops[OP_READ] = MAP_NEW_OPS - 1;
	assert_true(map_is_young(&m, &o)); /* nothing is known of it */
	o.now = MS;
	m.counts.ops[OP_READ] = MAP_YOUNG_OPS;
	assert_false(map_is_young(&m, &o));
}

/* Where all CPUs but one are taken, nobody else is held. */
static void test_some_cpus_are_left(void **state)
{
	__u64 before;

	(void)state;
	config.holds_at_once = 1;
	holds_under_way = 1;
	share(&map_a);
	before = total(COVERAGE_STALLS);
	work_on_both(100);
	assert_int_equal(total(COVERAGE_STALLS), before);
	holds_under_way = 0;
	work_on_both(100);
	assert_true(total(COVERAGE_STALLS) > before);
	assert_int_equal(holds_under_way, 0);
}

/* Two goroutines on one CPU are no company. */
static void test_company_is_on_another_cpu(void **state)
{
	static struct fake_g g3 = {.goid = 9}; /* odd, as 7: same CPU */

	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	hit(&g3, &map_a, OP_WRITE, 0x10);
	assert_int_equal(state_of(&map_a)->company_ns, 0);
	hit(&g2, &map_a, OP_WRITE, 0x10);
	assert_int_not_equal(state_of(&map_a)->company_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_patience_follows_rate_and_doubt),
	        T(test_assumption_gives_way),
	        T(test_held_time_goes_where_others_come),
	        T(test_what_was_tried_makes_room),
	        T(test_contested_is_changed_while_shared),
	        T(test_published_maps_are_held_less),
	        T(test_changes_are_held_rather_than_reads),
	        T(test_company_is_better),
	        T(test_company_is_on_another_cpu),
	        T(test_some_cpus_are_left),
	        T(test_no_company_no_eagerness),
	        T(test_patience_lasts_over_windows),
	        T(test_who_cannot_be_held_is_watched),
	        T(test_calls_are_watched_first),
	        T(test_young_is_also_a_matter_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
