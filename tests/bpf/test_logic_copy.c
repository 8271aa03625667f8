/* SPDX-License-Identifier: MIT */
/* Which stacks are copied for the user side to walk, and how many. */
#include "logic.h"

/* Both goroutines' stacks end behind hit_stack: fake_g has `parent` where g.stack.hi is. */
static void copies_wanted(__u64 goexit, __u64 callback)
{
	struct target_state state = {.announced = TARGET_ANNOUNCED,
	                             .goexit = goexit,
	                             .callback_begin = callback,
	                             .callback_end = callback ? callback + 16 : 0};
	__u32 tgid = TGID;

	config.stack_copies = STACK_COPIES_NEEDED;
	stack_copy_spent_until_ns = 0;
	g1.parent = g2.parent = (unsigned long)(hit_stack + 4);
	bpf_map_update_elem(&targets, &tgid, &state, BPF_ANY);
}

/* Of both sides of one overlap, and not counting those of holds that nobody met. */
static int copies_of_one_overlap(__u64 goexit, __u64 callback)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_READ, .left = 1};

	set_up(NULL);
	copies_wanted(goexit, callback);
	hold_with(&v, &g1, OP_WRITE);
	assert_int_equal(v.left, 0);
	assert_sums();
	return events_of(EVENT_STACK, NULL);
}

static void test_whole_chains_need_no_stack(void **state)
{
	(void)state;
	assert_int_equal(copies_of_one_overlap(0x3000, 0), 0);
	assert_int_equal(copies_of_one_overlap(0x3000, 0x5000), 0);
	assert_int_equal(copies_of_one_overlap(0, 0), 0); /* where chains end is not known yet */
}

static void test_stacks_go_before_their_event(void **state)
{
	const struct event_header *before[2] = {NULL, NULL}, *h = NULL;
	const struct event_overlap *overlap;

	(void)state;
	assert_in_range(copies_of_one_overlap(0x4000, 0), 2, 100);
	assert_int_equal(events_of(EVENT_OVERLAP, &h), 1);
	overlap = (const void *)h;
	for (struct shim_event *e = shim_events; e; e = e->next) {
		const struct event_header *at = (const void *)e->data;

		if (at->kind == EVENT_OVERLAP)
			break;
		if (!e->submitted || at->kind == EVENT_CHAIN)
			continue;
		before[0] = before[1];
		before[1] = at;
	}
	for (int i = 0; i < 2; i++) {
		const struct event_stack *stack = (const void *)before[i];
		const struct access *a = i ? &overlap->came : &overlap->held;

		assert_int_equal(stack->h.kind, EVENT_STACK);
		assert_int_equal(stack->h.time_ns, a->time_ns);
		assert_int_equal(stack->h.tgid, TGID);
		assert_int_equal(stack->g, a->g);
		assert_int_equal(stack->pc, 0x1000);
		assert_int_equal(stack->sp, (unsigned long)hit_stack);
		assert_int_equal(stack->fp, 0xb9);
		assert_int_equal(stack->bytes, sizeof(hit_stack));
	}
}

/* Whatever the frame pointers lead to behind C code, it is not trusted. */
static void test_callbacks_need_the_stack(void **state)
{
	(void)state;
	assert_in_range(copies_of_one_overlap(0x3000, 0x1ff8), 2, 100);
}

static void test_stack_copies_are_rationed(void **state)
{
	struct access a = {.g = (unsigned long)&g1, .tgid = TGID, .depth = 1};

	(void)state;
	copies_wanted(0x4000, 0);
	for (int i = 0; i < 100; i++)
		stack_copy(&a, 0x1000, (unsigned long)hit_stack, 0);
	assert_int_equal(events_of(EVENT_STACK, NULL), 17);
	shim.now_ns += 1000 * MS;
	stack_copy(&a, 0x1000, (unsigned long)hit_stack, 0);
	assert_int_equal(events_of(EVENT_STACK, NULL), 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_whole_chains_need_no_stack),
	        T(test_stacks_go_before_their_event),
	        T(test_callbacks_need_the_stack),
	        T(test_stack_copies_are_rationed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
