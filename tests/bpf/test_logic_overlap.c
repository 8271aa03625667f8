/* SPDX-License-Identifier: MIT */
/* What is a conflict and what is none, when an operation meets one that is held. */
#include "logic.h"

static void test_overlap_has_both_sides(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_READ, .left = 1};
	const struct event_header *h = NULL;
	const struct event_overlap *o;

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	events_of(EVENT_OVERLAP, &h);
	o = (const void *)h;
	assert_int_equal(o->held.goid, 7);
	assert_int_equal(o->held.op, OP_WRITE);
	assert_int_equal(o->held.caller, 0x10);
	assert_int_equal(o->held.tid, 107);
	assert_int_equal(o->held.gopc, 0x77);
	assert_int_equal(o->came.goid, 8);
	assert_int_equal(o->came.op, OP_READ);
	assert_int_equal(o->came.caller, 0x20);
	assert_int_equal(o->came.depth, 3);
	assert_int_equal(o->came.stack[2], 0x3000);
	assert_int_equal(o->held.map, (unsigned long)&map_a);
	assert_true(o->after_ns < o->hold_ns);
	assert_int_equal(state_of(&map_a)->counts.conflicts, 1);
	assert_int_equal(goroutine_of(&g1)->conflicts, 1);
	assert_int_equal(goroutine_of(&g2)->conflicts, 1);
	assert_sums();
}

static void test_two_readers_do_not_conflict(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_READ, .left = 5};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_ITERATE), 0);
	assert_int_equal(v.left, 0);
	assert_int_equal(state_of(&map_a)->counts.conflicts, 0);
	assert_sums();
}

static void test_same_goroutine_does_not_conflict(void **state)
{
	struct visitor v = {.g = &g1, .map = &map_a, .op = OP_WRITE, .left = 3};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 0);
	assert_int_equal(v.left, 0);
	assert_sums();
}

static void test_another_map_does_not_conflict(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_b, .op = OP_WRITE, .left = 3};

	(void)state;
	share(&map_a);
	v.map = &map_b;
	shim.on_wait = visit;
	shim.ctx = &v;
	for (int i = 0; i < 100 && v.left; i++) {
		shim.now_ns += 100 * MS;
		hit(&g1, &map_a, OP_WRITE, 0x10);
	}
	shim.on_wait = NULL;
	assert_int_equal(v.left, 0);
	assert_int_equal(events_of(EVENT_OVERLAP, NULL), 0);
	assert_sums();
}

/* A loop over the map comes step by step: that is one visit. */
static void test_steps_of_one_goroutine_count_once(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_ITERATE, .left = 10};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	assert_int_equal(v.left, 0);
	assert_int_equal(state_of(&map_a)->counts.conflicts, 1);
	assert_sums();
}

static void test_nothing_stays_in_a_slot(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 1};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	for (__u32 i = 0; i < SLOTS; i++) {
		struct hold_slot *slot = bpf_map_lookup_elem(&slots, &i);

		assert_int_equal(slot->owner, 0);
		assert_int_equal(slot->map, 0);
		assert_int_equal(slot->readers, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_overlap_has_both_sides),
	        T(test_two_readers_do_not_conflict),
	        T(test_same_goroutine_does_not_conflict),
	        T(test_another_map_does_not_conflict),
	        T(test_steps_of_one_goroutine_count_once),
	        T(test_nothing_stays_in_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
