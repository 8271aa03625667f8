/* SPDX-License-Identifier: MIT */
/* Who waited at a lock for the one who was held is no party to a conflict: held time goes
 * elsewhere. */
#include "logic.h"

/* g1 is held writing to map_a, and meets nobody. */
static struct map_state *hold_alone(void)
{
	struct map_state *m;

	share(&map_a);
	m = state_of(&map_a);
	for (int i = 0; i < 1000 && !m->counts.hold_ns[1]; i++) {
		shim.now_ns += 100 * MS;
		hit(&g1, &map_a, OP_WRITE, 0x10);
	}
	assert_true(m->counts.hold_ns[1] > 0);
	m->awaits = call_site_find(TGID, 0x10)->awaits = (struct await_counts){0};
	return m;
}

static void come(struct fake_g *g, __u64 after_ns, __u64 reason)
{
	shim.now_ns += after_ns;
	g->waitreason = reason;
	hit(g, &map_a, OP_READ, 0x20);
}

static void assert_looks(const struct map_state *m, __u32 looks, __u32 waited)
{
	assert_int_equal(m->awaits.looks[1], looks);
	assert_int_equal(m->awaits.waited[1], waited);
}

static void test_who_waited_is_seen(void **state)
{
	struct map_state *m = hold_alone();
	const struct call_site *site = call_site_find(TGID, 0x10);

	(void)state;
	come(&g2, 50000, REASON_LOCK);
	assert_looks(m, 1, 1);
	assert_int_equal(site->awaits.waited[1], 1);
	come(&g2, 50000, REASON_LOCK); /* one look a hold */
	assert_looks(m, 1, 1);
	assert_sums();
}

static void test_who_came_by_himself_is_not(void **state)
{
	struct map_state *m = hold_alone();

	(void)state;
	come(&g1, 1000, REASON_LOCK); /* the held one himself */
	for (int i = 0; i < AWAIT_LOOKS; i++) {
		assert_looks(m, 0, 0);
		come(&g2, 1000, 2);
	}
	assert_looks(m, 1, 0);
}

static void test_who_comes_late_did_not_wait_for_that(void **state)
{
	struct map_state *m = hold_alone();

	(void)state;
	come(&g2, AWAIT_NS + 1, REASON_LOCK);
	assert_looks(m, 1, 0);
}

static void test_reader_after_reader_tells_nothing(void **state)
{
	struct map_state *m = hold_alone();

	(void)state;
	m->await.changes = 0;
	come(&g2, 50000, REASON_LOCK);
	assert_looks(m, 0, 0);
}

static void test_unknown_reasons_are_not_looked_for(void **state)
{
	struct map_state *m;

	(void)state;
	field_rows[0].lock_reasons = 0;
	m = hold_alone();
	come(&g2, 50000, REASON_LOCK);
	assert_looks(m, 0, 0);
	assert_int_equal(m->await.left, 0);
}

/* A reason that goroutines have at all times says nothing about holds. */
static void test_only_what_is_more_than_by_chance_counts(void **state)
{
	const struct await_counts same = {.looks = {100, 50}, .waited = {20, 10}};
	const struct await_counts more = {.looks = {100, 50}, .waited = {20, 40}};
	const struct await_counts first = {.looks = {0, 1}, .waited = {0, 1}};

	(void)state;
	assert_in_range(await_excess(&same), 0, 200);
	assert_in_range(await_excess(&more), 30000, 30200);
	assert_int_equal(await_excess(&first), 1000);
	assert_int_equal(await_excess(&(struct await_counts){0}), 0);
}

/* Both come to each map equally often; at map_a whoever comes after a hold waited at a lock. */
static void test_held_time_goes_where_nobody_waits(void **state)
{
	(void)state;
	share(&map_a);
	share(&map_b);
	for (int i = 0; i < 4000; i++) {
		struct fake_g *g = i & 1 ? &g1 : &g2;
		struct map_state *m = state_of(&map_a);

		shim.now_ns += 50000;
		g->waitreason = m->await.left && m->await.held ? REASON_LOCK : 2;
		hit(g, &map_a, OP_WRITE, 0x10);
		g->waitreason = 2;
		shim.now_ns += 50000;
		hit(g, &map_b, OP_WRITE, 0x20);
	}
	assert_true(state_of(&map_a)->awaits.waited[1] > 0);
	assert_int_equal(state_of(&map_b)->awaits.waited[1], 0);
	assert_true(state_of(&map_b)->counts.hold_ns[1] > 2 * state_of(&map_a)->counts.hold_ns[1]);
	assert_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_who_waited_is_seen),
	        T(test_who_came_by_himself_is_not),
	        T(test_who_comes_late_did_not_wait_for_that),
	        T(test_reader_after_reader_tells_nothing),
	        T(test_unknown_reasons_are_not_looked_for),
	        T(test_only_what_is_more_than_by_chance_counts),
	        T(test_held_time_goes_where_nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
