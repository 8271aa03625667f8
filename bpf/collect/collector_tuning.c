/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"

#define TUNE_EVERY_NS 200000000ULL
#define FRESH_SPACING 4000000ULL  /* between holds on an object rarely tried */
#define SPACING_FIRST 30000000ULL /* between holds on one tried before, to begin with */
#define SPACING_MIN   2000000.0
#define SPACING_MAX   4000000000.0
#define USED_WANTED   0.9 /* of the budget: leaves room for objects that are seldom seen */
#define USED_WEIGHT \
	0.3 /* of the latest, in what is used lately: a fifth of a second has a few holds */
#define STEP_MOST 1.5

static void tried_spacing_set(struct collector *c, uint64_t ns)
{
	c->tried_spacing_ns = ns;
	detector_tuning_tried_spacing_set(c->config.tuning, ns);
}

void collector_tuning_open(struct collector *c)
{
	detector_tuning_fresh_spacing_set(c->config.tuning, FRESH_SPACING);
	tried_spacing_set(c, SPACING_FIRST);
	c->tuned_ns = c->started_ns;
	c->tuned_used = USED_WANTED;
}

/* How many objects compete for held time is not known, nor how often each is used; how much of the
 * budget was spent is. Spent too little: hold each object sooner again; nearly all: later, or those
 * that are used most would leave nothing for the rest. */
void collector_tune(struct collector *c)
{
	uint64_t now = clock_now(), held, budget;
	uint64_t divisor = detector_tuning_hold_divisor(c->config.tuning);
	double step, spacing;

	if (now - c->tuned_ns < TUNE_EVERY_NS)
		return;
	if (!divisor)
		divisor = c->config.budget_divisor;
	held = collector_stall_ns(c);
	budget = (now - c->tuned_ns) / divisor;
	if (budget)
		c->tuned_used += USED_WEIGHT * ((double)(held - c->tuned_held_ns) / (double)budget -
		                                c->tuned_used);
	step = fmin(fmax(c->tuned_used / USED_WANTED, 1 / STEP_MOST), STEP_MOST);
	spacing = fmin(fmax((double)c->tried_spacing_ns * step, SPACING_MIN), SPACING_MAX);
	tried_spacing_set(c, (uint64_t)spacing);
	c->tuned_ns = now;
	c->tuned_held_ns = held;
}
