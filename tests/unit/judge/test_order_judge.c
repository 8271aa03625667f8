/* SPDX-License-Identifier: MIT */
/* What orders two accesses, one kind after another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/event/event.h"
#include "core/judge/order_judge.h"

#define PID   7U
#define MAP   0x77000
#define LOCK  0x1000
#define OTHER 0x2000
#define CHAN  0x3000

#define A 0xc000
#define B 0xc200
#define C 0xc400
#define D 0xc600

struct fixture {
	struct order_judge *judge;
	int found;
	struct order_finding last;
	bool goes_out;
	uint64_t parked; /* this g; 0: none */
	int asked;
	uint64_t time, place;
	/* of order_judge_changed() */
	struct order_map_id map;
	struct order_counts counts;
	struct order_guard guard;
};

static struct fixture it;

static void found(void *ctx, const struct order_finding *finding)
{
	(void)ctx;
	it.found++;
	it.last = *finding;
}

static bool goes_out(void *ctx, uint32_t tgid, uint64_t descriptor)
{
	(void)ctx;
	assert_int_equal(tgid, PID);
	assert_int_equal(descriptor, 5);
	return it.goes_out;
}

static bool is_parked(void *ctx, uint32_t tgid, uint64_t g)
{
	(void)ctx;
	assert_int_equal(tgid, PID);
	it.asked++;
	return g == it.parked;
}

static void changed(void *ctx, const struct order_map_id *map, const struct order_counts *counts,
                    const struct order_guard *guard)
{
	(void)ctx;
	it.map = *map;
	it.counts = *counts;
	it.guard = *guard;
}

static int setup(void **state)
{
	struct order_judge_config config = {.found = found, .goes_out = goes_out};

	(void)state;
	it = (struct fixture){.time = 1000};
	return order_judge_create(&config, &it.judge);
}

static int teardown(void **state)
{
	struct order_counts counts;

	(void)state;
	order_judge_reset(it.judge);
	counts = order_judge_counts(it.judge);
	assert_int_equal(counts.pairs,
	                 counts.under_lock + counts.ordered + counts.unknown + counts.unordered);
	assert_int_equal(counts.unordered, it.found);
	order_judge_destroy(it.judge);
	return 0;
}

static void feed(uint64_t g, enum order_act act, uint64_t object, bool late)
{
	struct order_event event = {.time_ns = ++it.time,
	                            .g = g,
	                            .object = object,
	                            .place = it.place,
	                            .tgid = PID,
	                            .act = act,
	                            .late = late};

	order_judge_feed(it.judge, &event, 0);
}

#define tell(g, act, object)      feed(g, ORDER_ACT_##act, object, false)
#define tell_late(g, act, object) feed(g, ORDER_ACT_##act, object, true)

static void use(uint64_t map, uint64_t g, enum map_op op, uint64_t place)
{
	struct order_event event = {.time_ns = ++it.time,
	                            .g = g,
	                            .object = map,
	                            .place = place,
	                            .tgid = PID,
	                            .act = ORDER_ACT_ACCESS,
	                            .op = op};

	order_judge_feed(it.judge, &event, place * 10);
}

static void writes(uint64_t g)
{
	use(MAP, g, OP_WRITE, g);
}

static void reads(uint64_t g)
{
	use(MAP, g, OP_READ, g);
}

/* It comes somewhere where it is in the midst of nothing. */
static void meet(uint64_t g)
{
	use(g, g, OP_READ, 1);
}

static void meet_all(void)
{
	for (uint64_t g = A; g <= D; g += 0x200)
		meet(g);
}

/* All have come somewhere, and all accusations are decided. */
static void all_come(void)
{
	meet_all();
}

static struct order_counts counts(void)
{
	return order_judge_counts(it.judge);
}

/* ---- accusations --------------------------------------------------------------------------- */

static void test_nothing_orders(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
	reads(A);
	use(MAP, B, OP_ITERATE, 1);
	all_come();
	assert_int_equal(counts().pairs, 0);
}

static void test_maps_are_told_apart(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	use(MAP + 8, B, OP_WRITE, 1);
	all_come();
	assert_int_equal(counts().pairs, 0);
}

static void test_late_release_drops(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	writes(B);
	tell_late(A, DROP, LOCK);
	all_come();
	assert_int_equal(it.found, 0);
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
		feed(C, ORDER_ACT_RELEASE, OTHER, late);
		assert_int_equal(it.found, !late);
	}
	it.found = 1;
}

