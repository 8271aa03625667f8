/* SPDX-License-Identifier: MIT */
/*
 * What is learned of targets that are made up: so many calls a second, of which windows with probes
 * cost a known part, with the noise of calls that come by chance.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/budget/contention.h"

struct world {
	double calls_rate; /* per millisecond, unwatched */
	double cpus;
	double factor; /* the truth */
	double noise;  /* of the rate, from one span to the next: standard deviation */
	double now_ms, calls, cpu_ms, hits_ms, held_ms;
	/* its CPUs are, now and then: what probes cost is more CPU time, not fewer calls */
	bool idle;
	struct contention learned;
};

/* Normal, mean 0 and deviation 1, nearly: a sum of twelve. */
static double draw(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += rand() / (RAND_MAX + 1.0);
	return sum;
}

static void turn(struct world *w, bool in)
{
	struct contention_reading r = {.now_ns = (uint64_t)(w->now_ms * 1e6),
	                               .calls = (uint64_t)w->calls,
	                               .cpu_ns = (uint64_t)(w->cpu_ms * 1e6),
	                               .hits_ns = (uint64_t)(w->hits_ms * 1e6),
	                               .held_ns = (uint64_t)(w->held_ms * 1e6)};

	contention_turn(&w->learned, &r, in);
}

/* hits: CPU time in ms that is counted as their cost; held likewise, and that is all it costs. */
static void pass_held(struct world *w, double ms, double hits, double held)
{
	double lost = hits * w->factor + held, shorter = w->idle ? 0 : lost / w->cpus;
	double calls = w->calls_rate * (1 + w->noise * draw()) * (ms > shorter ? ms - shorter : 0);

	calls += sqrt(calls) * draw();
	w->now_ms += ms;
	w->cpu_ms += w->cpus * ms + (w->idle ? lost : 0);
	w->hits_ms += hits;
	w->held_ms += held;
	w->calls += calls > 0 ? calls : 0;
}

static void pass(struct world *w, double ms, double hits)
{
	pass_held(w, ms, hits, 0);
}

static void windows(struct world *w, int count, double spent)
{
	for (int i = 0; i < count; i++) {
		turn(w, false);
		pass(w, 200 + 20 * draw(), 0);
		turn(w, true);
		pass(w, 40, spent);
	}
}

static struct world world_make(double calls_rate, double cpus, double factor, double noise)
{
	struct world w = {.calls_rate = calls_rate, .cpus = cpus, .factor = factor, .noise = noise};

	srand(7);
	contention_open(&w.learned);
	w.now_ms = w.cpu_ms = 1;
	return w;
}

static void assert_about(double value, double wanted, double error)
{
	if (fabs(value - wanted) > error)
		fail_msg("%g, not %g", value, wanted);
}

/* Over a minute of windows, the factor is found for loads small and large. */
static void test_learns(void **state)
{
	static const struct {
		double calls_rate, cpus, factor;
	} loads[] = {{20, 1.5, 2}, {50, 0.6, 3}, {1000, 4, 1.2}, {1000, 30, 4}, {20, 1, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
		double cpus = loads[i].cpus, factor = loads[i].factor;
		struct world w = world_make(loads[i].calls_rate, cpus, factor, 0.05);

		windows(&w, 200, 5 * cpus);
		assert_about(contention_planned(&w.learned), factor, 0.25 * factor);
		assert_true(contention_seen(&w.learned) > 0);
		assert_about(contention_seen(&w.learned), factor, 0.25 * factor);
	}
}

/* What is spent all the time, in windows or not, is no part of what windows add. */
static void test_spent_always(void **state)
{
	struct world w = world_make(500, 1, 2, 0);

	(void)state;
	for (int i = 0; i < 100; i++) {
		turn(&w, false);
		pass(&w, 200, 200 * 0.01);
		turn(&w, true);
		pass(&w, 40, 5 + 40 * 0.01);
	}
	assert_about(contention_seen(&w.learned), 2, 0.2);
}

static void test_begins_prudent(void **state)
{
	struct world w = world_make(1000, 1, 1, 0);

	(void)state;
	assert_about(contention_planned(&w.learned), CONTENTION_ASSUMED, 0.05);
	windows(&w, 3, 5);
	assert_about(contention_planned(&w.learned), CONTENTION_ASSUMED, 0.05);
	assert_true(contention_seen(&w.learned) == 0);
}

/* Where CPUs have nothing to do for some of the time, calls are as many as before and cost more. */
static void test_idle_target(void **state)
{
	struct world w = world_make(100, 0.3, 2.5, 0.02);

	(void)state;
	w.idle = true;
	windows(&w, 100, 5);
	assert_about(contention_seen(&w.learned), 2.5, 0.3);
}

/* Held time costs what it lasts, and is no cost of hits. */
static void test_held_apart(void **state)
{
	struct world busy = world_make(1000, 1, 2, 0.01), idle = busy;

	(void)state;
	idle.idle = true;
	for (int i = 0; i < 100; i++)
		for (struct world *w = &busy; w; w = w == &busy ? &idle : NULL) {
			turn(w, false);
			pass_held(w, 200, 0, 2);
			turn(w, true);
			pass_held(w, 40, 3, 8);
		}
	assert_about(contention_seen(&busy.learned), 2, 0.2);
	assert_about(contention_seen(&idle.learned), 2, 0.2);
}

/* What was seen is planned with, at least. */
static void test_seen_is_planned(void **state)
{
	struct world w = world_make(1000, 1, 3, 0);

	(void)state;
	windows(&w, 100, 5);
	assert_true(contention_seen(&w.learned) > 2.5);
	assert_true(contention_planned(&w.learned) >= contention_seen(&w.learned));
}

/* No calls, or too few to tell anything by: it stays with what is assumed, and nothing is said. */
static void test_few_calls(void **state)
{
	struct world none = world_make(0, 1, 4, 0), few = world_make(0.01, 1, 4, 0);

	(void)state;
	windows(&none, 300, 5);
	assert_about(contention_planned(&none.learned), CONTENTION_ASSUMED, 0.05);
	assert_true(contention_seen(&none.learned) == 0);
	windows(&few, 300, 5);
	assert_about(contention_planned(&few.learned), CONTENTION_ASSUMED, 0.6);
	assert_true(contention_seen(&few.learned) == 0);
}

/* A load so restless that nothing can be seen in it. */
static void test_noise(void **state)
{
	struct world w = world_make(100, 1, 4, 1.0);

	(void)state;
	windows(&w, 60, 0.5);
	assert_true(contention_seen(&w.learned) == 0);
	assert_about(contention_planned(&w.learned), CONTENTION_ASSUMED, 1);
}

/* Noise that has windows win something by chance is no reason to spend more. */
static void test_noise_spends_nothing(void **state)
{
	double least = CONTENTION_MOST;

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct world w = world_make(100, 1, 1.5, 0.3);

		srand(100 + i);
		windows(&w, 45, 5);
		if (contention_planned(&w.learned) < least)
			least = contention_planned(&w.learned);
	}
	assert_true(least > 1.1);
}

