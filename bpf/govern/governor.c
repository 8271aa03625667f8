/* SPDX-License-Identifier: MIT */
/* The governor's thread: its steps, its life, and what others ask of it. */
#include "bpf/govern/governor.h"

#include <errno.h>
#include <stdlib.h>

#include "bpf/govern/governor_internal.h"
#include "core/base/clock.h"
#include "core/process/process_apart.h"

#define WINDOW_NS 10000000ULL /* ten times the longest hold */
#define TAIL_NS   500000ULL   /* breakpoints are gone that soon with uprobe_multi */

/* With perf events each probe takes so long to go, and so the windows are longer. */
#define SLOW_WINDOW_NS 1000000000ULL
#define SLOW_TAIL_NS   100000000ULL

#define SIGN_NS 100000000ULL /* a step at least that often: the keeper waits for five of them */

/* ---- steps --------------------------------------------------------------------------- */

/* What hits cost cannot be read: then it must be nothing. */
static void blind(struct governor *g)
{
	governor_disarm(g, false);
	governor_sites_close(g);
	governor_births_close(g);
	governor_order_stop(g);
	governor_trouble_set(g, TROUBLE_COST_UNKNOWN);
}

static void advice_follow(struct governor *g, enum overhead_advice advice, uint64_t now)
{
	switch (advice) {
	case OVERHEAD_ARM:
		if (now >= g->retry_ns && governor_arm(g, NULL, NULL) <= 0)
			g->retry_ns = now + GOVERNOR_RETRY_NS;
		break;
	case OVERHEAD_DISARM:
		governor_disarm(g, true);
		break;
	case OVERHEAD_STAY:
		break;
	}
}

static void step(struct governor *g)
{
	struct overhead_reading reading;
	uint64_t now = clock_now();

	governor_order_resume(g, now);
	governor_sign_give(g, now);
	governor_keeper_step(g, now);
	if (!governor_reading_take(g, &reading)) {
		blind(g);
		return;
	}
	cost_account_contention_set(g->config.account, contention_seen(&g->contention), &g->cost);
	governor_income_plan(g);
	advice_follow(g, overhead_budget_look(&g->budget, &reading), reading.now_ns);
	governor_holds_allow(g);
	governor_gap_tell(g);
	governor_births_allow(g);
	governor_sites_step(g);
	governor_order_step(g);
}

static uint64_t wait_ns(const struct governor *g)
{
	uint64_t wait = overhead_budget_wait_ns(&g->budget), order = governor_order_wait_ns(g);

	wait = wait < order ? wait : order;
	return wait < SIGN_NS ? wait : SIGN_NS;
}

static uint64_t due_ns(const struct governor *g)
{
	return g->births && g->births_ns < g->step_ns ? g->births_ns : g->step_ns;
}

/* Windows first: one that costs waits for nothing. */
static void due_do(struct governor *g)
{
	if (clock_now() >= g->step_ns) {
		step(g);
		g->step_ns = clock_now() + wait_ns(g);
	}
	governor_births_step(g);
}

