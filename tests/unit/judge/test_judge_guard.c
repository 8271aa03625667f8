/* SPDX-License-Identifier: MIT */
/* Counts of a map, and the lock that guards it. */
#include "tests/unit/judge/judge_fixture.h"

static void take_and_write(uint64_t g, uint64_t lock, uint64_t lock_place, uint64_t place)
{
	it.place = lock_place;
	tell(g, TAKE, lock);
	use(MAP, g, OP_WRITE, place);
	tell(g, DROP, lock);
	it.place = 0;
}

static void test_counts_of_a_map(void **state)
{
	(void)state;
	take_and_write(A, LOCK, 1, 2);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 0);
	take_and_write(B, LOCK, 1, 3);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 1);
	assert_int_equal(it.map.addr, MAP);
	assert_int_equal(it.counts.pairs, 1);
	assert_int_equal(it.counts.under_lock, 1);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 0);
	use(MAP, C, OP_WRITE, 4);
	meet_all();
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.counts.pairs, 3);
	assert_int_equal(it.counts.unordered, 2);
}

static void test_guard(void **state)
{
	(void)state;
	for (uint64_t g = A; g <= C; g += 0x200)
		tell(D, CHILD, g);
	take_and_write(A, OTHER, 1, 2); /* before it is shared */
	take_and_write(B, OTHER, 1, 2); /* the odd one comes first */
	for (int i = 0; i < 3; i++) {
		take_and_write(A, LOCK, 5, 2);
		take_and_write(B, LOCK, 6, 2);
	}
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.lock, LOCK);
	assert_int_equal(it.guard.place, 6);
	assert_int_equal(it.guard.accesses, 7);
	assert_int_equal(it.guard.bare, 1);
	use(MAP, C, OP_READ, 99);
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.lock, LOCK);
	assert_int_equal(it.guard.bare, 2);
	assert_int_equal(it.guard.bare_place, 99);
}

static void test_readers_lock_guards_no_change(void **state)
{
	(void)state;
	for (uint64_t g = A; g <= C; g += 0x200)
		tell(D, CHILD, g);
	reads(C);
	tell(A, TAKE_SHARED, LOCK);
	reads(A);
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.lock, LOCK);
	assert_int_equal(it.guard.bare, 0);
	writes(A);
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.accesses, 2);
	assert_int_equal(it.guard.bare, 1);
	assert_int_equal(it.guard.bare_place, A);
}

/* A goroutine that was met on its way may hold a lock of which nothing is known. */
static void test_guard_of_those_met_on_their_way(void **state)
{
	(void)state;
	tell(D, CHILD, A);
	writes(A);
	writes(B);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 1);
	assert_int_equal(it.guard.accesses, 0);
	tell(B, DROP, LOCK);
	writes(B);
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.accesses, 1);
	for (int i = 0; i < 20; i++)
		writes(C);
	order_judge_changed(it.judge, changed, NULL);
	assert_in_range(it.guard.accesses, 4, 6);
	assert_int_equal(it.guard.bare, it.guard.accesses);
}

/* By what the second goroutine last came to know of the first. */
static void test_how_pairs_are_ordered(void **state)
{
	(void)state;
	writes(A);
	tell(A, SEND, CHAN);
	tell(B, RECEIVE, CHAN);
	tell(A, WAKE, B);
	writes(B);
	assert_int_equal(counts().how[ORDER_BY_CHANNEL], 1);
	tell(B, CHILD, C);
	writes(C); /* A's and B's */
	assert_int_equal(counts().how[ORDER_BY_CREATION], 2);
	tell(C, TAKE, LOCK);
	tell(C, DROP, LOCK);
	tell(D, TAKE, LOCK);
	tell(D, DROP, LOCK);
	writes(D);
	assert_int_equal(counts().how[ORDER_BY_LOCK], 3);
	assert_int_equal(counts().ordered, 6);
}

static void test_how_waits_are_told(void **state)
{
	struct order_event wait = {.g = B, .object = OTHER, .tgid = PID, .op = ORDER_BY_WAITGROUP};

	(void)state;
	writes(A);
	wait.act = ORDER_ACT_ACQUIRE;
	order_judge_feed(it.judge, &wait, 0);
	wait.act = ORDER_ACT_RELEASE;
	wait.g = A;
	order_judge_feed(it.judge, &wait, 0);
	tell(A, WAKE, B);
	writes(B);
	assert_int_equal(counts().how[ORDER_BY_WAITGROUP], 1);
}

static void test_how_unknown(void **state)
{
	struct order_event atomic = {
	        .g = A, .tgid = PID, .act = ORDER_ACT_PUBLISH, .op = ORDER_BY_ATOMICS};

	(void)state;
	writes(A);
	order_judge_feed(it.judge, &atomic, 0);
	writes(B);
	assert_int_equal(counts().unknown, 1);
	assert_int_equal(counts().how[ORDER_BY_ATOMICS], 1);
	tell(B, PUBLISH, 0);
	writes(C); /* A's is not told of again */
	assert_int_equal(counts().how[ORDER_BY_ATOMICS], 2);
	assert_int_equal(counts().how[ORDER_BY_UNSEEN], 1);
}

static void take_as(uint64_t g, enum order_act act, uint64_t lock, uint8_t kinds)
{
	struct order_event event = {.g = g, .object = lock, .tgid = PID, .act = act, .op = kinds};

	order_judge_feed(it.judge, &event, 0);
}

/* The lock of a RWMutex takes the mutex at its own address, slowly. */
static void test_kind_of_lock(void **state)
{
	(void)state;
	tell(D, CHILD, A);
	tell(D, CHILD, B);
	take_as(A, ORDER_ACT_TAKE_LATER, LOCK, ORDER_TAKEN_RWMUTEX);
	take_as(A, ORDER_ACT_TAKE_LATER, LOCK, 0);
	writes(A);
	tell(A, DROP, LOCK);
	take_as(B, ORDER_ACT_TAKE_LATER, LOCK, ORDER_TAKEN_RWMUTEX);
	writes(B);
	tell(B, DROP, LOCK);
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.kinds, ORDER_TAKEN_RWMUTEX);
	take_as(A, ORDER_ACT_TAKE, LOCK, ORDER_TAKEN_MUTEX);
	writes(A);
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.kinds, ORDER_TAKEN_RWMUTEX | ORDER_TAKEN_MUTEX);
}

static void test_readers_are_of_a_rwmutex(void **state)
{
	(void)state;
	tell(D, CHILD, A);
	tell(D, CHILD, B);
	tell(A, TAKE_SHARED, LOCK);
	reads(A);
	tell(B, TAKE_SHARED, LOCK);
	reads(B);
	order_judge_changed(it.judge, changed, NULL);
	assert_int_equal(it.guard.kinds, ORDER_TAKEN_RWMUTEX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        MET(test_counts_of_a_map),
	        MET(test_how_pairs_are_ordered),
	        MET(test_how_waits_are_told),
	        MET(test_how_unknown),
	        UNMET(test_kind_of_lock),
	        UNMET(test_readers_are_of_a_rwmutex),
	        UNMET(test_guard),
	        UNMET(test_readers_lock_guards_no_change),
	        UNMET(test_guard_of_those_met_on_their_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