/* A load that jumps up and down, or grows by and by, is no effect of windows. */
static void test_load_changes(void **state)
{
	struct world w = world_make(100, 1, 2, 0.02);

	(void)state;
	windows(&w, 60, 5);
	for (int i = 0; i < 60; i++) {
		w.calls_rate = i % 3 ? 100 : 2000;
		windows(&w, 1, 5);
	}
	assert_about(contention_planned(&w.learned), 2, 0.5);
	w.calls_rate = 100;
	for (int i = 0; i < 100; i++) {
		w.calls_rate *= 1.03;
		windows(&w, 1, 5);
	}
	assert_about(contention_planned(&w.learned), 2, 0.5);
}

/* What changes is learned anew. */
static void test_forgets(void **state)
{
	struct world w = world_make(200, 1, 1.2, 0.02);

	(void)state;
	windows(&w, 200, 5);
	assert_about(contention_planned(&w.learned), 1.2, 0.2);
	w.factor = 4;
	windows(&w, 200, 5);
	assert_about(contention_planned(&w.learned), 4, 0.5);
}

/* Always within bounds: calls that go up with probes in place, or vanish. */
static void test_bounds(void **state)
{
	struct world faster = world_make(200, 1, -3, 0), stopped = world_make(200, 1, 100, 0);

	(void)state;
	windows(&faster, 100, 5);
	assert_about(contention_planned(&faster.learned), 1, 0.1);
	assert_true(contention_seen(&faster.learned) == 1);
	windows(&stopped, 100, 0.5);
	assert_true(contention_planned(&stopped.learned) == CONTENTION_MOST);
}

/* Probes that were put in and never taken out, or taken out twice, are no window. */
static void test_out_of_step(void **state)
{
	struct world w = world_make(200, 1, 3, 0);

	(void)state;
	for (int i = 0; i < 50; i++) {
		turn(&w, true);
		pass(&w, 40, 10);
		turn(&w, true);
		pass(&w, 40, 0);
		turn(&w, false);
		pass(&w, 40, 0);
		turn(&w, false);
		pass(&w, 40, 10);
	}
	assert_about(contention_planned(&w.learned), CONTENTION_ASSUMED, 0.05);
	windows(&w, 30, 5);
	assert_about(contention_seen(&w.learned), 3, 0.4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_learns),
	        cmocka_unit_test(test_spent_always),
	        cmocka_unit_test(test_begins_prudent),
	        cmocka_unit_test(test_few_calls),
	        cmocka_unit_test(test_idle_target),
	        cmocka_unit_test(test_held_apart),
	        cmocka_unit_test(test_seen_is_planned),
	        cmocka_unit_test(test_noise),
	        cmocka_unit_test(test_noise_spends_nothing),
	        cmocka_unit_test(test_load_changes),
	        cmocka_unit_test(test_forgets),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_out_of_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
