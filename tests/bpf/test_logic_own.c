/* SPDX-License-Identifier: MIT */
/* Operations on a map that nobody else uses, which are counted the short way. */
#include "logic.h"

#define KNOWN (2 * MAP_YOUNG_OPS)

static void hits(struct fake_g *g, struct fake_map *map, enum map_op op, __u64 caller, int count)
{
	for (int i = 0; i < count; i++) {
		shim.now_ns += 1000;
		hit(g, map, op, caller);
	}
}

/* A read in another function (site), or from a frame `deeper` words down the stack. */
static void hit_at(struct fake_g *g, struct fake_map *map, __u64 caller, __u32 site, int deeper)
{
	static __u64 type = 21;
	static __u64 stack[2];
	struct pt_regs regs = {
	        .r14 = (unsigned long)g,
	        .ax = (unsigned long)&type,
	        .bx = (unsigned long)map,
	        .sp = (unsigned long)(deeper ? &stack[deeper] : hit_stack),
	        .ip = 0x1000,
	};

	*(__u64 *)regs.sp = caller;
	shim.cookie = COOKIE(site, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_PUSH, 0);
	on_probe(&regs);
}

static void test_every_operation_is_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		hits(&g1, &map_a, OP_READ, 0x10, 1);
		hits(&g1, &map_b, OP_WRITE, 0x11, 1);
		hits(&g1, &map_a, OP_ITERATE, 0x12, 1);
	}
	hits(&g1, &map_a, OP_DELETE, 0x13, 100);
	assert_int_equal(state_of(&map_a)->counts.ops[OP_READ], 1000);
	assert_int_equal(state_of(&map_a)->counts.ops[OP_ITERATE], 1000);
	assert_int_equal(state_of(&map_a)->counts.ops[OP_DELETE], 100);
	assert_int_equal(state_of(&map_b)->counts.ops[OP_WRITE], 1000);
	assert_int_equal(goroutine_of(&g1)->ops[OP_WRITE], 1000);
	assert_int_equal(goroutine_of(&g1)->ops[OP_READ], 1000);
	assert_int_equal(goroutine_of(&g1)->last_map, (unsigned long)&map_a);
	assert_int_equal(goroutine_of(&g1)->last_op, OP_DELETE);
	assert_int_equal(state_of(&map_a)->counts.flags, MAP_CHANGED);
	assert_int_equal(total(COVERAGE_COUNTED), 3100);
	assert_sums();
}

/* On a map of one's own one look at the memory is enough but for the samples; never is it more than
 * two. */
static void test_memory_is_hardly_read(void **state)
{
	__u64 most = 0, before;

	(void)state;
	hits(&g1, &map_a, OP_READ, 0x10, KNOWN);
	shim.user_reads = 0;
	for (int i = 0; i < 1600; i++) {
		before = shim.user_reads;
		hits(&g1, &map_a, OP_READ, 0x10, 1);
		if (shim.user_reads - before > most)
			most = shim.user_reads - before;
	}
	assert_in_range(shim.user_reads, 1600, 1600 + 1600 / CALL_SAMPLE * 2);
	assert_int_equal(most, 2);
}

static void test_first_write_is_seen(void **state)
{
	(void)state;
	hits(&g1, &map_a, OP_READ, 0x10, KNOWN);
	assert_int_equal(state_of(&map_a)->counts.flags & MAP_CHANGED, 0);
	hits(&g1, &map_a, OP_WRITE, 0x10, 1);
	assert_true(state_of(&map_a)->counts.flags & MAP_CHANGED);
}

static void test_second_goroutine_is_seen_at_once(void **state)
{
	(void)state;
	hits(&g1, &map_a, OP_WRITE, 0x10, KNOWN);
	hits(&g2, &map_a, OP_READ, 0x20, 1);
	assert_true(state_of(&map_a)->counts.flags & MAP_SHARED);
	hits(&g1, &map_a, OP_WRITE, 0x10, 1);
	assert_int_equal(state_of(&map_a)->last_who, g1.goid);
	assert_int_equal(state_of(&map_a)->counts.last_ns, shim.now_ns); /* the exact time again */
}

