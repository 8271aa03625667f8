/* SPDX-License-Identifier: MIT */
/* What is told of a process that the runtime ends. */
#include "logic.h"

static void test_crash_names_the_last_map(void **state)
{
	static const char text[] = "concurrent map writes";
	const struct event_header *h = NULL;
	const struct event_crash *e;
	__u64 stack[1] = {0x40};
	struct pt_regs regs = {.r14 = (unsigned long)&g1,
	                       .ax = (unsigned long)text,
	                       .bx = strlen(text),
	                       .sp = (unsigned long)stack};

	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	shim.cookie = COOKIE(5, WIRE_CRASH, 0, WIRE_MESSAGE, WIRE_AT_ENTRY, 0);
	on_probe(&regs);
	assert_int_equal(events_of(EVENT_CRASH, &h), 1);
	e = (const void *)h;
	assert_string_equal(e->message, text);
	assert_int_equal(e->last_map, (unsigned long)&map_a);
	assert_int_equal(e->access.op, OP_WRITE);
	assert_int_equal(e->access.goid, 7);
	assert_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_crash_names_the_last_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
