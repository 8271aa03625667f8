/* SPDX-License-Identifier: MIT */
/* Channels, WaitGroups, timers, wake-ups and new goroutines: which way each orders. */
#include "tests/unit/judge/judge_fixture.h"

static void test_receive_after_send(void **state)
{
	(void)state;
	tell(B, RECEIVE, CHAN);
	writes(A);
	tell(A, SEND, CHAN);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	use(MAP, B, OP_WRITE, 2);
	use(MAP, A, OP_WRITE, 3); /* after a receive that was made before B wrote */
	assert_found_in_all(2);
}

static void test_send_after_receive(void **state)
{
	(void)state;
	tell(B, SEND, CHAN);
	writes(A);
	tell(A, RECEIVE, CHAN);
	writes(B);
	assert_int_equal(counts().ordered, 1);
}

static void test_two_senders(void **state)
{
	(void)state;
	writes(A);
	tell(A, SEND, CHAN);
	tell(B, SEND, CHAN);
	writes(B);
	assert_found_in_all(1);
}

/* A select waits for all of its cases until it is done: what is sent on the first one while the
 * others are being told, or after that, counts. */
static void test_select(void **state)
{
	(void)state;
	tell(B, RECEIVE, CHAN);
	tell_case(B, RECEIVE, CHAN + 8);
	tell_case(B, SEND, CHAN + 16);
	writes(A);
	tell(A, SEND, CHAN);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	assert_found_in_all(0);
}

/* What was begun before the select is over when it begins. */
static void test_select_after_a_receive(void **state)
{
	(void)state;
	tell(B, RECEIVE, CHAN);
	tell(B, RECEIVE, CHAN + 8);
	tell_case(B, RECEIVE, CHAN + 16);
	writes(A);
	tell(A, SEND, CHAN);
	writes(B);
	assert_found_in_all(1);
}

static void test_close(void **state)
{
	(void)state;
	writes(A);
	tell(A, CLOSE, CHAN);
	tell(B, RECEIVE, CHAN);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	tell(C, CLOSE, CHAN + 8);
	tell(D, CLOSE, CHAN);
	writes(D);
	tell(A, NOTHING, 0);
	tell(B, NOTHING, 0);
	assert_int_equal(it.found, 2);
}

/* As a WaitGroup: two are done, a third one waits. */
static void test_release_and_acquire(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(D, ACQUIRE, OTHER);
	tell(A, RELEASE, OTHER);
	use(MAP + 8, B, OP_WRITE, 2);
	tell(B, RELEASE, OTHER);
	use(MAP, D, OP_WRITE, 3);
	use(MAP + 8, D, OP_WRITE, 4);
	assert_int_equal(counts().ordered, 2);
	use(MAP + 8, A, OP_READ, 5); /* A did not wait */
	assert_int_equal(counts().ordered, 2);
	assert_found_in_all(2);
}

static void test_both(void **state)
{
	(void)state;
	writes(A);
	tell(A, BOTH, OTHER);
	tell(B, BOTH, OTHER);
	writes(B);
	assert_int_equal(counts().ordered, 1);
}

static void test_spawn_and_child(void **state)
{
	(void)state;
	meet(A);
	writes(A);
	tell(A, SPAWN, 0);
	tell(A, CHILD, B);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	use(MAP, A, OP_READ, 2); /* its parent goes on */
	tell(B, NOTHING, 0);
	assert_int_equal(it.found, 1);
}

/* A goroutine that nobody is known to have made has seen what was released. */
static void test_child_of_nobody(void **state)
{
	(void)state;
	meet(A);
	writes(A);
	tell(A, TIMER, 0);
	use(MAP + 8, A, OP_WRITE, 2);
	tell(0, CHILD, B);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	use(MAP + 8, B, OP_WRITE, 3);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 1);
}

static void test_wake_orders(void **state)
{
	(void)state;
	writes(A);
	tell(A, WAKE, B);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	use(MAP, A, OP_WRITE, 3);
	tell(B, NOTHING, 0);
	assert_int_equal(it.found, 1);
}

static void test_timers(void **state)
{
	(void)state;
	writes(A);
	tell(A, TIMER, 0x9000);
	tell(0, WAKE, B);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	tell(B, TIMER, 0x9100);
	tell(C, RECEIVE, CHAN);
	writes(C);
	assert_int_equal(counts().ordered, 3);
	writes(D);
	assert_int_equal(counts().ordered, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        MET(test_receive_after_send),
	        MET(test_send_after_receive),
	        MET(test_two_senders),
	        MET(test_select),
	        MET(test_select_after_a_receive),
	        MET(test_close),
	        MET(test_release_and_acquire),
	        MET(test_both),
	        UNMET(test_spawn_and_child),
	        UNMET(test_child_of_nobody),
	        MET(test_wake_orders),
	        MET(test_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
