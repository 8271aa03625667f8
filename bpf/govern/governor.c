/* SPDX-License-Identifier: MIT */
#include "bpf/govern/governor.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "bpf/attach/detector_tuning.h"
#include "core/base/clock.h"
#include "core/base/thread_call.h"
#include "core/budget/contention.h"
#include "core/budget/overhead_budget.h"
#include "core/process/process_apart.h"

#define WINDOW_NS 10000000ULL /* ten times the longest hold */
#define TAIL_NS   500000ULL   /* breakpoints are gone that soon with uprobe_multi */

/* With perf events each probe takes so long to go, and so the windows are longer. */
#define SLOW_WINDOW_NS 1000000000ULL
#define SLOW_TAIL_NS   100000000ULL
#define SLOW_TRY_NS    3000000ULL /* to see how often a probe is hit */

#define HOLD_LAST_NS 1000000ULL /* to let holds end before a window does, at most */

#define GAP_MOST 1024.0 /* so that what it is multiplied by stays within 64 bits */

#define RETRY_NS 1000000000ULL /* after the kernel refused the probes, or the file changed */

#define SIGN_NS 100000000ULL /* a step at least that often: the keeper waits for five of them */

#define SITES_NS    500000000ULL /* how often to choose call sites anew: a turn of theirs */
#define SITES_BURST 2000000ULL   /* what they may cost at once before they are looked at again */

#define BIRTHS_PART 0.05  /* of the income may go to seeing where maps are made, */
#define BIRTHS_MOST 0.005 /* and never more CPUs than this */

struct governor {
	struct governor_config config;
	struct overhead_budget budget; /* of the governor's thread */
	struct contention contention;  /* so is this */
	struct cost cost;              /* so is this: as last read */
	struct site_zoom *sites;
	uint64_t sites_ns; /* of the last step */
	uint64_t guarded_ns;
	uint64_t retry_ns;    /* the probes could not be put in place: not again before */
	uint64_t standing_ns; /* the standing ones were last tried */
	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	struct thread_call call;
	bool running, stopping;
	uint64_t armed_since_ns; /* 0: the probes are not in place */
	uint64_t out_since_ns;   /* 0: they are, or never were */
	struct governor_state state;
};

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

/* ---- what it costs ------------------------------------------------------------------- */

static bool reading_take(struct governor *g, struct overhead_reading *r)
{
	if (cost_account_read(g->config.account, &g->cost))
		return false;
	*r = (struct overhead_reading){.now_ns = clock_now(),
	                               .cpu_ns = targets_cpu_ns(g->config.targets),
	                               .hits_ns = cost_hits_ns(&g->cost),
	                               .held_ns = g->cost.held_ns,
	                               .hits = g->cost.value[COVERAGE_COUNTED],
	                               .calls = g->cost.value[COVERAGE_AT_CALL]};
	return true;
}

/* What the probes delay is seen best from before the first goes in until the last is out: putting
 * them in costs as well, and requests that they delayed end later. */
static void turn(struct governor *g, bool in)
{
	struct overhead_reading r;
	struct contention_reading at;

	if (g->config.share >= OVERHEAD_UNLIMITED || !reading_take(g, &r))
		return;
	at = (struct contention_reading){.now_ns = r.now_ns,
	                                 .cpu_ns = targets_cpu_now_ns(g->config.targets),
	                                 .hits_ns = r.hits_ns,
	                                 .held_ns = r.held_ns,
	                                 .calls = targets_calls(g->config.targets)};
	contention_turn(&g->contention, &at, in);
}

/* ---- in and out ---------------------------------------------------------------------- */

