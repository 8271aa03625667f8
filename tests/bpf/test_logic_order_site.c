/* SPDX-License-Identifier: MIT */
/* What is told at a place where goroutines are ordered. */
#include "logic_order.h"

static void test_a_site_is_told(void **state)
{
	const struct order_event *e;

	(void)state;
	pass(&g2, TAKE, OBJECT);
	assert_int_equal(told_count(), 1);
	e = told(0);
	assert_int_equal(e->act, ORDER_ACT_TAKE);
	assert_int_equal(e->time_ns, shim.now_ns);
	assert_int_equal(e->g, (unsigned long)&g2);
	assert_int_equal(e->object, OBJECT + 8);
	assert_int_equal(e->place, AT);
	assert_int_equal(e->tgid, TGID);
	assert_int_equal(e->tid, 100 + g2.goid);
	assert_int_equal(e->window, 77);
	assert_int_equal(e->row, 0);
	assert_int_equal(e->late, 0);
	assert_int_equal(e->flagged, 0);
	pass(&g1, ENTRY, OBJECT);
	assert_int_equal(told(1)->place, FROM);
	assert_int_equal(told(1)->object, OBJECT);
	assert_int_equal(total(COVERAGE_ORDER_SITE), 2);
	assert_int_equal(total(COVERAGE_EVENTS_MADE), events_of(EVENT_PROCESS, NULL));
	assert_order_sums();
}

static void test_the_row_is_told(void **state)
{
	static const __u64 stack[1] = {0x10};
	struct pt_regs regs = {.r14 = (unsigned long)&g1,
	                       .ax = (unsigned long)&map_type,
	                       .bx = (unsigned long)&map_a,
	                       .sp = (unsigned long)stack,
	                       .ip = AT};

	(void)state;
	field_rows[9] = field_rows[0];
	tuning.order_rows = 1ULL << 9;
	shim.cookie = COOKIE(0xffff, PROBE_ORDER, 0, 0, 0, 9) | COOKIE_ORDER(TAKE);
	on_probe(&regs);
	assert_int_equal(told(0)->row, 9);
	shim.cookie = COOKIE(3, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_PUSH, 9);
	on_probe(&regs);
	assert_int_equal(told(1)->act, ORDER_ACT_ACCESS);
	assert_int_equal(told(1)->row, 9);
	memset(&field_rows[9], 0, sizeof(field_rows[9]));
	assert_order_sums();
}

static void test_nothing_is_told_before_all_is_in_place(void **state)
{
	(void)state;
	tuning.order_since = 0;
	for (enum site site = TAKE; site < SITES; site++)
		pass(&g1, site, (unsigned long)&map_b);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(total(COVERAGE_ORDER_SITE), SITES);
	assert_int_equal(told_count(), 0);
	assert_int_equal(order_begun, 0);
	tuning.order_since = SINCE;
	pass(&g1, TAKE, OBJECT);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 2);
	assert_order_sums();
}

static void test_nothing_is_told_of_what_is_not_watched(void **state)
{
	(void)state;
	config.any_process = 0;
	pass(&g1, TAKE, OBJECT);
	assert_int_equal(total(COVERAGE_OTHER_PROCESS), 1);
	assert_int_equal(told_count(), 0);
	assert_order_sums();
}

