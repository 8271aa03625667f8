/* SPDX-License-Identifier: MIT */
/* What is told of a process that the runtime ends. */
#include "logic.h"

#define PLACE 0x10

/* The stack of a map function that was called from PLACE and calls runtime.fatal: frame pointer to
 * frame, where the caller has room for the arguments behind the return address. */
static struct {
	__u64 next, place;
	__u64 slot[2];
} frame, outer;

static const struct event_crash *crash_with(struct fake_g *g, const char *text)
{
	static __u64 stack[1] = {0x40};
	const struct event_header *h = NULL;
	const struct event_crash *e;
	struct pt_regs regs = {.r14 = (unsigned long)g,
	                       .ax = (unsigned long)text,
	                       .bx = strlen(text),
	                       .bp = (unsigned long)&frame,
	                       .sp = (unsigned long)stack};

	shim.cookie = COOKIE(5, PROBE_CRASH, 0, ARGS_MESSAGE, PROBE_AT_ENTRY, 0);
	on_probe(&regs);
	assert_int_equal(events_of(EVENT_CRASH, &h), 1);
	e = (const void *)h;
	assert_string_equal(e->message, text);
	assert_int_equal(e->access.goid, g->goid);
	assert_sums();
	return e;
}

static const struct event_crash *crash_of(struct fake_g *g)
{
	return crash_with(g, "concurrent map writes");
}

static int set_up_frame(void **state)
{
	frame.next = (unsigned long)&outer;
	frame.place = PLACE;
	frame.slot[0] = frame.slot[1] = 0;
	outer.next = outer.place = 0;
	return set_up(state);
}

#define AT_FRAME(test) cmocka_unit_test_setup_teardown(test, set_up_frame, tear_down)

static void test_crash_after_an_operation_that_was_seen(void **state)
{
	const struct event_crash *e;

	(void)state;
	tuning.armed_ns = shim.now_ns;
	hit(&g1, &map_a, OP_DELETE, PLACE);
	e = crash_of(&g1);
	assert_int_equal(e->last_map, (unsigned long)&map_a);
	assert_int_equal(e->access.map, (unsigned long)&map_a);
	assert_int_equal(e->access.op, OP_DELETE);
}

static void test_crash_behind_a_wrapper(void **state)
{
	(void)state;
	tuning.armed_ns = shim.now_ns;
	frame.place = 0x66;
	outer.place = PLACE;
	hit(&g1, &map_a, OP_WRITE, PLACE);
	assert_int_equal(crash_of(&g1)->last_map, (unsigned long)&map_a);
}

/* What the goroutine did since its last operation that was seen is not known. */
static void test_crash_while_the_probes_are_out(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, PLACE);
	assert_int_equal(crash_of(&g1)->last_map, 0);
}

static void test_crash_in_a_window_that_saw_nothing(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, PLACE);
	tuning.armed_ns = shim.now_ns + MS;
	assert_int_equal(crash_of(&g1)->last_map, 0);
}

static void test_crash_at_another_place(void **state)
{
	(void)state;
	tuning.armed_ns = shim.now_ns;
	hit(&g1, &map_a, OP_WRITE, PLACE + 1);
	assert_int_equal(crash_of(&g1)->last_map, 0);
}

/* The map function's own copy of its arguments outdoes what was seen before. */
static void test_crash_finds_the_argument(void **state)
{
	const struct event_crash *e;

	(void)state;
	tuning.armed_ns = shim.now_ns;
	hit(&g2, &map_b, OP_WRITE, 0x20);
	hit(&g1, &map_a, OP_DELETE, PLACE);
	frame.slot[0] = (unsigned long)&map_type;
	frame.slot[1] = (unsigned long)&map_b;
	e = crash_of(&g1);
	assert_int_equal(e->last_map, (unsigned long)&map_b);
	assert_int_equal(e->access.op, 0);
}

static void test_crash_finds_the_argument_of_a_method(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, PLACE);
	frame.slot[0] = (unsigned long)&map_a;
	frame.slot[1] = (unsigned long)&map_type;
	assert_int_equal(crash_of(&g1)->last_map, (unsigned long)&map_a);
}

static void test_crash_with_a_slot_of_an_earlier_call(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, PLACE);
	frame.slot[0] = (unsigned long)&map_b;
	frame.slot[1] = (unsigned long)&map_a;
	assert_int_equal(crash_of(&g1)->last_map, 0);
}

/* mapaccess of hmap is compiled such that it needs its arguments again, that of Swiss maps is
 * not. */
static __u64 map_of_reader(__u8 seed_size)
{
	field_rows[0].seed_size = seed_size;
	hit(&g1, &map_a, OP_READ, PLACE);
	frame.slot[0] = (unsigned long)&map_type;
	frame.slot[1] = (unsigned long)&map_a;
	return crash_with(&g1, "concurrent map read and map write")->last_map;
}

static void test_crash_of_a_reader_of_hmap(void **state)
{
	(void)state;
	assert_int_equal(map_of_reader(4), (unsigned long)&map_a);
}

/* What ends the process has nothing to do with maps: what the slots have is by chance. */
static void test_crash_of_another_kind(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, PLACE + 1);
	frame.slot[0] = (unsigned long)&map_type;
	frame.slot[1] = (unsigned long)&map_a;
	assert_int_equal(crash_with(&g1, "all goroutines are asleep - deadlock!")->last_map, 0);
}

static void test_crash_of_a_reader_of_swiss(void **state)
{
	(void)state;
	assert_int_equal(map_of_reader(8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        AT_FRAME(test_crash_after_an_operation_that_was_seen),
	        AT_FRAME(test_crash_behind_a_wrapper),
	        AT_FRAME(test_crash_while_the_probes_are_out),
	        AT_FRAME(test_crash_in_a_window_that_saw_nothing),
	        AT_FRAME(test_crash_at_another_place),
	        AT_FRAME(test_crash_finds_the_argument),
	        AT_FRAME(test_crash_finds_the_argument_of_a_method),
	        AT_FRAME(test_crash_with_a_slot_of_an_earlier_call),
	        AT_FRAME(test_crash_of_a_reader_of_hmap),
	        AT_FRAME(test_crash_of_a_reader_of_swiss),
	        AT_FRAME(test_crash_of_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