/* It may have been about to go on from there. */
static void test_third_goroutine_may_acquire(void **state)
{
	(void)state;
	meet_all();
	tell(C, ACQUIRE, OTHER);
	writes(A);
	tell(A, RELEASE, OTHER);
	writes(B);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 0);
	tell_late(C, DROP, LOCK);
	all_come();
	assert_int_equal(it.found, 0);
}

static void test_wake_clears(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	writes(B);
	tell(B, WAKE, A);
	assert_int_equal(it.found, 1);
}

static void test_exit_clears(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	writes(B);
	tell(0, EXIT, A);
	assert_int_equal(it.found, 1);
}

/* What it did is evidence all the same. */
static void test_ended_goroutine(void **state)
{
	(void)state;
	meet_all();
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
	all_come();
	assert_int_equal(it.found, 2);
}

static void test_parked_goroutine_is_cleared(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
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
	meet_all();
	writes(A);
	writes(B);
	use(MAP, B, OP_WRITE, B);
	assert_int_equal(counts().pairs, 1);
	use(MAP, B, OP_WRITE, 77);
	assert_int_equal(counts().pairs, 2);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 2);
}

/* One goroutine that uses the map everywhere. */
static void test_records_of_others_stay(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
	writes(A);
	for (uint64_t place = 1; place <= 300; place++)
		use(MAP, B, OP_WRITE, place);
	assert_int_equal(counts().unknown, 300 - 256);
	tell(A, NOTHING, 0);
	assert_int_equal(it.found, 256);
}

/* ---- locks
 * --------------------------------------------------------------------------------------- */

static void test_mutex_orders(void **state)
{
	(void)state;
	meet_all();
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
	all_come();
	assert_int_equal(it.found, 0);
}

static void test_another_mutex_does_not(void **state)
{
	(void)state;
	meet_all();
	tell(A, TAKE, LOCK);
	writes(A);
	tell(A, DROP, LOCK);
	tell(B, TAKE, OTHER);
	writes(B);
	all_come();
	assert_int_equal(it.found, 1);
}

/* The order in which locks were taken says nothing to who did not take them. */
static void test_access_before_the_lock(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	tell(A, TAKE, LOCK);
	tell(A, DROP, LOCK);
	writes(A);
	tell(B, TAKE, LOCK);
	writes(B);
	all_come();
	assert_int_equal(it.found, 1); /* with the second one of A, the newest at its place */
}

static void test_taken_over(void **state)
{
	(void)state;
	meet_all();
	tell(A, TAKE, LOCK);
	use(MAP, A, OP_WRITE, 1);
	tell(B, TAKE, LOCK); /* so A has dropped it */
	tell(B, DROP, LOCK);
	use(MAP, B, OP_WRITE, 2);
	assert_int_equal(counts().ordered, 1);
	tell_late(A, DROP, LOCK);
	use(MAP, B, OP_WRITE, 2);
	all_come();
	assert_int_equal(it.found, 0);
	use(MAP, A, OP_WRITE, 1); /* after its drop */
	use(MAP, B, OP_WRITE, 2);
	all_come();
	assert_int_equal(it.found, 2);
}

/* A's hold is from before the window, so nobody knows that it ends when B takes the lock. */
static void test_late_release_reaches_who_has_acquired(void **state)
{
	(void)state;
	meet_all();
	use(MAP, A, OP_WRITE, 1);
	tell(B, TAKE, LOCK);
	tell(B, NOTHING, 0);
	tell_late(A, DROP, LOCK);
	use(MAP, B, OP_WRITE, 2);
	assert_int_equal(counts().ordered, 1);
	all_come();
	assert_int_equal(it.found, 0);
}

