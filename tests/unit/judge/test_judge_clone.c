/* SPDX-License-Identifier: MIT */
/* A clone may lie where an older map of the same seed was. */
#include "tests/unit/judge/judge_fixture.h"

#define SEED   0x5eed5eedULL
#define COPY   0x88000
#define SOURCE 0x99000

static void event(uint64_t g, enum order_act act, uint64_t map, uint64_t seed)
{
	struct order_event event = {.time_ns = ++it.time,
	                            .g = g,
	                            .object = map,
	                            .place = g,
	                            .seed = seed,
	                            .tgid = PID,
	                            .act = act,
	                            .op = act == ORDER_ACT_ACCESS ? OP_WRITE : 0};

	order_judge_feed(it.judge, &event, 0);
}

#define changes(g, map) event(g, ORDER_ACT_ACCESS, map, SEED)
#define clones(g, map)  event(g, ORDER_ACT_CLONE, map, SEED)

static void test_other_seeds(void **state)
{
	(void)state;
	meet_all();
	changes(A, COPY);
	event(B, ORDER_ACT_CLONE, SOURCE, SEED + 1);
	changes(C, COPY);
	meet_all();
	assert_int_equal(it.found, 1);
}

static void test_same_address(void **state)
{
	(void)state;
	meet_all();
	changes(A, COPY); /* and the collector frees it */
	clones(B, SOURCE);
	changes(B, COPY);
	meet_all();
	assert_int_equal(it.found, 0);
	assert_int_equal(counts().unknown, 1);
	changes(C, COPY); /* that one lives */
	meet_all();
	assert_int_equal(it.found, 1);
	assert_int_equal(it.last.first.g, B);
}

static void test_freed_before_there_is_the_clone(void **state)
{
	(void)state;
	meet_all();
	clones(B, SOURCE);
	changes(A, COPY); /* it is freed, and the clone is where it was */
	tell(B, SPAWN, 0);
	changes(B, COPY);
	meet_all();
	assert_int_equal(it.found, 0);
	assert_int_equal(counts().unknown, 1);
}

static void test_source(void **state)
{
	(void)state;
	meet_all();
	changes(A, SOURCE);
	clones(B, SOURCE);
	changes(C, SOURCE);
	meet_all();
	assert_int_equal(it.found, 1);
}

/* What is a source now may have been made since, as a clone of another one. */
static void test_source_that_is_a_clone(void **state)
{
	(void)state;
	meet_all();
	changes(A, SOURCE);
	clones(B, COPY);
	clones(B, SOURCE);
	changes(D, SOURCE);
	meet_all();
	assert_int_equal(it.found, 0);
	assert_int_equal(counts().unknown, 1);
}

static void test_seed_not_known(void **state)
{
	(void)state;
	meet_all();
	changes(A, COPY);
	event(B, ORDER_ACT_CLONE, SOURCE, 0);
	changes(C, COPY);
	meet_all();
	assert_int_equal(it.found, 0);
}

static void test_new_window(void **state)
{
	(void)state;
	meet_all();
	clones(B, SOURCE);
	order_judge_reset(it.judge);
	it.time = 0;
	meet_all();
	changes(A, COPY);
	changes(C, COPY);
	meet_all();
	assert_int_equal(it.found, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        UNMET(test_other_seeds),
	        UNMET(test_same_address),
	        UNMET(test_source_that_is_a_clone),
	        UNMET(test_source),
	        UNMET(test_freed_before_there_is_the_clone),
	        UNMET(test_seed_not_known),
	        UNMET(test_new_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
