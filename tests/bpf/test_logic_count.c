/* SPDX-License-Identifier: MIT */
/* What the BPF programs count, and for whom. */
#include "logic.h"

static void test_operations_are_counted_by_kind(void **state)
{
	(void)state;
	for (int op = 0; op < OP_COUNT; op++)
		for (int i = 0; i <= op; i++)
			hit(&g1, &map_a, op, 0x10);
	for (int op = 0; op < OP_COUNT; op++)
		assert_int_equal(state_of(&map_a)->counts.ops[op], op + 1);
	assert_int_equal(total(COVERAGE_COUNTED), 15);
	assert_int_equal(state_of(&map_a)->counts.flags & MAP_SHARED, 0);
	assert_int_equal(state_of(&map_a)->counts.first_caller, 0x10);
	assert_sums();
}

static void test_first_hit_announces_the_process(void **state)
{
	const struct event_header *h = NULL;

	(void)state;
	hit(&g1, &map_a, OP_READ, 0x10);
	hit(&g1, &map_a, OP_READ, 0x10);
	assert_int_equal(events_of(EVENT_PROCESS, &h), 1);
	assert_int_equal(h->tgid, TGID);
}

static void test_full_table_is_a_loss(void **state)
{
	(void)state;
	shim.map_limit = 1;
	hit(&g1, &map_a, OP_READ, 0x10);
	hit(&g1, &map_b, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_TABLE_FULL), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	assert_sums();
}

static void test_reused_g_is_a_new_goroutine(void **state)
{
	struct fake_g g = {.goid = 7};
	struct goroutine_key key = {.g = (unsigned long)&g, .tgid = TGID};
	struct goroutine_counts *c;

	(void)state;
	hit(&g, &map_a, OP_WRITE, 0x10);
	hit(&g, &map_a, OP_WRITE, 0x10);
	g.goid = 9; /* goroutine 7 ended, its g serves 9 */
	hit(&g, &map_a, OP_READ, 0x10);
	c = bpf_map_lookup_elem(&goroutines, &key);
	assert_int_equal(c->goid, 9);
	assert_int_equal(c->ops[OP_READ], 1);
	assert_int_equal(c->ops[OP_WRITE], 0);
	assert_int_equal(total(COVERAGE_GOROUTINES_UNTRACKED), 2);
	/* Two goroutines, one after the other: the map is shared. */
	assert_true(state_of(&map_a)->counts.flags & MAP_SHARED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_operations_are_counted_by_kind),
	        T(test_first_hit_announces_the_process),
	        T(test_full_table_is_a_loss),
	        T(test_reused_g_is_a_new_goroutine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
