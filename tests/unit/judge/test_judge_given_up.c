/* SPDX-License-Identifier: MIT */
/* Memory is bounded: what is given up for want of room makes no finding. */
#include "tests/unit/judge/judge_fixture.h"

/* A and C are at work all the time, so that others than they are given up. */
static void others_come(uint64_t count)
{
	for (uint64_t g = 1; g <= count; g++) {
		meet(0x100000 + g * 64);
		meet(A);
		meet(C);
	}
}

/* One goroutine that uses the map everywhere. */
static void test_records_of_others_stay(void **state)
{
	(void)state;
	for (uint64_t place = 1; place <= 300; place++) {
		use(MAP, A, OP_WRITE, place);
		use(MAP + 8, A, OP_WRITE, place);
		if (place == 1)
			use(MAP, B, OP_READ, 1000);
	}
	assert_int_equal(counts().pairs, 300);
	use(MAP + 8, C, OP_WRITE, 1000);
	assert_int_equal(counts().pairs, 308); /* with the newest */
}

static void test_too_many_accusations(void **state)
{
	(void)state;
	writes(A);
	for (uint64_t place = 1; place <= 300; place++)
		use(MAP, B, OP_WRITE, place);
	assert_int_equal(counts().unknown, 300 - 256);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 256);
}

/* The object was given up since, and who acquired from it is not known. */
static void test_late_release_into_what_was_given_up(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(B, ACQUIRE, OTHER);
	tell(B, RELEASE, LOCK);
	tell(C, ACQUIRE, LOCK);
	meet(C);
	for (uint64_t i = 1; i <= 4096; i++)
		tell(D, RELEASE, 0x900000 + 64 * i);
	tell_late(A, RELEASE, OTHER);
	use(MAP, C, OP_WRITE, 2);
	assert_int_equal(counts().unknown, 1);
}

/* B, who knows what A did, may have let C go on and not told it yet: but B is forgotten. */
static void test_knowledge_of_who_was_given_up(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(A, RELEASE, OTHER);
	tell(B, ACQUIRE, OTHER);
	meet(B);
	others_come(511);
	tell(C, TAKE, LOCK);
	use(MAP, C, OP_WRITE, 2);
	assert_int_equal(counts().unknown, 1);
}

/* Accusations that wait for who is forgotten can no longer be decided. */
static void test_waits_for_who_was_given_up(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(A, RELEASE, OTHER);
	tell(B, ACQUIRE, OTHER);
	meet(B);
	use(MAP, C, OP_WRITE, 2);
	others_come(600);
	assert_int_equal(counts().unknown, 1);
	assert_int_equal(it.found, 0);
}

/* More goroutines than there are slots: those that come back have seen everything. */
static void test_slots_are_given_up(void **state)
{
	(void)state;
	meet(A);
	writes(A);
	tell(A, DROP, LOCK);
	tell(B, TAKE, LOCK);
	tell(B, DROP, OTHER);
	for (uint64_t g = 1; g <= 511; g++) {
		meet(0x100000 + g * 64);
		meet(A);
	}
	assert_int_equal(it.found, 0);
	/* B's slot is another one's, and what it knew may be known to anybody. */
	tell(C, NOTHING, 0);
	writes(0x100000 + 511 * 64);
	assert_int_equal(counts().pairs, 1);
	assert_int_equal(counts().ordered + counts().unknown, 1);
	for (uint64_t g = 1; g <= 511; g++)
		meet(0x200000 + g * 64);
	/* A's, too: its access is gone. */
	writes(0x200000 + 511 * 64);
	assert_int_equal(counts().pairs, 2);
	writes(0x200000 + 510 * 64);
	meet(0x200000 + 511 * 64);
	assert_int_equal(it.found, 1);
}

static void test_objects_are_given_up(void **state)
{
	(void)state;
	use(MAP, A, OP_WRITE, 1);
	tell(A, RELEASE, OTHER);
	for (uint64_t i = 1; i <= 4096; i++)
		tell(C, RELEASE, 0x900000 + 64 * i);
	tell(B, ACQUIRE, OTHER);
	use(MAP, B, OP_WRITE, 2);
	assert_int_equal(counts().unknown, 1);
}

static void test_maps_are_given_up(void **state)
{
	(void)state;
	writes(A);
	for (uint64_t i = 1; i <= 6144; i++)
		use(0x900000 + 64 * i, C, OP_WRITE, 1);
	writes(B);
	meet_all();
	assert_int_equal(counts().pairs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        MET(test_records_of_others_stay),
	        MET(test_too_many_accusations),
	        MET(test_late_release_into_what_was_given_up),
	        MET(test_knowledge_of_who_was_given_up),
	        MET(test_waits_for_who_was_given_up),
	        UNMET(test_slots_are_given_up),
	        MET(test_objects_are_given_up),
	        MET(test_maps_are_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
