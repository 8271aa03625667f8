/* SPDX-License-Identifier: MIT */
/*
 * judge_fixture: four goroutines, a map, and a judge that is told what they do, for the
 * test_judge_*.c: one idea a file.
 */
#ifndef GOMAPTOP_TESTS_UNIT_JUDGE_FIXTURE_H
#define GOMAPTOP_TESTS_UNIT_JUDGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	bool undecided; /* what is found is left to the test */
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

static inline void found(void *ctx, const struct order_finding *finding)
{
	(void)ctx;
	it.last = *finding;
	if (it.undecided)
		return;
	it.found++;
	order_judge_decide(it.judge, finding, true);
}

static inline bool goes_out(void *ctx, uint32_t tgid, uint64_t descriptor)
{
	(void)ctx;
	assert_int_equal(tgid, PID);
	assert_int_equal(descriptor, 5);
	return it.goes_out;
}

static inline bool is_parked(void *ctx, uint32_t tgid, uint64_t g)
{
	(void)ctx;
	assert_int_equal(tgid, PID);
	it.asked++;
	return g == it.parked;
}

static inline void changed(void *ctx, const struct order_map_id *map,
                           const struct order_counts *counts, const struct order_guard *guard)
{
	(void)ctx;
	it.map = *map;
	it.counts = *counts;
	it.guard = *guard;
}

static inline int setup(void **state)
{
	struct order_judge_config config = {.found = found, .goes_out = goes_out};

	(void)state;
	it = (struct fixture){.time = 1000};
	return order_judge_create(&config, &it.judge);
}

static inline int teardown(void **state)
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

static inline void feed(uint64_t g, enum order_act act, uint64_t object, bool late, bool further)
{
	struct order_event event = {.time_ns = ++it.time,
	                            .g = g,
	                            .object = object,
	                            .place = it.place,
	                            .tgid = PID,
	                            .act = act,
	                            .late = late,
	                            .op = further};

	order_judge_feed(it.judge, &event, 0);
}

#define tell(g, act, object)      feed(g, ORDER_ACT_##act, object, false, false)
#define tell_late(g, act, object) feed(g, ORDER_ACT_##act, object, true, false)
#define tell_case(g, act, object) feed(g, ORDER_ACT_##act, object, false, true) /* a further one */

static inline void use(uint64_t map, uint64_t g, enum map_op op, uint64_t place)
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

static inline void writes(uint64_t g)
{
	use(MAP, g, OP_WRITE, g);
}

static inline void reads(uint64_t g)
{
	use(MAP, g, OP_READ, g);
}

/* It comes somewhere where it is in the midst of nothing. */
static inline void meet(uint64_t g)
{
	use(g, g, OP_READ, 1);
}

static inline void meet_all(void)
{
	for (uint64_t g = A; g <= D; g += 0x200)
		meet(g);
}

/* Decides all accusations: each goroutine has come somewhere. */
static inline void assert_found_in_all(int count)
{
	meet_all();
	assert_int_equal(it.found, count);
}

static inline struct order_counts counts(void)
{
	return order_judge_counts(it.judge);
}

/* All goroutines have been met before the test: what they tell in it is all that they do. */
static inline int setup_met(void **state)
{
	int error = setup(state);

	if (!error)
		meet_all();
	return error;
}

#define MET(test)   cmocka_unit_test_setup_teardown(test, setup_met, teardown)
#define UNMET(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