static void test_conditions(void **state)
{
	static const struct {
		enum order_condition condition;
		__u64 flags;
		int counts;
	} cases[] = {{ORDER_ALWAYS, CARRY | ZERO | SIGN, 1},
	             {ORDER_ALWAYS, 0, 1},
	             {ORDER_IF_ZF, ZERO, 1},
	             {ORDER_IF_ZF, CARRY | SIGN, 0},
	             {ORDER_IF_NOT_ZF, ZERO, 0},
	             {ORDER_IF_NOT_ZF, CARRY | SIGN, 1},
	             {ORDER_IF_NOT_SF, SIGN, 0},
	             {ORDER_IF_NOT_SF, CARRY | ZERO, 1},
	             {ORDER_IF_NO_CF_ZF, CARRY, 0},
	             {ORDER_IF_NO_CF_ZF, ZERO, 0},
	             {ORDER_IF_NO_CF_ZF, SIGN, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const __u32 at = TAKE;
		struct order_row row = sites[TAKE];
		int before = told_count();

		row.condition = cases[i].condition;
		bpf_map_update_elem(&order_sites, &at, &row, BPF_ANY);
		pass_with(&g1, TAKE, (struct pt_regs){.bx = OBJECT, .flags = cases[i].flags});
		assert_int_equal(told_count() - before, cases[i].counts);
		if (cases[i].counts)
			assert_int_equal(told(-1)->late, 0);
	}
	assert_order_sums();
}

static void test_a_try_that_fails_is_not_told(void **state)
{
	(void)state;
	pass_with(&g1, TRY, (struct pt_regs){.bx = OBJECT, .flags = CARRY | SIGN});
	assert_int_equal(told_count(), 0);
	pass_with(&g1, TRY, (struct pt_regs){.bx = OBJECT, .flags = ZERO});
	assert_int_equal(told_count(), 1);
	assert_order_sums();
}

/* A reader that does not get its lock waits for it: it has it when it goes on. */
static void test_who_waits_is_told_as_late(void **state)
{
	(void)state;
	pass_with(&g1, READ, (struct pt_regs){.bx = OBJECT});
	assert_int_equal(told(0)->act, ORDER_ACT_TAKE_SHARED);
	assert_int_equal(told(0)->late, 0);
	pass_with(&g1, READ, (struct pt_regs){.bx = OBJECT, .flags = SIGN});
	assert_int_equal(told(1)->act, ORDER_ACT_TAKE_SHARED);
	assert_int_equal(told(1)->object, OBJECT);
	assert_int_equal(told(1)->late, 1);
	pass(&g1, LATE, OBJECT);
	assert_int_equal(told(2)->late, 1);
	assert_order_sums();
}

static void test_every_register_is_read(void **state)
{
	const struct pt_regs regs = {.ax = 100,
	                             .cx = 101,
	                             .dx = 102,
	                             .bx = 103,
	                             .sp = 104,
	                             .bp = 105,
	                             .si = 106,
	                             .di = 107,
	                             .r8 = 108,
	                             .r9 = 109,
	                             .r10 = 110,
	                             .r11 = 111,
	                             .r12 = 112,
	                             .r13 = 113,
	                             .r14 = 114,
	                             .r15 = 115};

	(void)state;
	for (__u32 i = 0; i < 16; i++)
		assert_int_equal(order_register(&regs, i), 100 + i);
	assert_int_equal(order_register(&regs, 16), 0);
}

static void test_where_the_object_is(void **state)
{
	__u64 memory[4] = {1, OBJECT + 16, 2, 3};

	(void)state;
	pass(&g1, LOADED, (uintptr_t)memory);
	assert_int_equal(told(0)->object, OBJECT);
	pass(&g1, CONSTANT, 0);
	assert_int_equal(told(1)->object, OBJECT);
	pass(&g1, NOWHERE, OBJECT);
	assert_int_equal(told(2)->object, 0);
	pass(&g1, LOADED, -8ULL); /* what cannot be read is not known */
	assert_int_equal(told(3)->object, 0);
	assert_order_sums();
}

/* On its own stack a goroutine is known by its g; on another the m knows whose it is. */
static void test_for_whom_the_runtime_works(void **state)
{
	struct fake_m m = {.curg = (uintptr_t)&g2};
	struct fake_g0 g0 = {.m = &m};

	(void)state;
	m.g0 = (uintptr_t)&g0;
	pass(&g0.g, SYSTEM, OBJECT);
	assert_int_equal(told(0)->g, (uintptr_t)&g2);
	assert_int_equal(told(0)->place, FROM);
	pass(&g0.g, ENTRY, OBJECT); /* not known to be for anybody */
	assert_int_equal(told(1)->g, 0);
	m.curg = 0; /* the scheduler's own work */
	pass(&g0.g, SYSTEM, OBJECT);
	assert_int_equal(told(2)->g, 0);
	m.curg = (uintptr_t)&g2;
	pass(&g1, SYSTEM, OBJECT);
	assert_int_equal(told(3)->g, (uintptr_t)&g1);
	assert_order_sums();
}

static void test_without_a_goid_it_is_the_g(void **state)
{
	(void)state;
	field_rows[0].g_goid = -1;
	g1.goid = 0;
	pass(&g1, ENTRY, OBJECT);
	assert_int_equal(told(0)->g, (uintptr_t)&g1);
}

static void test_losses_are_counted(void **state)
{
	(void)state;
	shim.order_ring_limit = 2;
	for (int i = 0; i < 5; i++)
		pass(&g1, TAKE, OBJECT);
	assert_int_equal(told_count(), 2);
	assert_int_equal(order_begun, 5);
	assert_int_equal(order_lost, 3);
	assert_int_equal(total(COVERAGE_RING_FULL), 0); /* of the other ring */
	assert_order_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        ORDER(test_a_site_is_told),
	        ORDER(test_the_row_is_told),
	        ORDER(test_nothing_is_told_before_all_is_in_place),
	        ORDER(test_nothing_is_told_of_what_is_not_watched),
	        ORDER(test_conditions),
	        ORDER(test_a_try_that_fails_is_not_told),
	        ORDER(test_who_waits_is_told_as_late),
	        ORDER(test_every_register_is_read),
	        ORDER(test_where_the_object_is),
	        ORDER(test_for_whom_the_runtime_works),
	        ORDER(test_without_a_goid_it_is_the_g),
	        ORDER(test_losses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
