/* SPDX-License-Identifier: MIT */
/* Probes at locks: beside those in the functions, now and then, from an account of their own. */
#include "bpf/govern/governor_internal.h"
#include "bpf/govern/lock_probes.h"
#include "core/base/clock.h"

#define NEED_FIRST_NS 500000.0       /* what a window may cost of which nothing is known yet */
#define NEED_LONG_NS  200000000.0    /* shortest time worth the trouble where all stays in place, */
#define NEED_SHORT_NS 15000000.0     /* and in a window */
#define RATE_NS       20000000.0     /* time constant of what they cost while they are in place */
#define LOOK_LEAST_NS 2000000ULL     /* how often to look while much is spent, */
#define LOOK_MOST_NS  50000000ULL    /* and while little is */
#define LOOK_PARTS    8              /* looks while the account is spent at the rate of late */
#define REST_NS       30000000000ULL /* between windows while all suspects are explained */
#define UNGUARDED_NS  10000000000ULL /* a map that no lock guards is looked for so long */

static uint64_t missing(const struct governor *g)
{
	return *(const volatile uint64_t *)g->config.guards_missing;
}

/* Is there something to find out? Now and then in any case: maps come and change. */
static bool is_wanted(const struct governor *g, uint64_t now)
{
	const struct governor_locks *l = &g->locks;

	return !l->closed_ns || missing(g) != l->missing || now - l->closed_ns > REST_NS;
}

static double need(const struct governor_locks *l, double window_ns)
{
	return l->rate < 0 ? NEED_FIRST_NS : l->rate * window_ns;
}

static bool can_open(const struct governor *g, uint64_t now, double window_ns)
{
	const struct governor_locks *l = &g->locks;

	if (!l->probes || !lock_probes_count(l->probes) || lock_probes_is_open(l->probes) ||
	    now < l->retry_ns || !is_wanted(g, now))
		return false;
	return g->config.overhead_limit >= OVERHEAD_UNLIMITED ||
	       g->budget.locks_account.level_ns > need(l, window_ns);
}

static void locks_open(struct governor *g)
{
	struct governor_locks *l = &g->locks;

	if (lock_probes_open(l->probes)) {
		l->retry_ns = clock_now() + GOVERNOR_RETRY_NS;
		return;
	}
	l->seen_ns = clock_now();
	l->spent_ns = l->total_ns;
	l->missing = missing(g);
}

void governor_locks_close(struct governor *g)
{
	struct governor_locks *l = &g->locks;

	if (!l->probes || !lock_probes_is_open(l->probes))
		return;
	lock_probes_close(l->probes);
	l->closed_ns = clock_now();
}

void governor_locks_count(struct governor *g)
{
	struct governor_locks *l = &g->locks;

	l->total_ns += (double)(g->cost.locks_ns - l->warm_ns) * cost_coldness(&g->cost);
	l->warm_ns = g->cost.locks_ns;
}

/* What they cost while they are in place. */
static void learn(struct governor_locks *l, uint64_t now)
{
	double ns = (double)(now - l->seen_ns), rate;

	if (ns <= 0)
		return;
	rate = (l->total_ns - l->spent_ns) / ns;
	l->rate = l->rate < 0 ? rate : l->rate + (rate - l->rate) * ns / (ns + RATE_NS);
	l->seen_ns = now;
	l->spent_ns = l->total_ns;
}

void governor_locks_arm(struct governor *g)
{
	if (can_open(g, clock_now(), NEED_SHORT_NS))
		locks_open(g);
}

static void unguarded_look(struct governor *g, uint64_t now)
{
	struct governor_locks *l = &g->locks;
	uint64_t seen = *(const volatile uint64_t *)g->config.unguarded;

	if (seen != l->unguarded)
		l->unguarded_ns = now;
	l->unguarded = seen;
	g->budget.unguarded = l->unguarded_ns && now - l->unguarded_ns < UNGUARDED_NS;
}

void governor_locks_step(struct governor *g)
{
	struct governor_locks *l = &g->locks;
	uint64_t now = clock_now();

	unguarded_look(g, now);
	if (!l->probes)
		return;
	lock_probes_look(l->probes);
	g->budget.locks_wanted = lock_probes_count(l->probes) && is_wanted(g, now);
	if (lock_probes_is_open(l->probes)) {
		learn(l, now);
		if (g->budget.locks_account.level_ns <= 0 &&
		    g->config.overhead_limit < OVERHEAD_UNLIMITED)
			governor_locks_close(g);
	} else if (probe_set_is_open(g->config.probes) && !governor_window_costs(g) &&
	           can_open(g, now, NEED_LONG_NS)) {
		locks_open(g);
	}
}

uint64_t governor_locks_wait_ns(const struct governor *g)
{
	const struct governor_locks *l = &g->locks;
	double ns;

	if (!l->probes || !lock_probes_is_open(l->probes))
		return UINT64_MAX;
	if (l->rate < 0)
		return LOOK_LEAST_NS;
	/* Each look takes CPU time from a target that uses all CPUs. Nothing has to be looked after
	 * where no lock is taken, or nothing limits what is spent. */
	if (l->rate == 0 || g->config.overhead_limit >= OVERHEAD_UNLIMITED)
		return LOOK_MOST_NS;
	ns = g->budget.locks_account.level_ns / l->rate / LOOK_PARTS;
	if (ns < (double)LOOK_LEAST_NS)
		return LOOK_LEAST_NS;
	return ns > (double)LOOK_MOST_NS ? LOOK_MOST_NS : (uint64_t)ns;
}

void governor_locks_set(struct governor *g, struct lock_probes *probes)
{
	g->locks.probes = probes;
	g->locks.rate = -1;
}
