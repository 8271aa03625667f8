/* SPDX-License-Identifier: MIT */
/* What is not known counts as order. */
#include "tests/unit/judge/judge_fixture.h"

static void test_published(void **state)
{
	(void)state;
	writes(A);
	tell(A, PUBLISH, 0);
	writes(B);
	assert_int_equal(counts().unknown, 1);
	meet_all();
	writes(A); /* what comes after it is known again */
	use(MAP, C, OP_WRITE, 1);
	assert_int_equal(counts().unknown, 1);
	assert_found_in_all(3);
}

static void test_unknown_objects(void **state)
{
	static const enum order_act acts[] = {ORDER_ACT_RELEASE, ORDER_ACT_BOTH,
	                                      ORDER_ACT_DROP,    ORDER_ACT_SEND,
	                                      ORDER_ACT_CLOSE,   ORDER_ACT_RECEIVE};

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		use(MAP + i, A, OP_WRITE, 1);
		feed(A, acts[i], 0, false, false);
		use(MAP + i, B, OP_WRITE, 2);
		assert_int_equal(counts().unknown, i + 1);
	}
	use(MAP + 100, A, OP_WRITE, 1);
	tell(A, DROP, LOCK);
	tell(B, ACQUIRE, 0);
	use(MAP + 100, B, OP_WRITE, 2);
	assert_int_equal(counts().ordered, 1);
}

static void test_writes_to_descriptors(void **state)
{
	(void)state;
	for (int out = 0; out < 2; out++) {
		order_judge_reset(it.judge);
		meet_all();
		it.goes_out = out;
		use(MAP + out, A, OP_WRITE, 1);
		tell(A, WRITE, 5);
		use(MAP + out, B, OP_WRITE, 2);
		assert_int_equal(counts().unknown, 1);
	}
	assert_found_in_all(1);
}

static void test_select_of_many(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(A, SELECT_MANY, 0);
	use(MAP, B, OP_WRITE, 2);
	assert_int_equal(counts().unknown, 1); /* it may have sent */
	tell(C, SELECT_MANY, 0);
	use(MAP + 8, D, OP_WRITE, 3);
	tell(D, SEND, CHAN);
	use(MAP + 8, C, OP_WRITE, 4); /* it may have received */
	assert_int_equal(counts().ordered, 1);
}

/* A goroutine of which nobody knows which it is may be any. */
static void test_unknown_goroutine(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(A, DROP, LOCK);
	tell(0, RELEASE, OTHER);
	tell(B, ACQUIRE, OTHER);
	use(MAP, B, OP_WRITE, 2);
	assert_int_equal(counts().ordered, 1);
	use(MAP + 8, A, OP_WRITE, 3);
	use(MAP + 8, B, OP_WRITE, 4);
	tell_late(0, RELEASE, OTHER);
	assert_int_equal(counts().unknown, 1);
	assert_found_in_all(0);
}

/* It may have been A, which has told no release of its own. */
static void test_release_by_an_unknown_goroutine(void **state)
{
	(void)state;
	writes(A);
	tell(0, RELEASE, OTHER);
	tell(B, ACQUIRE, OTHER);
	writes(B);
	assert_int_equal(counts().unknown, 1);
	tell(A, RELEASE, LOCK); /* what comes after this is known */
	use(MAP + 8, A, OP_WRITE, 3);
	use(MAP + 8, B, OP_WRITE, 4);
	assert_found_in_all(1);
}

static void test_met_for_the_first_time(void **state)
{
	(void)state;
	meet(A);
	use(MAP, A, OP_WRITE, 1);
	tell(A, DROP, LOCK);
	use(MAP, B, OP_WRITE, 2); /* it may have had the lock since */
	assert_int_equal(counts().ordered, 1);
	use(MAP, A, OP_WRITE, 3); /* A, however, has not let go of anything */
	use(MAP, C, OP_WRITE, 4);
	meet_all();
	assert_true(it.found > 0);
	assert_int_equal(it.last.second.g == B, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        MET(test_published),
	        MET(test_unknown_objects),
	        UNMET(test_writes_to_descriptors),
	        MET(test_select_of_many),
	        MET(test_unknown_goroutine),
	        MET(test_release_by_an_unknown_goroutine),
	        UNMET(test_met_for_the_first_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