/* B has let go of something meanwhile: anybody may have gone on from there. */
static void test_late_release_is_published(void **state)
{
	(void)state;
	meet_all();
	use(MAP, A, OP_WRITE, 1);
	tell(B, TAKE, LOCK);
	tell(B, DROP, LOCK);
	tell(C, TAKE, LOCK);
	tell_late(A, DROP, LOCK);
	use(MAP, C, OP_WRITE, 2);
	assert_int_equal(counts().ordered + counts().unknown, 1);
	use(MAP, B, OP_WRITE, 3);
	use(MAP, D, OP_WRITE, 4);
	all_come();
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

/* The object was given up since, and who acquired from it is not known. */
static void test_late_release_into_what_was_given_up(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
	use(MAP, A, OP_WRITE, 1);
	tell(A, RELEASE, OTHER);
	tell(B, ACQUIRE, OTHER);
	meet(B);
	for (uint64_t g = 1; g <= 511; g++) {
		meet(0x100000 + g * 64);
		meet(A);
		meet(C);
	}
	tell(C, TAKE, LOCK);
	use(MAP, C, OP_WRITE, 2);
	assert_int_equal(counts().unknown, 1);
}

/* Accusations that wait for who is forgotten can no longer be decided. */
static void test_waits_for_who_was_given_up(void **state)
{
	(void)state;
	meet_all();
	use(MAP, A, OP_WRITE, 1);
	tell(A, RELEASE, OTHER);
	tell(B, ACQUIRE, OTHER);
	meet(B);
	use(MAP, C, OP_WRITE, 2);
	for (uint64_t g = 1; g <= 600; g++) {
		meet(0x100000 + g * 64);
		meet(A);
		meet(C);
	}
	assert_int_equal(counts().unknown, 1);
	assert_int_equal(it.found, 0);
}

/* A waited for the lock, had it and dropped it before B took it; that is told last. */
static void test_dropped_before_it_was_known_to_be_taken(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
	tell(A, TAKE, LOCK);
	tell(B, TAKE, LOCK);
	use(MAP, B, OP_WRITE, 1);
	tell(B, DROP, LOCK);
	tell_late(A, DROP, LOCK);
	use(MAP, A, OP_WRITE, 2);
	all_come();
	assert_int_equal(it.found, 1);
}

static void test_taken_later(void **state)
{
	(void)state;
	meet_all();
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
	all_come();
	assert_int_equal(it.found, 0);
}

static void test_readers(void **state)
{
	(void)state;
	meet_all();
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
	all_come();
	assert_int_equal(it.found, 0);
}

static void test_writes_under_a_readers_lock(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
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
	meet_all();
	tell(A, TAKE, LOCK);
	tell(B, DROP, LOCK);
	writes(B);
	writes(A);
	assert_int_equal(counts().under_lock, 0);
	tell(C, TAKE, LOCK);
	tell(B, NOTHING, 0);
	assert_int_equal(it.found, 1);
}

/* ---- channels and all else ----------------------------------------------------------------- */

static void test_receive_after_send(void **state)
{
	(void)state;
	meet_all();
	tell(B, RECEIVE, CHAN);
	writes(A);
	tell(A, SEND, CHAN);
	writes(B);
	assert_int_equal(counts().ordered, 1);
	use(MAP, B, OP_WRITE, 2);
	use(MAP, A, OP_WRITE, 3); /* after a receive that was made before B wrote */
	all_come();
	assert_int_equal(it.found, 2);
}

static void test_send_after_receive(void **state)
{
	(void)state;
	meet_all();
	tell(B, SEND, CHAN);
	writes(A);
	tell(A, RECEIVE, CHAN);
	writes(B);
	assert_int_equal(counts().ordered, 1);
}

static void test_two_senders(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	tell(A, SEND, CHAN);
	tell(B, SEND, CHAN);
	writes(B);
	all_come();
	assert_int_equal(it.found, 1);
}

static void test_close(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
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
	all_come();
	assert_int_equal(it.found, 2);
}

static void test_both(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
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
	meet_all();
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

static void test_published(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	tell(A, PUBLISH, 0);
	writes(B);
	assert_int_equal(counts().unknown, 1);
	all_come();
	writes(A); /* what comes after it is known again */
	use(MAP, C, OP_WRITE, 1);
	assert_int_equal(counts().unknown, 1);
	all_come();
	assert_int_equal(it.found, 3);
}

static void test_unknown_objects(void **state)
{
	static const enum order_act acts[] = {ORDER_ACT_RELEASE, ORDER_ACT_BOTH,
	                                      ORDER_ACT_DROP,    ORDER_ACT_SEND,
	                                      ORDER_ACT_CLOSE,   ORDER_ACT_RECEIVE};

	(void)state;
	meet_all();
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		use(MAP + i, A, OP_WRITE, 1);
		feed(A, acts[i], 0, false);
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
	all_come();
	assert_int_equal(it.found, 1);
}

static void test_select_of_many(void **state)
{
	(void)state;
	meet_all();
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
	meet_all();
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
	all_come();
	assert_int_equal(it.found, 0);
}

/* ---- what is not known --------------------------------------------------------------------- */

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
	all_come();
	assert_true(it.found > 0);
	assert_int_equal(it.last.second.g == B, 0);
}

static void test_met_with_a_late_release(void **state)
{
	(void)state;
	meet(A);
	meet(B);
	writes(A);
	writes(B);
	tell_late(C, DROP, LOCK); /* it may have known A, and let B go on */
	all_come();
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
	meet_all();
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
	meet_all();
	writes(A);
	for (uint64_t i = 1; i <= 6144; i++)
		use(0x900000 + 64 * i, C, OP_WRITE, 1);
	writes(B);
	all_come();
	assert_int_equal(counts().pairs, 0);
}

static void test_reset(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	writes(B);
	order_judge_reset(it.judge);
	assert_int_equal(counts().unknown, 1);
	meet_all();
	writes(B);
	all_come();
	assert_int_equal(counts().pairs, 1);
	writes(A);
	all_come();
	assert_int_equal(it.found, 1);
	assert_int_equal(counts().pairs, 2);
}

static void test_forget(void **state)
{
	(void)state;
	meet_all();
	writes(A);
	writes(B);
	order_judge_forget(it.judge, PID + 1);
	assert_int_equal(counts().unknown, 0);
	order_judge_forget(it.judge, PID);
	assert_int_equal(counts().unknown, 1);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 0);
	writes(C);
	all_come();
	assert_int_equal(counts().pairs, 1);
}

