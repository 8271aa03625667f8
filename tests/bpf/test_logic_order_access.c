/* SPDX-License-Identifier: MIT */
/* What is told of an access to a map while order sites are probed. */
#include "logic_order.h"

static void test_an_access_is_told(void **state)
{
	const struct order_event *e;

	(void)state;
	tuning.order_rows = 1;
	hit(&g1, &map_a, OP_DELETE, 0x10);
	assert_int_equal(told_count(), 1);
	e = told(0);
	assert_int_equal(e->act, ORDER_ACT_ACCESS);
	assert_int_equal(e->time_ns, shim.now_ns);
	assert_int_equal(e->g, (unsigned long)&g1);
	assert_int_equal(e->object, (unsigned long)&map_a);
	assert_int_equal(e->place, 0x10);
	assert_int_equal(e->tgid, TGID);
	assert_int_equal(e->tid, 100 + g1.goid);
	assert_int_equal(e->gen, state_of(&map_a)->counts.gen);
	assert_int_equal(e->op, OP_DELETE);
	assert_int_equal(e->row, 0);
	assert_int_equal(e->late, 0);
	assert_int_equal(e->window, SINCE >> 10);
	assert_order_sums();
}

/* What follows another at its address is another map. */
static void test_the_generation_is_told(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	map_a.hash0 += 5;
	hit(&g2, &map_a, OP_WRITE, 0x20);
	assert_int_equal(told(1)->gen, state_of(&map_a)->counts.gen);
	assert_int_equal(told(1)->gen, told(0)->gen + 1);
	assert_order_sums();
}

/* In the order in which all happens, and the place is that of each. */
static void test_the_order_is_kept(void **state)
{
	static const enum order_act acts[] = {ORDER_ACT_TAKE, ORDER_ACT_ACCESS, ORDER_ACT_DROP};

	(void)state;
	for (int i = 0; i < 10; i++) {
		pass(i & 1 ? &g1 : &g2, TAKE, OBJECT);
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10 + i);
		pass(i & 1 ? &g1 : &g2, LATE, OBJECT);
	}
	assert_int_equal(told_count(), 30);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(told(i)->act, acts[i % 3]);
		assert_int_equal(told(i)->g, (uintptr_t)(i / 3 & 1 ? &g1 : &g2));
		if (i % 3 == 1)
			assert_int_equal(told(i)->place, 0x10 + i / 3);
	}
	assert_order_sums();
}

/* Accesses that are counted the short way otherwise: who owns a map may yet share it. */
static void test_every_access_of_an_owner_is_told(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		__u64 now = shim.now_ns += 100;

		hit(&g1, &map_a, OP_WRITE, 0x10 + i); /* some are held */
		assert_int_equal(told_count(), i + 1);
		assert_int_equal(told(i)->place, 0x10 + i);
		assert_int_equal(told(i)->time_ns, now);
	}
	assert_int_equal(state_of(&map_a)->counts.ops[OP_WRITE], 1000);
	assert_int_equal(goroutine_of(&g1)->ops[OP_WRITE], 1000);
	tuning.order_since = 0;
	shim.user_reads = 0;
	for (int i = 0; i < CALL_SAMPLE; i++)
		hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 1000);
	assert_in_range(shim.user_reads, CALL_SAMPLE, 2 * CALL_SAMPLE); /* the short way again */
	assert_order_sums();
}

/* Of a binary whose order sites are not probed nothing can be said. */
static void test_a_binary_without_order_probes(void **state)
{
	(void)state;
	tuning.order_rows = ~1ULL;
	for (int i = 0; i < 100; i++)
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 0);
	assert_int_equal(order_begun, 0);
	assert_int_equal(state_of(&map_a)->counts.ops[OP_WRITE], 100);
	assert_order_sums();
}

/* For a map without a row in the full table no order event is made. */
static void test_a_map_without_a_row(void **state)
{
	(void)state;
	hit(&g1, &map_b, OP_WRITE, 0x10);
	shim.map_limit = 1;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_null(state_of(&map_a));
	assert_int_equal(told_count(), 1);
	assert_order_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        ORDER(test_an_access_is_told),
	        ORDER(test_the_generation_is_told),
	        ORDER(test_the_order_is_kept),
	        ORDER(test_every_access_of_an_owner_is_told),
	        ORDER(test_a_binary_without_order_probes),
	        ORDER(test_a_map_without_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
