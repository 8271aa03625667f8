/* SPDX-License-Identifier: MIT */
/* The probes in the functions: in place for a window, or as long as they are cheap, and out. */
#include <time.h>

#include "bpf/attach/detector_tuning.h"
#include "bpf/govern/governor_internal.h"
#include "core/base/clock.h"

#define SLOW_TRY_NS  3000000ULL /* with perf events: to see how often a probe is hit */
#define SETTLE_NS    1000000ULL
#define HOLD_LAST_NS 1000000ULL /* to let holds end before a window does, at most */

void governor_turn(struct governor *g, bool in)
{
	struct overhead_reading r;
	struct contention_reading at;

	if (g->config.overhead_limit >= OVERHEAD_UNLIMITED || !governor_reading_take(g, &r))
		return;
	at = (struct contention_reading){.now_ns = r.now_ns,
	                                 .cpu_ns = targets_cpu_now_ns(g->config.targets),
	                                 .hits_ns = r.hits_ns,
	                                 .held_ns = r.held_ns,
	                                 .calls = targets_calls(g->config.targets)};
	contention_turn(&g->contention, &at, in);
}

void governor_sample(struct governor *g, bool on)
{
	uint64_t now = clock_now();

	pthread_mutex_lock(&g->lock);
	if (on != (g->sampled_since_ns != 0)) {
		if (!on)
			g->state.sampled_ns += now - g->sampled_since_ns;
		g->sampled_since_ns = on ? now : 0;
		detector_tuning_sampling_set(g->config.tuning, on);
	}
	pthread_mutex_unlock(&g->lock);
}

static void armed_set(struct governor *g, bool armed)
{
	uint64_t now = clock_now();

	if (!armed)
		governor_sample(g, false);
	overhead_budget_armed(&g->budget, now, armed);
	detector_tuning_armed_set(g->config.tuning, armed ? now : 0);
	pthread_mutex_lock(&g->lock);
	if (g->armed_since_ns)
		g->state.armed_ns += now - g->armed_since_ns;
	else if (g->out_since_ns)
		g->state.out_ns += now - g->out_since_ns;
	g->armed_since_ns = armed ? now : 0;
	g->out_since_ns = armed ? 0 : now;
	pthread_mutex_unlock(&g->lock);
}

void governor_sign_give(const struct governor *g, uint64_t now)
{
	link_keeper_beat(g->config.keeper, now);
	detector_tuning_beat_set(g->config.tuning, now);
}

/* Where taking probes out is slow, a window of a second costs that and seconds more. So probes that
 * are hit so often that they would use up the budget by themselves are not left in place at all:
 * the functions are reported as not probed. */
bool governor_is_slow(const struct governor *g)
{
	return g->config.mode == PROBE_LINK_PERF && g->config.overhead_limit < OVERHEAD_UNLIMITED;
}

bool governor_window_costs(const struct governor *g)
{
	return g->config.overhead_limit < OVERHEAD_UNLIMITED &&
	       probe_set_is_open(g->config.probes) &&
	       (g->budget.cost_rate < 0 ||
	        g->budget.cost_rate > overhead_budget_income(&g->budget));
}

/* Asked after each probe: do those in place by now cost no more than the income? */
static bool is_bearable(void *ctx)
{
	struct governor *g = ctx;
	struct overhead_reading before, after;
	double cost;

	governor_sign_give(g, clock_now());
	if (!governor_reading_take(g, &before))
		return false;
	nanosleep(&(struct timespec){.tv_nsec = SLOW_TRY_NS}, NULL);
	if (!governor_reading_take(g, &after))
		return false;
	cost = (double)(after.hits_ns - before.hits_ns) / (double)(after.now_ns - before.now_ns);
	return cost < overhead_budget_income(&g->budget);
}

/* What the probes delay is seen best from before the first goes in until the last is out: putting
 * them in costs as well, and requests that they delayed end later. Attach and detach take their
 * time: the lock is not held meanwhile. */
int governor_arm(struct governor *g, void (*failed)(void *ctx, const struct probe_point *point),
                 void *ctx)
{
	bool each = governor_is_slow(g) && g->budget.cost_rate < 0;
	int rc;

	governor_turn(g, true);
	detector_tuning_closing_set(g->config.tuning, false);
	rc = each ? probe_set_open_each(g->config.probes, is_bearable, g, failed, ctx)
	          : probe_set_open(g->config.probes, failed, ctx);
	if (probe_set_is_open(g->config.probes)) {
		armed_set(g, true);
		nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
		governor_sample(g, true);
	} else
		governor_turn(g, false);
	return rc;
}

void governor_disarm(struct governor *g, bool patient)
{
	uint64_t last =
	        g->config.stall_max_ns < HOLD_LAST_NS ? g->config.stall_max_ns : HOLD_LAST_NS;

	if (!probe_set_is_open(g->config.probes))
		return;
	if (patient) {
		detector_tuning_closing_set(g->config.tuning, true);
		nanosleep(&(struct timespec){.tv_nsec = (long)last}, NULL);
	}
	if (!governor_order_is_open(g))
		g->plain_ns = clock_now();
	armed_set(g, false);
	probe_set_close(g->config.probes);
	governor_order_close(g);
	governor_turn(g, false);
}

/* Of several files or processes one may have lost its probes while the others keep theirs, and may
 * be left in place for as long as they cost little: it gets its probes back. */
static void missing_open(struct governor *g, uint64_t now)
{
	/* Where taking out is slow a new member would stay in, whatever it costs. */
	if (governor_is_slow(g) || now < g->retry_ns || probe_set_is_whole(g->config.probes))
		return;
	g->retry_ns = now + GOVERNOR_RETRY_NS;
	probe_set_open(g->config.probes, NULL, NULL);
}

bool governor_window_look(struct governor *g)
{
	if (!g->armed_since_ns)
		return false;
	if (probe_set_is_open(g->config.probes)) {
		missing_open(g, clock_now());
		return false;
	}
	armed_set(g, false);
	governor_turn(g, false);
	return true;
}