/* ---- counts and guards --------------------------------------------------------------------- */

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
	meet_all();
	take_and_write(A, LOCK, 1, 2);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 0);
	take_and_write(B, LOCK, 1, 3);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 1);
	assert_int_equal(it.map.addr, MAP);
	assert_int_equal(it.counts.pairs, 1);
	assert_int_equal(it.counts.under_lock, 1);
	assert_int_equal(order_judge_changed(it.judge, changed, NULL), 0);
	use(MAP, C, OP_WRITE, 4);
	all_come();
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

/* A lock that was taken over by another one is not held any more by the first. */
static void test_held_until_taken_over(void **state)
{
	(void)state;
	meet_all();
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_nothing_orders),
	        TEST(test_reads_do_not_conflict),
	        TEST(test_maps_are_told_apart),
	        TEST(test_late_release_drops),
	        TEST(test_third_goroutine_is_waited_for),
	        TEST(test_third_goroutine_may_acquire),
	        TEST(test_wake_clears),
	        TEST(test_exit_clears),
	        TEST(test_ended_goroutine),
	        TEST(test_parked_goroutine_is_cleared),
	        TEST(test_parked_after_it_told),
	        TEST(test_one_alike_is_not_looked_at),
	        TEST(test_records_of_others_stay),
	        TEST(test_too_many_accusations),
	        TEST(test_mutex_orders),
	        TEST(test_another_mutex_does_not),
	        TEST(test_access_before_the_lock),
	        TEST(test_taken_over),
	        TEST(test_late_release_reaches_who_has_acquired),
	        TEST(test_late_release_is_published),
	        TEST(test_late_release_was_acquired_twice),
	        TEST(test_late_release_into_what_was_given_up),
	        TEST(test_knowledge_of_who_was_given_up),
	        TEST(test_waits_for_who_was_given_up),
	        TEST(test_dropped_before_it_was_known_to_be_taken),
	        TEST(test_nothing_comes_back),
	        TEST(test_taken_later),
	        TEST(test_readers),
	        TEST(test_writes_under_a_readers_lock),
	        TEST(test_reader_before_writer),
	        TEST(test_dropped_by_another),
	        TEST(test_receive_after_send),
	        TEST(test_send_after_receive),
	        TEST(test_two_senders),
	        TEST(test_close),
	        TEST(test_release_and_acquire),
	        TEST(test_both),
	        TEST(test_spawn_and_child),
	        TEST(test_child_of_nobody),
	        TEST(test_wake_orders),
	        TEST(test_timers),
	        TEST(test_published),
	        TEST(test_unknown_objects),
	        TEST(test_writes_to_descriptors),
	        TEST(test_select_of_many),
	        TEST(test_unknown_goroutine),
	        TEST(test_met_for_the_first_time),
	        TEST(test_met_with_a_late_release),
	        TEST(test_slots_are_given_up),
	        TEST(test_objects_are_given_up),
	        TEST(test_maps_are_given_up),
	        TEST(test_reset),
	        TEST(test_forget),
	        TEST(test_counts_of_a_map),
	        TEST(test_guard),
	        TEST(test_readers_lock_guards_no_change),
	        TEST(test_guard_of_those_met_on_their_way),
	        TEST(test_held_until_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
