/* SPDX-License-Identifier: MIT */
/* Windows in which nobody waits: what conflicts would have been met by chance. */
#include "logic.h"

static void test_control_windows_measure_the_rate(void **state)
{
	const struct map_state *m;
	double rate;

	(void)state;
	share(&map_a);
	/* g1 and g2 in turn, on two CPUs, each every 100 us. Windows are 20 to 275 us long, three
	 * in four more than 147 us, and count one visit of g2 at most: 0.97 in 195 us, 4960 a
	 * second. */
	for (int i = 0; i < 200000; i++) {
		shim.now_ns += 50000;
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
	}
	m = state_of(&map_a);
	assert_true(m->counts.control_ns[1] > 100 * MS);
	rate = m->counts.control_arrivals[1] * 1e9 / m->counts.control_ns[1];
	assert_true(rate > 4200 && rate < 5800);
}

static void test_control_leaves_out_the_same_cpu(void **state)
{
	struct fake_g g3 = {.goid = 9}; /* odd, as 7: same CPU */

	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	for (int i = 0; i < 20000; i++) {
		shim.now_ns += 50000;
		hit(i & 1 ? &g1 : &g3, &map_a, OP_WRITE, 0x10);
	}
	assert_true(state_of(&map_a)->counts.control_ns[1] > 0);
	assert_int_equal(state_of(&map_a)->counts.control_arrivals[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_control_windows_measure_the_rate),
	        T(test_control_leaves_out_the_same_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
