/* SPDX-License-Identifier: MIT */
/*
 * judge_program: programs made at random, run step by step in a random order, and what really
 * orders their accesses.
 *
 * Each goroutine does one thing after another: in steps of its own, so that others come between
 * doing and telling. What is done goes into vector clocks that never forget, after the memory model
 * of Go; what is told goes to the judge, late or in time. A finding is checked against what was
 * done. Atomic loads, reads of descriptors and ends of waiting are told by nothing, as in life.
 */
#ifndef GOMAPTOP_TESTS_UNIT_JUDGE_PROGRAM_H
#define GOMAPTOP_TESTS_UNIT_JUDGE_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/judge/program_make.h"
#include "tests/unit/judge/program_step.h"

static inline void program_found(void *ctx, const struct order_finding *finding)
{
	struct program *p = ctx;
	const struct access_done *first = &p->accesses[finding->first.detail];
	const struct access_done *second = &p->accesses[finding->second.detail];

	p->found++;
	order_judge_decide(p->judge, finding, true);
	if (second->seen[first->who] < first->clock && first->who != second->who)
		return;
	if (!p->wrong++)
		p->wrong_one = *finding;
}

/* Even descriptors are pipes; the others lead to the network. */
static inline bool program_goes_out(void *ctx, uint32_t tgid, uint64_t descriptor)
{
	(void)ctx;
	(void)tgid;
	return descriptor % 2;
}

static inline bool program_is_parked(void *ctx, uint32_t tgid, uint64_t g)
{
	const struct program *p = ctx;

	(void)tgid;
	for (unsigned int i = 0; i < p->size.goroutines; i++)
		if (p->goroutines[i].g == g)
			return p->goroutines[i].who < 0 || p->goroutines[i].parked;
	return false;
}

/* The end of one window and the beginning of the next: nothing is told between. */
static inline void program_window(struct program *p)
{
	if (p->told && dice(p->size.window) == 0) {
		p->told = false;
		order_judge_reset(p->judge);
	} else if (!p->told && dice(p->size.window / 4 + 1) == 0) {
		p->told = true;
	}
}

static inline void program_run(struct program *p)
{
	for (unsigned int i = 0; i < p->size.steps; i++) {
		struct goroutine *x = &p->goroutines[dice(p->size.goroutines)];

		if (p->size.window)
			program_window(p);
		if (dice(64) == 0)
			order_judge_look(p->judge, program_is_parked, p);
		if (dice(64) == 0)
			order_judge_settle(p->judge);
		if (x->who < 0)
			continue;
		if (x->stalls) {
			x->stalls--;
		} else if (!x->parked) {
			step(p, x);
		} else if (dice(50) == 0) { /* from outside, or because one was forgotten */
			tell(p, NULL, ORDER_ACT_WAKE, x->g, false);
			x->parked = false;
		}
	}
}

/* ---- many programs --------------------------------------------------------------------- */

static inline void side_print(const char *name, const struct order_side *side)
{
	printf("  %s: g 0x%llx at %llu, place %llu, op %u, access %llu\n", name,
	       (unsigned long long)side->g, (unsigned long long)side->time_ns,
	       (unsigned long long)side->place, side->op, (unsigned long long)side->detail);
}

/* What is 0 each program has a number of its own of. */
static inline struct program_size size_vary(struct program_size size)
{
	if (!size.goroutines)
		size.goroutines = 2 + dice(9);
	if (!size.ever)
		size.ever = size.goroutines + dice(80);
	if (!size.objects)
		size.objects = 1 + dice(4);
	if (!size.maps)
		size.maps = 1 + dice(3);
	if (!size.steps)
		size.steps = 500 + dice(4000);
	return size;
}

/* One program, on a judge that may have judged others. */
static inline void program_judge(struct program *p, const struct program_size *size,
                                 struct order_judge *judge)
{
	struct program_size own = size_vary(*size);

	program_init(p, &own, judge);
	program_run(p);
	order_judge_reset(judge);
	order_judge_forget(judge, PID);
	program_free(p);
}

static inline void counts_check(const struct order_counts *counts, uint64_t found)
{
	printf("%llu pairs: %llu under a lock, %llu ordered, %llu unknown, %llu unordered\n",
	       (unsigned long long)counts->pairs, (unsigned long long)counts->under_lock,
	       (unsigned long long)counts->ordered, (unsigned long long)counts->unknown,
	       (unsigned long long)counts->unordered);
	assert_int_equal(counts->unordered, found);
	assert_int_equal(counts->pairs, counts->under_lock + counts->ordered + counts->unknown +
	                                        counts->unordered);
}

/* How many findings there were in that many programs. */
static inline uint64_t program_run_all(const struct program_size *size, unsigned int programs)
{
	struct program p;
	struct order_judge_config config = {
	        .found = program_found, .goes_out = program_goes_out, .ctx = &p};
	struct order_judge *judge = NULL;
	struct order_counts counts;
	uint64_t found = 0;

	assert_int_equal(order_judge_create(&config, &judge), 0);
	for (unsigned int seed = 1; seed <= programs; seed++) {
		srandom(seed);
		program_judge(&p, size, judge);
		if (p.wrong) {
			printf("seed %u: %llu of %llu findings are wrong\n", seed,
			       (unsigned long long)p.wrong, (unsigned long long)p.found);
			side_print("first", &p.wrong_one.first);
			side_print("second", &p.wrong_one.second);
		}
		assert_int_equal(p.wrong, 0);
		found += p.found;
	}
	counts = order_judge_counts(judge);
	counts_check(&counts, found);
	order_judge_destroy(judge);
	return found;
}

#endif
