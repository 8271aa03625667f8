/* SPDX-License-Identifier: MIT */
/* A map that a lock guards is held with time that no other map wants. */
#include "logic.h"

#define ROUNDS 20000

static void guarded_set(const struct fake_map *map, __u32 gen)
{
	struct map_key key = {.addr = (__u64)map, .tgid = TGID};

	bpf_map_update_elem(&guarded, &key, &gen, BPF_ANY);
}

/* Two goroutines use both maps by turns, for as long as it takes for held time to be scarce. */
static void both_used(void)
{
	share(&map_a);
	share(&map_b);
	for (int i = 0; i < ROUNDS; i++) {
		shim.now_ns += 50000;
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
		shim.now_ns += 50000;
		hit(i & 1 ? &g1 : &g2, &map_b, OP_WRITE, 0x20);
	}
}

static __u64 holds_of(struct fake_map *map)
{
	return state_of(map)->counts.holds;
}

static void test_alike_without_a_guard(void **state)
{
	(void)state;
	both_used();
	assert_in_range(2 * holds_of(&map_a), holds_of(&map_b), 4 * holds_of(&map_b));
	assert_sums();
}

static void test_guarded_map_comes_last(void **state)
{
	(void)state;
	guarded_set(&map_a, 0);
	both_used();
	assert_true(holds_of(&map_b) > 20);
	assert_true(10 * holds_of(&map_a) < holds_of(&map_b));
	assert_sums();
}

/* What was known of the map that was there before says nothing of this one. */
static void test_another_map_at_the_address(void **state)
{
	(void)state;
	guarded_set(&map_a, 1);
	both_used();
	assert_in_range(2 * holds_of(&map_a), holds_of(&map_b), 4 * holds_of(&map_b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_alike_without_a_guard),
	        T(test_guarded_map_comes_last),
	        T(test_another_map_at_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