/* The g, its stack and the map are the same, the goroutine is another one. */
static void test_successor_is_no_owner(void **state)
{
	(void)state;
	hits(&g1, &map_a, OP_WRITE, 0x10, KNOWN);
	g1.goid = 9;
	hits(&g1, &map_a, OP_WRITE, 0x19, 1);
	assert_int_equal(goroutine_of(&g1)->goid, 9);
	assert_int_equal(goroutine_of(&g1)->ops[OP_WRITE], 1);
	assert_int_equal(goroutine_of(&g1)->last_caller, 0x19);
	assert_true(state_of(&map_a)->counts.flags & MAP_SHARED);
}

/* Where a goroutine is: at once when it comes from another frame or to another function, with the
 * next sample where it goes from line to line. */
static void test_place_follows_the_goroutine(void **state)
{
	(void)state;
	hits(&g1, &map_a, OP_READ, 0x10, KNOWN);
	hit_at(&g1, &map_a, 0x11, 4, 0);
	assert_int_equal(goroutine_of(&g1)->last_caller, 0x11);
	hits(&g1, &map_a, OP_READ, 0x10, 1);
	assert_int_equal(goroutine_of(&g1)->last_caller, 0x10);
	hit_at(&g1, &map_a, 0x12, 3, 1);
	assert_int_equal(goroutine_of(&g1)->last_caller, 0x12);
	hits(&g1, &map_a, OP_READ, 0x13, 3 * CALL_SAMPLE);
	assert_int_equal(goroutine_of(&g1)->last_caller, 0x13);
}

/* Samples are as many, and as even, as if each operation were looked at. */
static void test_samples_of_two_places_are_even(void **state)
{
	struct call_site *sites[2];

	(void)state;
	hits(&g1, &map_b, OP_WRITE, 0x10, 1);
	hits(&g1, &map_b, OP_WRITE, 0x11, 1);
	call_site_mark(TGID, 0x10, MAP_SHARED);
	call_site_mark(TGID, 0x11, MAP_SHARED);
	for (int i = 0; i < 8000; i++)
		hits(&g1, &map_b, OP_WRITE, 0x10 + (i & 1), 1);
	for (int i = 0; i < 2; i++) {
		sites[i] = call_site_find(TGID, 0x10 + i);
		assert_in_range(sites[i]->samples, 4000 / CALL_SAMPLE * 9 / 10,
		                4000 / CALL_SAMPLE * 11 / 10);
	}
}

/* Rows are marked with a time of the same tick; after the collector's word with none before it. */
static void test_time_is_late_by_a_tick_at_most(void **state)
{
	(void)state;
	hits(&g1, &map_a, OP_READ, 0x10, KNOWN);
	for (int i = 0; i < 100; i++) {
		shim.now_ns += MS;
		hit(&g1, &map_a, OP_READ, 0x10);
		assert_in_range(state_of(&map_a)->counts.last_ns, shim.now_ns - SHIM_TICK_NS,
		                shim.now_ns);
		assert_int_equal(goroutine_of(&g1)->last_ns, state_of(&map_a)->counts.last_ns);
	}
	for (int i = 0; i < 100; i++) {
		shim.now_ns += 1000;
		tuning.clock_tick = 0;
		hit(&g1, &map_a, OP_READ, 0x10);
		assert_int_equal(state_of(&map_a)->counts.last_ns, shim.now_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_every_operation_is_counted),
	        T(test_memory_is_hardly_read),
	        T(test_first_write_is_seen),
	        T(test_second_goroutine_is_seen_at_once),
	        T(test_successor_is_no_owner),
	        T(test_place_follows_the_goroutine),
	        T(test_samples_of_two_places_are_even),
	        T(test_time_is_late_by_a_tick_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