static void armed_set(struct governor *g, bool armed)
{
	uint64_t now = clock_now();

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

/* I am here: to the keeper, and to the programs. */
static void sign_give(const struct governor *g, uint64_t now)
{
	link_keeper_beat(g->config.keeper, now);
	detector_tuning_beat_set(g->config.tuning, now);
}

/* Where taking probes out is slow, a window of a second costs that and seconds more. So probes that
 * are hit so often that they would use up the budget by themselves are not left in place at all:
 * the functions are reported as not probed. */
static bool is_slow(const struct governor *g)
{
	return g->config.mode == PROBE_LINK_PERF && g->config.share < OVERHEAD_UNLIMITED;
}

/* Asked after each probe: do those in place by now cost no more than the income? */
static bool is_bearable(void *ctx)
{
	struct governor *g = ctx;
	struct overhead_reading before, after;
	double cost;

	sign_give(g, clock_now());
	if (!reading_take(g, &before))
		return false;
	nanosleep(&(struct timespec){.tv_nsec = SLOW_TRY_NS}, NULL);
	if (!reading_take(g, &after))
		return false;
	cost = (double)(after.hits_ns - before.hits_ns) / (double)(after.now_ns - before.now_ns);
	return cost < overhead_budget_income(&g->budget);
}

/* Attach and detach take their time: the lock is not held meanwhile. */
static int arm(struct governor *g, void (*failed)(void *ctx, const struct probe_point *point),
               void *ctx)
{
	bool each = is_slow(g) && g->budget.cost_rate < 0;
	int rc;

	turn(g, true);
	detector_tuning_closing_set(g->config.tuning, false);
	rc = each ? probe_set_open_each(g->config.probes, is_bearable, g, failed, ctx)
	          : probe_set_open(g->config.probes, failed, ctx);
	if (probe_set_is_open(g->config.probes))
		armed_set(g, true);
	else
		turn(g, false);
	return rc;
}

static void disarm(struct governor *g, bool patient)
{
	uint64_t last =
	        g->config.stall_max_ns < HOLD_LAST_NS ? g->config.stall_max_ns : HOLD_LAST_NS;

	if (!probe_set_is_open(g->config.probes))
		return;
	if (patient) {
		detector_tuning_closing_set(g->config.tuning, true);
		nanosleep(&(struct timespec){.tv_nsec = (long)last}, NULL);
	}
	armed_set(g, false);
	probe_set_close(g->config.probes);
	turn(g, false);
}

/* ---- what may be spent ---------------------------------------------------------------- */

/* How much of what was promised is planned with, and so to be expected. */
static void income_plan(struct governor *g)
{
	double leeway = overhead_leeway(targets_room(g->config.targets));

	g->budget.aim = overhead_aim(leeway);
	g->budget.hit_factor = contention_planned(&g->contention);
	g->budget.hold_factor = overhead_hold_factor(leeway);
	pthread_mutex_lock(&g->lock);
	g->state.planned =
	        g->config.share >= OVERHEAD_UNLIMITED ? 0 : g->budget.share * g->budget.aim;
	pthread_mutex_unlock(&g->lock);
}

/* How much of the time accesses may be held, as the program counts it: 1 : divisor. */
static void holds_allow(const struct governor *g)
{
	double rate = overhead_budget_hold_rate(&g->budget);
	uint64_t divisor = rate > 0 ? (uint64_t)(1 / rate) : UINT32_MAX;

	if (divisor < g->config.hold_divisor || g->config.share >= OVERHEAD_UNLIMITED)
		divisor = g->config.hold_divisor;
	detector_tuning_hold_divisor_set(g->config.tuning, divisor);
}

/* See detector_tuning.window_gap. */
static void gap_tell(const struct governor *g)
{
	double gap = fmin(overhead_budget_gap(&g->budget), GAP_MOST);

	detector_tuning_window_gap_set(g->config.tuning, (__u64)(WINDOW_GAP_ONE * gap));
}

static void births_allow(struct governor *g)
{
	double rate = overhead_budget_income(&g->budget) * BIRTHS_PART;

	if (rate > BIRTHS_MOST || g->config.share >= OVERHEAD_UNLIMITED)
		rate = BIRTHS_MOST;
	pthread_mutex_lock(&g->lock);
	g->state.births_rate = rate;
	pthread_mutex_unlock(&g->lock);
}

/* ---- call sites ---------------------------------------------------------------------- */

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

/* A site that turned out to be dear goes at once. */
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
static void sites_step(struct governor *g)
{
	struct site_zoom_terms terms = {
	        .now_ns = clock_now(),
	        .ns_per_hit = g->budget.hit_factor * cost_coldness(&g->cost) *
	                      (double)g->config.costs.ns[BODY_OPERATION],
	};
	struct governor_state state;

	if (!g->sites || g->config.share >= OVERHEAD_UNLIMITED)
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

/* ---- probes that were let go --------------------------------------------------------- */

/* Probes that stay in place: those that are not are tried again, once a second. */
static void standing_step(struct governor *g, uint64_t now)
{
	probe_set_look(g->config.standing);
	if (probe_set_is_whole(g->config.standing) || now - g->standing_ns < RETRY_NS)
		return;
	g->standing_ns = now;
	probe_set_open(g->config.standing, NULL, NULL);
}

static void trouble_set(struct governor *g, enum trouble trouble)
{
	pthread_mutex_lock(&g->lock);
	g->state.trouble = trouble;
	pthread_mutex_unlock(&g->lock);
}

static enum trouble file_trouble(const struct governor *g)
{
	if (probe_set_waits_for(g->config.standing, LINK_FILE_WRITTEN))
		return TROUBLE_FILE_WRITTEN;
	if (!probe_set_is_open(g->config.standing) &&
	    probe_set_waits_for(g->config.standing, LINK_FILE_STALE))
		return TROUBLE_FILE_STALE;
	return probe_set_waits_for(g->config.standing, LINK_FILE_IDLE) ? TROUBLE_FILE_IDLE
	                                                               : TROUBLE_NONE;
}

static void accepted_set(struct governor *g, size_t accepted)
{
	targets_probes_set(g->config.targets, accepted);
	pthread_mutex_lock(&g->lock);
	g->state.accepted = accepted;
	pthread_mutex_unlock(&g->lock);
}

/* The keeper may have let probes go, or have died. */
static void keeper_step(struct governor *g, uint64_t now)
{
	bool open = probe_set_is_open(g->config.probes);
	int rc = link_keeper_look(g->config.keeper, now);

	probe_set_look(g->config.probes);
	if (open && !probe_set_is_open(g->config.probes)) {
		armed_set(g, false);
		turn(g, false);
		g->retry_ns = 0;
	}
	if (g->sites)
		site_zoom_look(g->sites);
	standing_step(g, now);
	trouble_set(g, rc < 0 ? TROUBLE_KEEPER_GONE : file_trouble(g));
	accepted_set(g, probe_set_accepted(g->config.standing) +
	                        (g->config.share > 0 ? probe_set_accepted(g->config.probes)
	                                             : probe_set_size(g->config.probes)));
	pthread_mutex_lock(&g->lock);
	g->state.drops = link_keeper_drops(g->config.keeper);
	pthread_mutex_unlock(&g->lock);
}

/* What hits cost cannot be read: then it must be nothing. */
static void blind(struct governor *g)
{
	disarm(g, false);
	if (g->sites && site_zoom_count(g->sites))
		site_zoom_step(g->sites, &(struct site_zoom_terms){.now_ns = clock_now()});
	trouble_set(g, TROUBLE_COST_UNKNOWN);
}

static void step(struct governor *g)
{
	struct overhead_reading reading;
	uint64_t now = clock_now();

	sign_give(g, now);
	keeper_step(g, now);
	if (!reading_take(g, &reading)) {
		blind(g);
		return;
	}
	cost_account_contention_set(g->config.account, contention_seen(&g->contention), &g->cost);
	income_plan(g);
	switch (overhead_budget_look(&g->budget, &reading)) {
	case OVERHEAD_ARM:
		if (reading.now_ns >= g->retry_ns && arm(g, NULL, NULL) <= 0)
			g->retry_ns = reading.now_ns + RETRY_NS;
		break;
	case OVERHEAD_DISARM:
		disarm(g, true);
		break;
	case OVERHEAD_STAY:
		break;
	}
	holds_allow(g);
	gap_tell(g);
	births_allow(g);
	sites_step(g);
}

static uint64_t wait_ns(const struct governor *g)
{
	uint64_t wait = overhead_budget_wait_ns(&g->budget);

	return wait < SIGN_NS ? wait : SIGN_NS;
}

static void *run(void *arg)
{
	struct governor *g = arg;

	process_apart_hurry();
	pthread_mutex_lock(&g->lock);
	while (!g->stopping) {
		thread_call_serve(&g->call, &g->lock);
		uint64_t until = clock_now() + wait_ns(g);
		struct timespec at = {.tv_sec = (time_t)(until / 1000000000),
		                      .tv_nsec = (long)(until % 1000000000)};

		if (pthread_cond_timedwait(&g->wake, &g->lock, &at) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&g->lock);
		step(g);
		pthread_mutex_lock(&g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* ---- life ---------------------------------------------------------------------------- */

/* Is there a reason to go on without these probes, and to try again? */
static bool may_come_later(int rc)
{
	return rc == -ENOENT || rc == -ETXTBSY || rc == -ECANCELED || rc == -ESTALE;
}

static int standing_start(struct governor *g,
                          void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	int rc = probe_set_open(g->config.standing, failed, ctx);

	g->standing_ns = clock_now();
	return may_come_later(rc) ? 0 : rc;
}

static int governed_start(struct governor *g,
                          void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	struct overhead_reading reading;
	int rc;

	if (g->config.share <= 0)
		return (int)probe_set_size(g->config.probes);
	if (!reading_take(g, &reading))
		return 0; /* the first step finds out */
	overhead_budget_look(&g->budget, &reading);
	rc = arm(g, failed, ctx);
	if (rc <= 0)
		g->retry_ns = clock_now() + RETRY_NS;
	return may_come_later(rc) ? 0 : rc;
}

int governor_start(struct governor *g, void (*failed)(void *ctx, const struct probe_point *point),
                   void *ctx)
{
	uint64_t window = is_slow(g) ? SLOW_WINDOW_NS : WINDOW_NS;
	uint64_t tail = is_slow(g) ? SLOW_TAIL_NS / 2 * probe_set_size(g->config.probes) : TAIL_NS;
	int standing, governed, rc;

	contention_open(&g->contention);
	overhead_budget_open(&g->budget, g->config.share, window, tail, (uint32_t)clock_now());
	g->budget.hold_most = 1 / (double)g->config.hold_divisor;
	turn(g, false);
	income_plan(g);
	holds_allow(g);
	births_allow(g);
	sign_give(g, clock_now());
	standing = standing_start(g, failed, ctx);
	if (standing < 0)
		return standing;
	governed = governed_start(g, failed, ctx);
	if (governed < 0)
		return governed;
	accepted_set(g, (size_t)standing + (size_t)governed);
	rc = -pthread_create(&g->thread, NULL, run, g);
	if (rc) {
		disarm(g, false);
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
	bool was = g->armed_since_ns > 0, is;
	int rc = 0;

	if (probe_set_is_open(g->config.probes))
		rc = probe_set_open(g->config.probes, failed, ctx);
	is = probe_set_is_open(g->config.probes);
	if (was && !is) {
		armed_set(g, false);
		turn(g, false);
	}
	g->retry_ns = 0;
	return rc;
}

void governor_state(struct governor *g, struct governor_state *out)
{
	pthread_mutex_lock(&g->lock);
	*out = g->state;
	if (g->armed_since_ns)
		out->armed_ns += clock_now() - g->armed_since_ns;
	else if (g->out_since_ns && !g->stopping)
		out->out_ns += clock_now() - g->out_since_ns;
	pthread_mutex_unlock(&g->lock);
}

void governor_stop(struct governor *g)
{
	if (!g)
		return;
	if (g->running) {
		pthread_mutex_lock(&g->lock);
		g->stopping = true;
		pthread_cond_signal(&g->wake);
		pthread_mutex_unlock(&g->lock);
		pthread_join(g->thread, NULL);
		g->running = false;
	}
	if (g->sites)
		site_zoom_stop(g->sites);
	disarm(g, false);
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
