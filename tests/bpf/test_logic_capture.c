/* SPDX-License-Identifier: MIT */
/* Walks along call chains: no further than they were long last time, and all the same complete. */
#include "logic.h"

#define PLACE  0x10
#define GOEXIT 0x9000

static struct operation o;
static struct access a;

static int capture_set_up(void **state)
{
	struct target_state target = {.announced = TARGET_ANNOUNCED, .goexit = GOEXIT};
	__u32 tgid = TGID;
	int rc = set_up(state);

	config.stack_bytes = 64 * sizeof(__u64);
	bpf_map_update_elem(&targets, &tgid, &target, BPF_ANY);
	call_site_mark(tgid, PLACE, MAP_SHARED);
	o = (struct operation){
	        .tgid = TGID, .g = (unsigned long)&g1, .caller = PLACE, .place = PLACE};
	return rc;
}

/* Walk a chain of so many entries that ends as a goroutine's does, or not; returns how many words
 * the kernel was asked for at first. */
static __u32 capture(int depth, bool ends)
{
	for (int i = 0; i < depth; i++)
		shim.stack[i] = 0x1000 + (unsigned int)i;
	if (ends)
		shim.stack[depth - 1] = GOEXIT;
	shim.stack_depth = depth;
	shim.stack_asked = shim.stack_walks = 0;
	assert_true(access_capture(NULL, &o, &a));
	assert_int_equal(a.depth, depth);
	assert_memory_equal(a.stack, shim.stack, depth * sizeof(__u64));
	return shim.stack_asked / sizeof(__u64);
}

static void test_length_is_remembered(void **state)
{
	(void)state;
	assert_int_equal(capture(12, true), config.stack_bytes / sizeof(__u64));
	assert_int_equal(shim.stack_walks, 1);
	assert_int_equal(capture(12, true), 12);
	assert_int_equal(shim.stack_walks, 1);
}

/* A longer one, a shorter one, one that ends elsewhere: whole, at the price of a second walk. */
static void test_other_lengths_are_whole(void **state)
{
	(void)state;
	capture(12, true);
	assert_int_equal(capture(20, true), 12);
	assert_int_equal(shim.stack_walks, 2);
	assert_int_equal(capture(20, true), 20);
	assert_int_equal(capture(5, true), 20);
	assert_int_equal(shim.stack_walks, 1); /* it ended within what was asked for */
	assert_int_equal(capture(20, false), 20);
	assert_int_equal(shim.stack_walks, 2);
}

/* After an execve(2) of the same file at another load address: a goroutine has the goid and the g
 * address of an older one, and another gopc. */
static void test_origin_is_that_of_now(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_READ, PLACE);
	o.goid = g1.goid;
	capture(12, true);
	assert_int_equal(a.gopc, 0x77);
	g1.gopc = 0x5077;
	g1.parent = 3;
	capture(12, true);
	assert_int_equal(a.gopc, 0x5077);
	assert_int_equal(a.parent_goid, 3);
}

/* What does not end as a goroutine's says nothing of the next one; neither does a place of which
 * nothing is known, or a program of which is not known what its goroutines return to. */
static void test_only_whole_chains_count(void **state)
{
	struct target_state target = {.announced = TARGET_ANNOUNCED};
	__u32 tgid = TGID, most = config.stack_bytes / sizeof(__u64);

	(void)state;
	capture(12, false);
	assert_int_equal(capture(12, false), most);
	capture(12, true);
	o.place = 0x20;
	assert_int_equal(capture(12, true), most);
	assert_int_equal(capture(12, true), most);
	o.place = PLACE;
	bpf_map_update_elem(&targets, &tgid, &target, BPF_ANY);
	assert_int_equal(capture(12, true), most);
}

/* From a call the kernel's walk lacks the first entries, and is asked for so much less. */
static void test_length_at_a_call(void **state)
{
	(void)state;
	o.probed = 0x77;
	for (int i = 0; i < 9; i++)
		shim.stack[i] = 0x2000 + (unsigned int)i;
	shim.stack[0] = 0x70;
	shim.stack[9] = GOEXIT;
	shim.stack_depth = 10;
	for (int times = 0; times < 2; times++) {
		shim.stack_asked = shim.stack_walks = 0;
		assert_true(access_capture(NULL, &o, &a));
		assert_int_equal(a.depth, 11);
		assert_int_equal(a.stack[0], 0x77);
		assert_int_equal(a.stack[1], PLACE);
		assert_int_equal(a.stack[2], 0x2001);
		assert_int_equal(a.stack[10], GOEXIT);
		assert_int_equal(shim.stack_walks, 1);
	}
	assert_int_equal(shim.stack_asked / sizeof(__u64), 10);
}

int main(void)
{
#define C(test) cmocka_unit_test_setup(test, capture_set_up)
	const struct CMUnitTest tests[] = {
	        C(test_length_is_remembered),  C(test_other_lengths_are_whole),
	        C(test_origin_is_that_of_now), C(test_only_whole_chains_count),
	        C(test_length_at_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