static void *run(void *arg)
{
	struct governor *g = arg;

	process_apart_hurry();
	g->step_ns = clock_now() + wait_ns(g);
	pthread_mutex_lock(&g->lock);
	while (!g->stopping) {
		thread_call_serve(&g->call, &g->lock);
		uint64_t until = due_ns(g);
		struct timespec at = {.tv_sec = (time_t)(until / 1000000000),
		                      .tv_nsec = (long)(until % 1000000000)};

		if (pthread_cond_timedwait(&g->wake, &g->lock, &at) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&g->lock);
		due_do(g);
		pthread_mutex_lock(&g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* ---- life ---------------------------------------------------------------------------- */

int governor_create(const struct governor_config *config, struct governor **out)
{
	struct governor *g = calloc(1, sizeof(*g));
	pthread_condattr_t attr;

	*out = NULL;
	if (!g)
		return -ENOMEM;
	g->config = *config;
	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->wake, &attr);
	pthread_condattr_destroy(&attr);
	thread_call_open(&g->call);
	*out = g;
	return 0;
}

static int standing_start(struct governor *g,
                          void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	int rc = probe_set_open(g->config.standing, failed, ctx);

	g->standing_ns = clock_now();
	g->standing_rc = rc;
	return link_keeper_may_take_later(rc) ? 0 : rc;
}

static int governed_start(struct governor *g,
                          void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	struct overhead_reading reading;
	int rc;

	if (g->config.overhead_limit <= 0)
		return (int)probe_set_size(g->config.probes);
	if (!governor_reading_take(g, &reading))
		return 0; /* the first step finds out */
	overhead_budget_look(&g->budget, &reading);
	rc = governor_arm(g, failed, ctx);
	if (rc <= 0)
		g->retry_ns = clock_now() + GOVERNOR_RETRY_NS;
	if (!g->armed_since_ns)
		g->out_since_ns = clock_now();
	return link_keeper_may_take_later(rc) ? 0 : rc;
}

int governor_start(struct governor *g, void (*failed)(void *ctx, const struct probe_point *point),
                   void *ctx)
{
	uint64_t window = governor_is_slow(g) ? SLOW_WINDOW_NS : WINDOW_NS;
	uint64_t tail =
	        governor_is_slow(g) ? SLOW_TAIL_NS / 2 * probe_set_size(g->config.probes) : TAIL_NS;
	int standing, governed, rc;

	contention_open(&g->contention);
	overhead_budget_open(&g->budget, g->config.overhead_limit, window, tail,
	                     (uint32_t)clock_now());
	g->budget.hold_most = 1 / (double)g->config.hold_divisor;
	governor_turn(g, false);
	governor_income_plan(g);
	governor_holds_allow(g);
	governor_births_allow(g);
	governor_sign_give(g, clock_now());
	standing = standing_start(g, failed, ctx);
	if (standing < 0)
		return standing;
	governed = governed_start(g, failed, ctx);
	if (governed < 0)
		return governed;
	governor_accepted_set(g, (size_t)standing + (size_t)governed);
	rc = -pthread_create(&g->thread, NULL, run, g);
	if (rc) {
		governor_disarm(g, false);
		return rc;
	}
	g->running = true;
	return standing + governed;
}

void governor_call(struct governor *g, void (*run)(void *ctx), void *ctx)
{
	bool running;

	pthread_mutex_lock(&g->lock);
	running = g->running;
	if (running)
		thread_call_ask(&g->call, &g->lock, &g->wake, run, ctx);
	pthread_mutex_unlock(&g->lock);
	if (!running)
		run(ctx);
}

/* Kept out where they are not in place: the kernel is asked whether it accepts them when it
 * matters. */
int governor_renew(struct governor *g, void (*failed)(void *ctx, const struct probe_point *point),
                   void *ctx)
{
	int rc = 0;

	if (probe_set_is_open(g->config.probes))
		rc = probe_set_open(g->config.probes, failed, ctx);
	governor_window_look(g);
	g->retry_ns = 0;
	return rc;
}

void governor_state(struct governor *g, struct governor_state *out)
{
	pthread_mutex_lock(&g->lock);
	*out = g->state;
	if (g->sampled_since_ns)
		out->sampled_ns += clock_now() - g->sampled_since_ns;
	if (g->armed_since_ns)
		out->armed_ns += clock_now() - g->armed_since_ns;
	else if (g->out_since_ns && !g->stopping)
		out->out_ns += clock_now() - g->out_since_ns;
	out->births_ns = g->births ? birth_probes_armed_ns(g->births) : 0;
	pthread_mutex_unlock(&g->lock);
}

void governor_stop(struct governor *g)
{
	if (!g)
		return;
	if (g->running) {
		pthread_mutex_lock(&g->lock);
		/* From now on they are out because watching ends. */
		if (g->out_since_ns)
			g->state.out_ns += clock_now() - g->out_since_ns;
		g->out_since_ns = 0;
		g->stopping = true;
		pthread_cond_signal(&g->wake);
		pthread_mutex_unlock(&g->lock);
		pthread_join(g->thread, NULL);
		g->running = false;
	}
	if (g->births)
		birth_probes_stop(g->births);
	if (g->sites)
		site_zoom_stop(g->sites);
	governor_disarm(g, false);
	governor_order_stop(g);
	if (g->config.standing)
		probe_set_close(g->config.standing);
}

void governor_destroy(struct governor *g)
{
	if (!g)
		return;
	governor_stop(g);
	thread_call_close(&g->call);
	pthread_cond_destroy(&g->wake);
	pthread_mutex_destroy(&g->lock);
	free(g);
}
