/* SPDX-License-Identifier: MIT */
/* Locks: they order what is done under them, and what was done before them with what follows. */
#include "tests/unit/judge/judge_fixture.h"

static void test_mutex_orders(void **state)
{
	(void)state;
	tell(A, TAKE, LOCK);
	writes(A);
	tell(A, DROP, LOCK);
	tell(B, TAKE, LOCK);
	writes(B);
	assert_int_equal(counts().under_lock, 1);
	tell(B, DROP, LOCK);
	tell(C, TAKE, LOCK);
	tell(C, DROP, LOCK);
	writes(C);
	assert_int_equal(counts().under_lock, 1);
	assert_int_equal(counts().ordered, 2);
	assert_found_in_all(0);
}

static void test_another_mutex_does_not(void **state)
{
	(void)state;
	tell(A, TAKE, LOCK);
	writes(A);
	tell(A, DROP, LOCK);
	tell(B, TAKE, OTHER);
	writes(B);
	assert_found_in_all(1);
}

/* The order in which locks were taken says nothing to who did not take them. */
static void test_access_before_the_lock(void **state)
{
	(void)state;
	writes(A);
	tell(A, TAKE, LOCK);
	tell(A, DROP, LOCK);
	writes(A);
	tell(B, TAKE, LOCK);
	writes(B);
	assert_found_in_all(1); /* with the second one of A, the newest at its place */
}

static void test_taken_over(void **state)
{
	(void)state;
	tell(A, TAKE, LOCK);
	use(MAP, A, OP_WRITE, 1);
	tell(B, TAKE, LOCK); /* so A has dropped it */
	tell(B, DROP, LOCK);
	use(MAP, B, OP_WRITE, 2);
	assert_int_equal(counts().ordered, 1);
	tell_late(A, DROP, LOCK);
	use(MAP, B, OP_WRITE, 2);
	assert_found_in_all(0);
	use(MAP, A, OP_WRITE, 1); /* after its drop */
	use(MAP, B, OP_WRITE, 2);
	assert_found_in_all(2);
}

/* A waited for the lock, had it and dropped it before B took it; that is told last. */
static void test_dropped_before_it_was_known_to_be_taken(void **state)
{
	(void)state;
	tell(A, TAKE_LATER, LOCK);
	tell(B, TAKE, LOCK);
	tell_late(A, DROP, LOCK);
	use(MAP, B, OP_WRITE, 1);
	tell(B, DROP, LOCK);
	tell(C, TAKE, LOCK);
	use(MAP, C, OP_WRITE, 2);
	assert_int_equal(counts().under_lock, 1);
}

/* A dropped it before B took it, so it has nothing from B. */
static void test_nothing_comes_back(void **state)
{
	(void)state;
	tell(A, TAKE, LOCK);
	tell(B, TAKE, LOCK);
	use(MAP, B, OP_WRITE, 1);
	tell(B, DROP, LOCK);
	tell_late(A, DROP, LOCK);
	use(MAP, A, OP_WRITE, 2);
	assert_found_in_all(1);
}

static void test_taken_later(void **state)
{
	(void)state;
	tell(A, TAKE, LOCK);
	writes(A);
	tell(B, TAKE_LATER, LOCK);
	tell(B, ACQUIRE, OTHER); /* the semaphore */
	use(MAP, A, OP_WRITE, A + 1);
	tell(A, DROP, LOCK);
	tell(A, WAKE, B);
	writes(B);
	assert_int_equal(counts().under_lock, 2);
	tell(B, DROP, LOCK);
	assert_found_in_all(0);
}

static void test_readers(void **state)
{
	(void)state;
	tell(A, TAKE_SHARED, LOCK);
	reads(A);
	tell(B, TAKE_SHARED, LOCK);
	reads(B);
	tell(A, DROP_SHARED, LOCK);
	tell(B, DROP_SHARED, LOCK);
	tell(C, TAKE, LOCK);
	writes(C);
	assert_int_equal(counts().under_lock, 2);
	tell(C, DROP, LOCK);
	tell(C, NOTHING, 0);
	use(MAP, C, OP_READ, 9);
	tell_late(A, TAKE_SHARED, LOCK); /* later, not late */
	reads(A);
	assert_int_equal(counts().under_lock, 3);
	assert_found_in_all(0);
}

static void test_writes_under_a_readers_lock(void **state)
{
	(void)state;
	tell(A, TAKE_SHARED, LOCK);
	writes(A);
	tell(A, DROP_SHARED, LOCK);
	tell(B, TAKE_SHARED, LOCK);
	writes(B);
	tell(B, DROP_SHARED, LOCK);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 1);
}

/* What a reader did before it became one is before what a writer does after it. */
static void test_reader_before_writer(void **state)
{
	(void)state;
	writes(A);
	tell(A, TAKE_SHARED, LOCK);
	tell(C, TAKE_LATER, LOCK); /* a RWMutex: */
	tell(C, TAKE, LOCK);       /* its mutex, */
	tell(A, DROP_SHARED, LOCK);
	tell(D, WAKE, C); /* and the last reader, another one */
	writes(C);
	assert_int_equal(counts().ordered, 1);
}

static void test_dropped_by_another(void **state)
{
	(void)state;
	tell(A, TAKE, LOCK);
	tell(B, DROP, LOCK);
	writes(B);
	writes(A);
	assert_int_equal(counts().under_lock, 0);
	tell(C, TAKE, LOCK);
	tell(B, NOTHING, 0);
	assert_int_equal(it.found, 1);
}

/* A lock that was taken over by another one is not held any more by the first. */
static void test_held_until_taken_over(void **state)
{
	(void)state;
	tell(A, TAKE, LOCK);
	tell(B, TAKE, LOCK);
	writes(A);
	writes(B);
	assert_int_equal(counts().under_lock, 0);
	tell_late(A, DROP, LOCK);
	use(MAP + 8, C, OP_WRITE, 1);
	tell(B, DROP, LOCK);
	tell(C, TAKE, LOCK);
	assert_int_equal(it.found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        MET(test_mutex_orders),
	        MET(test_another_mutex_does_not),
	        MET(test_access_before_the_lock),
	        MET(test_taken_over),
	        MET(test_dropped_before_it_was_known_to_be_taken),
	        MET(test_nothing_comes_back),
	        MET(test_taken_later),
	        MET(test_readers),
	        MET(test_writes_under_a_readers_lock),
	        MET(test_reader_before_writer),
	        MET(test_dropped_by_another),
	        MET(test_held_until_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
