/* SPDX-License-Identifier: MIT */
#include "bpf/collector_internal.h"

#define TUNE_EVERY_NS   200000000ULL
#define FRESH_SPACING   4000000ULL  /* between holds on an object rarely tried */
#define SPACING_FIRST   30000000ULL /* between holds on one tried before, to begin with */
#define SPACING_MIN     2000000ULL
#define SPACING_MAX     4000000000ULL
#define USED_TOO_LITTLE 80 /* percent of the budget */
#define USED_UP         95 /* leaves room for objects that are seldom seen */

void collector_tuning_open(struct collector *c)
{
	c->config.tuning->fresh_spacing_ns = FRESH_SPACING;
	c->config.tuning->tried_spacing_ns = SPACING_FIRST;
	c->tuned_ns = c->started_ns;
}

/* How many objects compete for held time is not known, nor how often each is used; how much of the
 * budget was spent is. Spent too little: hold each object sooner again; nearly all: later, or those
 * that are used most would leave nothing for the rest. */
void collector_tune(struct collector *c)
{
	uint64_t now = collector_now(), held, budget, used;
	struct detector_tuning *t = c->config.tuning;
	uint64_t divisor = t->hold_divisor ? t->hold_divisor : c->config.budget_divisor;

	if (now - c->tuned_ns < TUNE_EVERY_NS)
		return;
	held = collector_stall_ns(c);
	budget = (now - c->tuned_ns) / divisor;
	used = (held - c->tuned_held_ns) * 100 / (budget ? budget : 1);
	if (used < USED_TOO_LITTLE && t->tried_spacing_ns > SPACING_MIN)
		t->tried_spacing_ns = t->tried_spacing_ns * 2 / 3;
	else if (used > USED_UP && t->tried_spacing_ns < SPACING_MAX)
		t->tried_spacing_ns = t->tried_spacing_ns * 3 / 2;
	c->tuned_ns = now;
	c->tuned_held_ns = held;
}
