/* SPDX-License-Identifier: MIT */
/* Probes at calls, which may stay in place between the windows. */
#include "bpf/govern/governor_internal.h"
#include "core/base/clock.h"

#define SITES_NS    500000000ULL /* how often to choose call sites anew: a time slice of theirs */
#define SITES_BURST 2000000ULL   /* what they may cost at once before they are looked at again */

void governor_sites_set(struct governor *g, struct site_zoom *sites)
{
	g->sites = sites;
}

/* Where the probes in the functions are in place for much of the time, nothing is left to do. */
static double sites_budget(struct governor *g)
{
	bool wanted = overhead_budget_calls_wanted(&g->budget);

	return wanted ? overhead_budget_calls_rate(&g->budget, SITES_NS) * 1e9 : 0;
}

/* A site that turned out to be expensive goes at once. */
static void sites_guard(struct governor *g, uint64_t now)
{
	uint64_t passed = g->guarded_ns ? now - g->guarded_ns : 0;
	double allowed = 2 * overhead_budget_income(&g->budget) * (double)passed;

	g->guarded_ns = now;
	site_zoom_guard(g->sites, now,
	                allowed > (double)SITES_BURST ? (uint64_t)allowed : SITES_BURST);
}

static void calls_set(struct governor *g, int count)
{
	pthread_mutex_lock(&g->lock);
	g->state.call_sites = count > 0 ? (size_t)count : 0;
	pthread_mutex_unlock(&g->lock);
}

/* Choosing takes some milliseconds: never while a window is open that costs. */
void governor_sites_step(struct governor *g)
{
	struct site_zoom_terms terms = {
	        .now_ns = clock_now(),
	        .ns_per_hit = g->budget.hit_factor * cost_coldness(&g->cost) *
	                      (double)g->config.costs.ns[BODY_OPERATION],
	};
	struct governor_state state;

	if (!g->sites || g->config.overhead_limit >= OVERHEAD_UNLIMITED)
		return;
	sites_guard(g, terms.now_ns);
	if (terms.now_ns - g->sites_ns < SITES_NS)
		return;
	governor_state(g, &state);
	terms.armed_ns = state.armed_ns;
	terms.budget_ns_per_s = sites_budget(g);
	if (probe_set_is_open(g->config.probes) && terms.budget_ns_per_s > 0)
		return;
	if (terms.budget_ns_per_s > 0 || site_zoom_count(g->sites))
		calls_set(g, site_zoom_step(g->sites, &terms));
	g->sites_ns = terms.now_ns;
}

void governor_sites_close(struct governor *g)
{
	if (g->sites && site_zoom_count(g->sites))
		site_zoom_step(g->sites, &(struct site_zoom_terms){.now_ns = clock_now()});
}
