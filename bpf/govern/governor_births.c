/* SPDX-License-Identifier: MIT */
/* Probes where maps are made: they have an account of their own, out of a part of the income. */
#include <time.h>

#include "bpf/govern/birth_probes.h"
#include "bpf/govern/governor_internal.h"
#include "core/base/clock.h"

#define BIRTHS_PART 0.05  /* of the income may go to seeing where maps are made, */
#define BIRTHS_MOST 0.005 /* and never more CPUs than this */

/* Putting them in or out takes up to 30 ms: not while a window is open that costs, */
#define WINDOW_LOOK_NS 2000000ULL  /* but soon after it, */
#define WINDOW_MOST_NS 50000000ULL /* and in spite of it after so long */

void governor_births_allow(struct governor *g)
{
	double rate = overhead_budget_income(&g->budget) * BIRTHS_PART;

	if (rate > BIRTHS_MOST || g->config.overhead_limit >= OVERHEAD_UNLIMITED)
		rate = BIRTHS_MOST;
	g->births_rate = rate;
}

/* True: the step that is due waits for the end of a window. */
static bool wait_for_window(struct governor *g, uint64_t now)
{
	if (!g->births_since_ns)
		g->births_since_ns = now;
	if (!governor_window_costs(g) || now - g->births_since_ns >= WINDOW_MOST_NS) {
		g->births_since_ns = 0;
		return false;
	}
	g->births_ns = now + WINDOW_LOOK_NS;
	return true;
}

void governor_births_step(struct governor *g)
{
	uint64_t now = clock_now();

	if (!g->births || now < g->births_ns || wait_for_window(g, now))
		return;
	governor_sign_give(g, now);
	g->births_ns = birth_probes_step(g->births, g->births_rate);
	g->births_ns += clock_now();
}

void governor_births_close(struct governor *g)
{
	g->births_rate = 0;
	g->births_ns = 0;
	governor_births_step(g);
}

struct start {
	struct governor *g;
	struct birth_probes *births;
	uint64_t begun_ns;
	bool waits; /* for the end of a window */
	int rc;
};

static void start(void *ctx)
{
	struct start *s = ctx;
	struct governor *g = s->g;

	s->waits = governor_window_costs(g) && clock_now() - s->begun_ns < WINDOW_MOST_NS;
	if (s->waits)
		return;
	s->rc = birth_probes_start(s->births, g->births_rate);
	if (s->rc)
		return;
	g->births_ns = clock_now();
	pthread_mutex_lock(&g->lock);
	g->births = s->births;
	pthread_mutex_unlock(&g->lock);
}

int governor_births_start(struct governor *g, struct birth_probes *births)
{
	struct start s = {.g = g, .births = births, .begun_ns = clock_now()};

	governor_call(g, start, &s);
	while (s.waits) {
		nanosleep(&(struct timespec){.tv_nsec = WINDOW_LOOK_NS}, NULL);
		governor_call(g, start, &s);
	}
	return s.rc;
}
