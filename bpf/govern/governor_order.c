/* SPDX-License-Identifier: MIT */
/* Probes where goroutines are ordered: beside those in the functions, now and then, from an account
 * of their own. */
#include "bpf/govern/governor_internal.h"
#include "bpf/govern/order_probes.h"
#include "core/base/clock.h"

/* A window is to last LONG_NS, as the two accesses of a pair lie up to 170 ms apart, and SHORT_NS
 * at least. Where the former cannot be paid, the income of SAVED_NS is enough to begin one. */
#define LONG_NS       400000000.0
#define SHORT_NS      15000000.0
#define SAVED_NS      2000000000.0
#define RATE_FIRST    2.5          /* times the cost of the probes in the functions, all together */
#define SITE_NS       50000.0      /* to put a probe in and take it out, until that was seen */
#define RATE_NS       20000000.0   /* time constant of what it costs while it lasts */
#define LOOK_LEAST_NS 2000000ULL   /* how often to look while much is spent, */
#define LOOK_MOST_NS  50000000ULL  /* and while little is */
#define LOOK_PARTS    8            /* looks while what is left is spent at the last known rate */
#define STALE_NS      200000000ULL /* twice the longest time between two steps */
#define STAY_PART     0.1       /* of the income of order windows: probes that stay may cost it */
#define STAY_BURST_NS 2000000.0 /* beyond twice that they may cost this at once, no more */
#define SORT_NS       500000000ULL  /* how often it is looked at which may stay */
#define PLAIN_NS      3000000000ULL /* a plain window older than this tells no rate */

/* CPUs that a window costs while it lasts. The probes in the functions were in place before. */
static double rate_expected(const struct governor *g)
{
	double least = g->budget.cost_rate;

	if (g->order.rate < 0)
		return RATE_FIRST * least;
	return g->order.rate > least ? g->order.rate : least;
}

/* In a program of thousands of sites that is busy they are hit for longer while they go in and out
 * than in the window between. */
static double switching_ns(const struct governor *g)
{
	const struct governor_order *l = &g->order;

	if (l->opening_ns + l->closing_ns)
		return (double)(l->opening_ns + l->closing_ns);
	return SITE_NS * (double)order_probes_hot(l->probes);
}

static double need(const struct governor *g)
{
	double rate = rate_expected(g), switching = switching_ns(g);
	double saved = overhead_budget_order_income(&g->budget) * SAVED_NS;
	double longest = rate * (switching + LONG_NS), shortest = rate * (switching + SHORT_NS);

	if (saved > longest)
		return longest;
	return saved > shortest ? saved : shortest;
}

static bool can_open(const struct governor *g, uint64_t now)
{
	const struct governor_order *l = &g->order;

	if (!l->probes || !order_probes_count(l->probes) || order_probes_is_open(l->probes) ||
	    now < l->retry_ns)
		return false;
	return g->budget.cost_rate >= 0 && g->budget.order_account.level_ns > need(g);
}

/* Where there are no other windows, or there is no limit, rates are measured in order windows. */
static bool counts_for_rates(const struct governor *g)
{
	return g->config.overhead_limit >= OVERHEAD_UNLIMITED || !g->plain_ns ||
	       clock_now() - g->plain_ns > PLAIN_NS;
}

bool governor_order_is_open(const struct governor *g)
{
	return g->order.probes && order_probes_is_open(g->order.probes);
}

static void order_open(struct governor *g)
{
	struct governor_order *l = &g->order;
	struct overhead_reading after;
	uint64_t begin = clock_now();

	governor_sample(g, false);
	if (order_probes_open(l->probes)) {
		governor_sample(g, true);
		l->retry_ns = clock_now() + GOVERNOR_RETRY_NS;
		return;
	}
	/* Hits while they went in are not of the window. */
	governor_reading_take(g, &after);
	l->seen_ns = clock_now();
	l->opening_ns = l->seen_ns - begin;
	l->step_ns = l->seen_ns;
	l->spent_ns = l->hits_ns;
	governor_sign_give(g, l->seen_ns);
	order_probes_begin(l->probes);
	governor_sample(g, counts_for_rates(g));
	g->budget.order_open = true;
}

void governor_order_close(struct governor *g)
{
	struct governor_order *l = &g->order;
	uint64_t begin;

	if (!l->probes || !order_probes_is_open(l->probes))
		return;
	g->budget.order_open = false;
	governor_sample(g, false);
	begin = clock_now();
	order_probes_close(l->probes);
	l->closing_ns = clock_now() - begin;
	governor_sample(g, g->armed_since_ns != 0);
}

void governor_order_stop(struct governor *g)
{
	if (!g->order.probes)
		return;
	governor_order_close(g);
	order_probes_stop(g->order.probes);
}

/* All hits, those at calls apart, which are paid for otherwise: in a window the probes in the
 * functions are there for its sake. */
