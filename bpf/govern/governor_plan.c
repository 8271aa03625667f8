/* SPDX-License-Identifier: MIT */
/* What watching costs, and what may be spent. */
#include <math.h>

#include "bpf/attach/detector_tuning.h"
#include "bpf/govern/governor_internal.h"
#include "core/base/clock.h"

#define GAP_MOST 1024.0 /* so that what it is multiplied by stays within 64 bits */

bool governor_reading_take(struct governor *g, struct overhead_reading *out)
{
	if (cost_account_read(g->config.account, &g->cost))
		return false;
	governor_order_count(g);
	*out = (struct overhead_reading){.now_ns = clock_now(),
	                                 .cpu_ns = targets_cpu_ns(g->config.targets),
	                                 .hits_ns = cost_hits_ns(&g->cost),
	                                 .held_ns = g->cost.held_ns,
	                                 .order_ns = g->order.total_ns,
	                                 .hits = g->cost.value[COVERAGE_COUNTED],
	                                 .calls = g->cost.value[COVERAGE_AT_CALL]};
	return true;
}

/* What part of --max-overhead to plan with. */
void governor_income_plan(struct governor *g)
{
	double leeway = overhead_leeway(targets_room(g->config.targets));

	g->budget.aim = overhead_aim(leeway);
	g->budget.hit_factor = contention_planned(&g->contention);
	g->budget.hold_factor = overhead_hold_factor(leeway);
	pthread_mutex_lock(&g->lock);
	g->state.planned = g->config.overhead_limit >= OVERHEAD_UNLIMITED
	                           ? 0
	                           : g->budget.overhead_limit * g->budget.aim;
	pthread_mutex_unlock(&g->lock);
}

/* How much of the time accesses may be held, as the program counts it: 1 : divisor. */
void governor_holds_allow(const struct governor *g)
{
	double rate = overhead_budget_hold_rate(&g->budget);
	uint64_t divisor = rate > 0 ? (uint64_t)(1 / rate) : UINT32_MAX;

	if (divisor < g->config.hold_divisor || g->config.overhead_limit >= OVERHEAD_UNLIMITED)
		divisor = g->config.hold_divisor;
	detector_tuning_hold_divisor_set(g->config.tuning, divisor);
}

/* See detector_tuning.window_gap. */
void governor_gap_tell(const struct governor *g)
{
	double gap = fmin(overhead_budget_gap(&g->budget), GAP_MOST);

	detector_tuning_window_gap_set(g->config.tuning, (__u64)(WINDOW_GAP_ONE * gap));
}
