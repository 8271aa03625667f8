/* SPDX-License-Identifier: MIT */
/* What accuses a pair, and what an accusation waits for. */
#include "tests/unit/judge/judge_fixture.h"

static void test_nothing_orders(void **state)
{
	(void)state;
	writes(A);
	reads(B);
	assert_int_equal(it.found, 0); /* A may have let go of something */
	assert_int_equal(counts().pairs, 1);
	tell(B, NOTHING, 0);
	tell(C, NOTHING, 0);
	assert_int_equal(it.found, 0);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 1);
	assert_int_equal(it.last.map.addr, MAP);
	assert_int_equal(it.last.map.tgid, PID);
	assert_int_equal(it.last.first.g, A);
	assert_int_equal(it.last.first.op, OP_WRITE);
	assert_int_equal(it.last.first.place, A);
	assert_int_equal(it.last.first.detail, 10 * A);
	assert_int_equal(it.last.second.g, B);
	assert_int_equal(it.last.second.op, OP_READ);
	assert_int_equal(it.last.second.detail, 10 * B);
	assert_true(it.last.first.time_ns < it.last.second.time_ns);
}

static void test_reads_do_not_conflict(void **state)
{
	(void)state;
	reads(A);
	use(MAP, B, OP_ITERATE, 1);
	meet_all();
	assert_int_equal(counts().pairs, 0);
}

static void test_maps_are_told_apart(void **state)
{
	(void)state;
	writes(A);
	use(MAP + 8, B, OP_WRITE, 1);
	meet_all();
	assert_int_equal(counts().pairs, 0);
}

static void test_late_release_drops(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	tell_late(A, DROP, LOCK);
	assert_found_in_all(0);
	assert_int_equal(counts().unknown, 1);
}

/* C went on from A's access, and may have let B go on. */
static void test_third_goroutine_is_waited_for(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		it.found = 0;
		order_judge_reset(it.judge);
		meet_all();
		use(MAP + late, A, OP_WRITE, 1);
		tell(A, DROP, LOCK);
		tell(C, TAKE, LOCK);
		use(MAP + late, B, OP_WRITE, 2);
		tell(A, NOTHING, 0);
		assert_int_equal(it.found, 0);
		tell(D, NOTHING, 0);
		assert_int_equal(it.found, 0);
		feed(C, ORDER_ACT_RELEASE, OTHER, late, false);
		assert_int_equal(it.found, !late);
	}
	it.found = 1;
}

/* It may have been about to go on from there. */
static void test_third_goroutine_may_acquire(void **state)
{
	(void)state;
	tell(C, ACQUIRE, OTHER);
	writes(A);
	tell(A, RELEASE, OTHER);
	writes(B);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 0);
	tell_late(C, DROP, LOCK);
	assert_found_in_all(0);
}

static void test_wake_clears(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	tell(B, WAKE, A);
	assert_int_equal(it.found, 1);
}

static void test_exit_clears(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	tell(0, EXIT, A);
	assert_int_equal(it.found, 1);
}

/* What it did is evidence all the same. */
static void test_ended_goroutine(void **state)
{
	(void)state;
	writes(A);
	tell(A, EXIT, A);
	assert_int_equal(it.found, 0);
	writes(B);
	assert_int_equal(it.found, 1);
	tell(B, CHILD, A); /* another one with this g */
	writes(A);
	assert_int_equal(it.found, 2); /* with the first one; that B made it is known */
	assert_int_equal(it.last.second.g, A);
	assert_int_equal(counts().ordered, 1);
	assert_found_in_all(2);
}

static void test_parked_goroutine_is_cleared(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	order_judge_look(it.judge, is_parked, NULL);
	assert_int_equal(it.asked, 1);
	order_judge_settle(it.judge);
	assert_int_equal(it.found, 0); /* it was not parked */
	it.parked = A;
	order_judge_look(it.judge, is_parked, NULL);
	assert_int_equal(it.found, 0);
	use(MAP, C, OP_WRITE, 3); /* two more, of which the question knows nothing */
	order_judge_settle(it.judge);
	order_judge_settle(it.judge);
	assert_int_equal(it.found, 1);
	assert_int_equal(it.last.second.g, B);
}

static void test_parked_after_it_told(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	it.parked = A;
	order_judge_look(it.judge, is_parked, NULL);
	tell_late(A, DROP, LOCK);
	order_judge_settle(it.judge);
	assert_int_equal(it.found, 0);
	assert_int_equal(counts().unknown, 1);
}

static void test_one_alike_is_not_looked_at(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	use(MAP, B, OP_WRITE, B);
	assert_int_equal(counts().pairs, 1);
	use(MAP, B, OP_WRITE, 77);
	assert_int_equal(counts().pairs, 2);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 2);
}

static void test_reset(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	order_judge_reset(it.judge);
	assert_int_equal(counts().unknown, 1);
	meet_all();
	writes(B);
	meet_all();
	assert_int_equal(counts().pairs, 1);
	writes(A);
	assert_found_in_all(1);
	assert_int_equal(counts().pairs, 2);
}

static void test_forget(void **state)
{
	(void)state;
	writes(A);
	writes(B);
	order_judge_forget(it.judge, PID + 1);
	assert_int_equal(counts().unknown, 0);
	order_judge_forget(it.judge, PID);
	assert_int_equal(counts().unknown, 1);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 0);
	writes(C);
	meet_all();
	assert_int_equal(counts().pairs, 1);
}

/* Until it is known that no event was lost the pair counts for nothing. */
static void test_found_is_undecided(void **state)
{
	struct order_finding finding;

	(void)state;
	it.undecided = true;
	writes(A);
	reads(B);
	tell(A, NOTHING, 0);
	finding = it.last;
	assert_int_equal(finding.map.addr, MAP);
	assert_int_equal(counts().pairs, 1);
	assert_int_equal(counts().unordered + counts().unknown, 0);
	order_judge_changed(it.judge, changed, NULL);
	order_judge_decide(it.judge, &finding, false);
	assert_int_equal(counts().unordered, 0);
	assert_int_equal(counts().unknown, 1);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 1);
	assert_int_equal(it.counts.unknown, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        MET(test_nothing_orders),
	        MET(test_reads_do_not_conflict),
	        MET(test_maps_are_told_apart),
	        MET(test_late_release_drops),
	        UNMET(test_third_goroutine_is_waited_for),
	        MET(test_third_goroutine_may_acquire),
	        MET(test_wake_clears),
	        MET(test_exit_clears),
	        MET(test_ended_goroutine),
	        MET(test_parked_goroutine_is_cleared),
	        MET(test_parked_after_it_told),
	        MET(test_one_alike_is_not_looked_at),
	        MET(test_reset),
	        MET(test_forget),
	        MET(test_found_is_undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
