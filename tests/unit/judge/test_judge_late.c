/* SPDX-License-Identifier: MIT */
/* Releases that are told when others may have gone on from them already. */
#include "tests/unit/judge/judge_fixture.h"

/* A's hold is from before the window, so nobody knows that it ends when B takes the lock. */
static void test_late_release_reaches_who_has_acquired(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(B, TAKE, LOCK);
	tell(B, NOTHING, 0);
	tell_late(A, DROP, LOCK);
	use(MAP, B, OP_WRITE, 2);
	assert_int_equal(counts().ordered, 1);
	assert_found_in_all(0);
}

/* B has let go of something meanwhile: anybody may have gone on from there. */
static void test_late_release_is_published(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(B, TAKE, LOCK);
	tell(B, DROP, LOCK);
	tell(C, TAKE, LOCK);
	tell_late(A, DROP, LOCK);
	use(MAP, C, OP_WRITE, 2);
	assert_int_equal(counts().ordered + counts().unknown, 1);
	use(MAP, B, OP_WRITE, 3);
	use(MAP, D, OP_WRITE, 4);
	meet_all();
	use(MAP, D, OP_READ, 4);
	assert_int_equal(counts().under_lock, 0);
	assert_int_equal(it.last.first.g == A, 0);
}

/* B has gone on from what A released late, as it does in these, and let C go on. The second time it
 * came there it had let go of something since the first time. */
static void test_late_release_was_acquired_twice(void **state)
{
	static const uint64_t from[] = {OTHER, 0}; /* 0: from everything */

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		order_judge_reset(it.judge);
		meet_all();
		use(MAP, A, OP_WRITE, 1);
		tell(B, ACQUIRE, from[i]);
		tell(B, RELEASE, LOCK);
		tell(B, ACQUIRE, from[i]);
		meet(B);
		tell(C, ACQUIRE, LOCK);
		meet(C);
		tell_late(A, RELEASE, OTHER);
		use(MAP, C, OP_WRITE, 2);
		assert_int_equal(counts().unknown, i + 1);
	}
}

static void test_met_with_a_late_release(void **state)
{
	(void)state;
	meet(A);
	meet(B);
	writes(A);
	writes(B);
	tell_late(C, DROP, LOCK); /* it may have known A, and let B go on */
	assert_found_in_all(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        MET(test_late_release_reaches_who_has_acquired),
	        MET(test_late_release_is_published),
	        UNMET(test_late_release_was_acquired_twice),
	        UNMET(test_met_with_a_late_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
