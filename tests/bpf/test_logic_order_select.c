/* SPDX-License-Identifier: MIT */
/* What is told of a select. */
#include "logic_order.h"

/* type scase struct { c *hchan; elem unsafe.Pointer } */
struct fake_case {
	__u64 channel, element;
};

static void pass_select(const struct fake_case *cases, __u64 sends, __u64 receives, __u64 flags)
{
	pass_with(&g1, SELECT,
	          (struct pt_regs){.ax = (uintptr_t)cases,
	                           .bx = OBJECT,
	                           .cx = 3,
	                           .di = sends,
	                           .si = receives,
	                           .flags = flags});
}

static void assert_case(int n, enum order_act act, __u64 channel, bool further)
{
	assert_int_equal(told(n)->act, act);
	assert_int_equal(told(n)->object, channel);
	assert_int_equal(told(n)->g, (uintptr_t)&g1);
	assert_int_equal(told(n)->window, 77);
	assert_int_equal(told(n)->late, 0);
	assert_int_equal(told(n)->op, further ? ORDER_FURTHER_CASE : 0);
}

static void test_each_case_of_a_select_is_told(void **state)
{
	static const struct fake_case cases[] = {{0xa0, 1}, {0xb0, 2}, {0xc0, 3}, {0xd0, 4},
	                                         {0xe0, 5}, {0xf0, 6}, {0x99, 7}};

	(void)state;
	pass_select(cases, 2, 3, 0);
	assert_int_equal(told_count(), 5);
	assert_case(0, ORDER_ACT_SEND, 0xa0, false);
	assert_case(1, ORDER_ACT_SEND, 0xb0, true);
	assert_case(2, ORDER_ACT_RECEIVE, 0xc0, true);
	assert_case(3, ORDER_ACT_RECEIVE, 0xd0, true);
	assert_case(4, ORDER_ACT_RECEIVE, 0xe0, true);
	pass_select(cases, ORDER_CASES_KNOWN, 0, 0);
	assert_int_equal(told_count(), 5 + ORDER_CASES_KNOWN);
	assert_case(-1, ORDER_ACT_SEND, 0xf0, true);
	pass_select(cases, 0, 1, 0);
	assert_case(-1, ORDER_ACT_RECEIVE, 0xa0, false);
	pass_select(cases, 1, 1, CARRY); /* its stack grows, and it begins anew */
	assert_int_equal(told_count(), 5 + ORDER_CASES_KNOWN + 1);
	assert_order_sums();
}

/* select {} among them has none: it waits for ever. */
static void test_a_nil_channel_is_no_case(void **state)
{
	static const struct fake_case cases[] = {{0, 1}, {0xb0, 2}, {0, 3}};

	(void)state;
	pass_select(cases, 1, 2, 0);
	assert_int_equal(told_count(), 1);
	assert_case(0, ORDER_ACT_RECEIVE, 0xb0, false);
	pass_select(cases, 0, 0, 0);
	assert_int_equal(told_count(), 1);
	assert_order_sums();
}

static void test_a_select_of_many_is_told_as_that(void **state)
{
	struct fake_case cases[ORDER_CASES_KNOWN + 1];

	(void)state;
	for (int i = 0; i <= ORDER_CASES_KNOWN; i++)
		cases[i] = (struct fake_case){0xa0 + i, 1};
	pass_select(cases, 3, ORDER_CASES_KNOWN - 2, 0);
	assert_int_equal(told_count(), 1);
	assert_case(0, ORDER_ACT_SELECT_MANY, 0, false);
	assert_order_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        ORDER(test_each_case_of_a_select_is_told),
	        ORDER(test_a_nil_channel_is_no_case),
	        ORDER(test_a_select_of_many_is_told_as_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
