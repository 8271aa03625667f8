/* SPDX-License-Identifier: MIT */
/* Which operations are held, and for how long altogether. */
#include "logic.h"

static void test_held_time_stays_within_budget(void **state)
{
	__u64 held_at_second[12] = {0};
	__u64 begin;

	(void)state;
	share(&map_a);
	begin = shim.now_ns;
	/* Two goroutines hammer a hundred maps: an access every 2 us for ten seconds. */
	for (__u64 i = 0; shim.now_ns < begin + 10000 * MS; i++) {
		shim.now_ns += 2000;
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
		held_at_second[(shim.now_ns - begin) / (1000 * MS) + 1] = total(COVERAGE_STALL_NS);
	}
	assert_true(total(COVERAGE_STALLS) > 10);
	for (int s = 1; s <= 10; s++)
		assert_in_range(held_at_second[s] - held_at_second[s - 1], 0, 10 * MS);
	assert_sums();
}

static void test_local_maps_are_hardly_held(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		shim.now_ns += 10000;
		hit(&g1, &map_a, OP_WRITE, 0x10);
	}
	assert_true(state_of(&map_a)->counts.holds > 0); /* the small share, to learn */
	assert_true(state_of(&map_a)->counts.holds < 100);
}

/* A map made for one request, touched once by each of two goroutines: known by its call sites. */
static void test_request_local_map_is_found(void **state)
{
	static struct fake_map request[64];

	(void)state;
	for (int i = 0; i < 64; i++) {
		struct visitor v = {.g = &g2, .map = &request[i], .op = OP_WRITE, .left = 1};

		request[i].hash0 = 100 + i;
		shim.now_ns += 50 * MS;
		shim.on_wait = visit;
		shim.ctx = &v;
		hit(&g1, &request[i], OP_WRITE, 0x10);
		shim.on_wait = NULL;
		if (v.left)
			hit(&g2, &request[i], OP_WRITE, 0x20);
	}
	assert_true(events_of(EVENT_OVERLAP, NULL) > 10);
	assert_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_held_time_stays_within_budget),
	        T(test_local_maps_are_hardly_held),
	        T(test_request_local_map_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