void governor_order_count(struct governor *g)
{
	g->order.total_ns = g->cost.order_ns + g->cost.order_cold_ns;
	g->order.hits_ns = cost_hits_ns(&g->cost);
}

/* What they cost while they are in place. */
static void learn(struct governor_order *l, uint64_t now)
{
	double ns = (double)(now - l->seen_ns), rate;

	if (ns <= 0)
		return;
	rate = (double)(l->hits_ns - l->spent_ns) / ns;
	l->rate = l->rate < 0 ? rate : l->rate + (rate - l->rate) * ns / (ns + RATE_NS);
	l->seen_ns = now;
	l->spent_ns = l->hits_ns;
}

/* The probes in the functions go in first: what is done at a map is not to be missed. */
static void window_open(struct governor *g, uint64_t now)
{
	if (!probe_set_is_open(g->config.probes) && governor_arm(g, NULL, NULL) <= 0) {
		g->order.retry_ns = now + GOVERNOR_RETRY_NS;
		return;
	}
	order_open(g);
}

/* Between windows, what probes that stay cost is paid from the account of order windows. A site
 * that was hardly hit may be hit a million times a second from now on: at the first look after that
 * all of them are taken out. */
static void stay_guard(struct governor *g, uint64_t now, double allowed)
{
	struct governor_order *l = &g->order;
	double ns = (double)(now - l->stay_ns);
	double spent = (double)(l->total_ns - l->stay_total_ns) * g->budget.hit_factor;

	if (!l->stay_ns || spent <= STAY_BURST_NS + 2 * allowed * ns)
		return;
	order_probes_stop(l->probes);
	l->stay_expensive = true;
}

static void stay_step(struct governor *g, uint64_t now)
{
	struct governor_order *l = &g->order;
	double allowed = overhead_budget_order_income(&g->budget) * STAY_PART;
	double hit_ns = g->budget.hit_factor * cost_coldness(&g->cost) *
	                (double)g->config.costs.ns[BODY_ORDER];
	size_t hot = order_probes_hot(l->probes);

	stay_guard(g, now, allowed);
	if (l->stay_ns && now - l->stay_ns < SORT_NS && !l->stay_expensive)
		return;
	l->stay_ns = now;
	l->stay_total_ns = l->total_ns;
	/* It takes as long as a window: not in one. */
	if (governor_window_costs(g) || hit_ns <= 0)
		return;
	order_probes_sort(l->probes, allowed * 1e9 / hit_ns, l->stay_expensive);
	l->stay_expensive = false;
	if (order_probes_hot(l->probes) != hot)
		l->opening_ns = l->closing_ns = 0; /* of the next one nothing is known */
}

/* What will have been spent before the last one is out. */
static double closing_cost(const struct governor *g)
{
	return g->order.rate > 0 ? g->order.rate * switching_ns(g) / 2 : 0;
}

void governor_order_resume(struct governor *g, uint64_t now)
{
	if (g->order.step_ns && now - g->order.step_ns > STALE_NS)
		governor_order_close(g);
	g->order.step_ns = now;
}

void governor_order_step(struct governor *g)
{
	struct governor_order *l = &g->order;
	uint64_t now = clock_now();

	if (!l->probes)
		return;
	if (g->config.overhead_limit <= 0) {
		governor_order_stop(g);
		return;
	}
	g->budget.unordered =
	        __atomic_load_n(&g->config.tuning->order_places[0], __ATOMIC_RELAXED) != 0;
	order_probes_look(l->probes);
	g->budget.order_open = order_probes_is_open(l->probes);
	g->budget.order_wanted = order_probes_count(l->probes) != 0;
	if (g->budget.order_open) {
		learn(l, now);
		l->stay_ns = 0;
		if (g->budget.order_account.level_ns <= closing_cost(g))
			governor_order_close(g);
	} else if (can_open(g, now)) {
		window_open(g, now);
	} else {
		stay_step(g, now);
	}
}

uint64_t governor_order_wait_ns(const struct governor *g)
{
	const struct governor_order *l = &g->order;
	double ns;

	if (!l->probes || !order_probes_is_open(l->probes))
		return UINT64_MAX;
	if (l->rate < 0)
		return LOOK_LEAST_NS;
	/* Each look takes CPU time from a target that uses all CPUs: where nothing is spent,
	 * nothing has to be looked after. */
	if (l->rate == 0)
		return LOOK_MOST_NS;
	ns = (g->budget.order_account.level_ns - closing_cost(g)) / l->rate / LOOK_PARTS;
	if (ns < (double)LOOK_LEAST_NS)
		return LOOK_LEAST_NS;
	return ns > (double)LOOK_MOST_NS ? LOOK_MOST_NS : (uint64_t)ns;
}

void governor_order_set(struct governor *g, struct order_probes *probes)
{
	g->order.probes = probes;
	g->order.rate = -1;
}
