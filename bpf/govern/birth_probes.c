/* SPDX-License-Identifier: MIT */
#include "bpf/govern/birth_probes.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpf/attach/detector_tuning.h"
#include "core/base/clock.h"
#include "core/base/thread_call.h"
#include "core/budget/token_bucket.h"

/* Seconds' worth of allowance: to begin with, and at most (with half a percent of a CPU 4,000 maps
 * at once, what a program makes as it starts); and what a window may cost. What is over is paid
 * first. */
#define SAVINGS_S 10
#define WINDOW_S  1.2

#define LOOK_ARMED_NS 2000000ULL   /* how often to look while the probes are in place and hit, */
#define LOOK_QUIET_NS 32000000ULL  /* while they are in place and little comes: less */
#define LITTLE        0.02         /* CPUs than this, */
#define LOOK_IDLE_NS  100000000ULL /* and while they are out */

struct birth_probes {
	struct birth_probes_config config;
	struct probe_set *set;
	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	struct thread_call call;
	bool running, stopping, armed;
	uint64_t armed_since_ns, armed_ns;
	uint64_t paid_ns, paid_hits; /* when the account was last settled, and hits until then */
	struct token_bucket account;
	unsigned int dice;
	uint64_t look_ns, looked_hits; /* time between the last two looks; hits until then */
};

int birth_probes_create(const struct birth_probes_config *config, struct birth_probes **out)
{
	struct birth_probes *b = calloc(1, sizeof(*b));
	pthread_condattr_t attr;
	int rc;

	*out = NULL;
	if (!b)
		return -ENOMEM;
	rc = probe_set_create(config->keeper, PROBE_LINK_MULTI, &b->set);
	if (rc) {
		free(b);
		return rc;
	}
	b->config = *config;
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->wake, &attr);
	pthread_condattr_destroy(&attr);
	thread_call_open(&b->call);
	*out = b;
	return 0;
}

/* ---- in and out ---------------------------------------------------------------------- */

/* Attach and detach take their time: the lock is not held meanwhile. */
static int arm(struct birth_probes *b)
{
	int rc = probe_set_open(b->set, NULL, NULL);

	if (rc <= 0)
		return rc ? rc : -ENODATA;
	pthread_mutex_lock(&b->lock);
	b->armed = true;
	b->armed_since_ns = clock_now();
	pthread_mutex_unlock(&b->lock);
	return 0;
}

/* Not in place from now on, or no longer. */
static void armed_end(struct birth_probes *b)
{
	pthread_mutex_lock(&b->lock);
	if (b->armed)
		b->armed_ns += clock_now() - b->armed_since_ns;
	b->armed = false;
	pthread_mutex_unlock(&b->lock);
}

static void disarm(struct birth_probes *b)
{
	/* What comes while the probes are being taken out may miss some: it does not count. */
	armed_end(b);
	probe_set_close(b->set);
}

/* The keeper may have let them go: they come back as after a debt. */
static void look(struct birth_probes *b)
{
	probe_set_look(b->set);
	if (b->armed && !probe_set_is_open(b->set))
		armed_end(b);
}

/* ---- files that come and go ---------------------------------------------------------- */

struct change {
	struct birth_probes *births;
	const struct probe_file *file;
	pid_t pid;
	const struct probe_point *points;
	size_t count;
	int fd, rc;
};

static void add(void *ctx)
{
	struct change *c = ctx;

	c->rc = probe_set_add(c->births->set, c->file, c->pid, true, c->points, c->count);
	if (!c->rc && c->births->armed)
		probe_set_open(c->births->set, NULL, NULL);
}

static void take_away(void *ctx)
{
	struct change *c = ctx;

	probe_set_remove(c->births->set, c->fd);
	look(c->births);
}

static void call(struct birth_probes *b, void (*run)(void *ctx), void *ctx)
{
	bool running;

	pthread_mutex_lock(&b->lock);
	running = b->running;
	if (running)
		thread_call_ask(&b->call, &b->lock, &b->wake, run, ctx);
	pthread_mutex_unlock(&b->lock);
	if (!running)
		run(ctx);
}

int birth_probes_add(struct birth_probes *b, const struct probe_file *file, pid_t pid,
                     const struct probe_point *points, size_t count)
{
	struct change c = {.births = b, .file = file, .pid = pid, .points = points, .count = count};

	call(b, add, &c);
	return c.rc;
}

void birth_probes_remove(struct birth_probes *b, int fd)
{
	struct change c = {.births = b, .fd = fd};

	call(b, take_away, &c);
}

/* ---- what it costs ------------------------------------------------------------------- */

static uint64_t hits(const struct birth_probes *b)
{
	return *(const volatile uint64_t *)b->config.hits;
}

static void settle(struct birth_probes *b, double rate, uint64_t now)
{
	uint64_t seen = hits(b);

	token_bucket_fill(&b->account, rate * (double)(now - b->paid_ns), rate * SAVINGS_S * 1e9);
	token_bucket_take(&b->account, (double)((seen - b->paid_hits) * b->config.hit_ns));
	b->paid_ns = now;
	b->paid_hits = seen;
}

/* In a burst births are told up to what was allowed; those that come until the probes are out are
 * only counted. */
static void allow(const struct birth_probes *b)
{
	double told = b->account.level_ns / (double)b->config.hit_ns;

	detector_tuning_births_allowed_set(b->config.tuning,
	                                   b->paid_hits + (told > 0 ? (uint64_t)told : 0));
}

static void step(struct birth_probes *b)
{
	double rate = b->config.rate(b->config.rate_ctx);

	look(b);
	settle(b, rate, clock_now());
	allow(b);
	if (b->armed && b->account.level_ns <= 0)
		disarm(b);
	else if (!b->armed && b->account.level_ns > rate * WINDOW_S * 1e9 &&
	         rand_r(&b->dice) % 4 == 0) /* not in step with the program */
		arm(b);
}

/* Twice as long after every look at which little had come: a program that makes a map now and then
 * is not worth 500 looks a second. */
static uint64_t look_next(struct birth_probes *b)
{
	uint64_t seen = hits(b), cost = (seen - b->looked_hits) * b->config.hit_ns;

	if (!b->armed)
		return LOOK_IDLE_NS;
	b->look_ns = (double)cost > LITTLE * (double)b->look_ns ? LOOK_ARMED_NS : b->look_ns * 2;
	b->looked_hits = seen;
	if (b->look_ns < LOOK_ARMED_NS)
		b->look_ns = LOOK_ARMED_NS;
	if (b->look_ns > LOOK_QUIET_NS)
		b->look_ns = LOOK_QUIET_NS;
	return b->look_ns;
}

static void *run(void *arg)
{
	struct birth_probes *b = arg;

	pthread_mutex_lock(&b->lock);
	while (!b->stopping) {
		thread_call_serve(&b->call, &b->lock);
		uint64_t until = clock_now() + look_next(b);
		struct timespec at = {.tv_sec = (time_t)(until / 1000000000),
		                      .tv_nsec = (long)(until % 1000000000)};

		if (pthread_cond_timedwait(&b->wake, &b->lock, &at) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&b->lock);
		step(b);
		pthread_mutex_lock(&b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* ---- life ---------------------------------------------------------------------------- */

int birth_probes_start(struct birth_probes *b)
{
	double rate = b->config.rate(b->config.rate_ctx);
	int rc;

	b->paid_ns = clock_now();
	b->paid_hits = hits(b);
	token_bucket_open(&b->account, rate * SAVINGS_S * 1e9);
	b->dice = (unsigned int)b->paid_ns;
	allow(b);
	rc = rate > 0 && probe_set_size(b->set) ? arm(b) : 0;
	/* What was written over, or is run by no process yet, may be followed by what can be
	 * probed. */
	if (rc && rc != -ESTALE && rc != -ENOENT && rc != -ETXTBSY && rc != -ECANCELED)
		return rc;
	rc = -pthread_create(&b->thread, NULL, run, b);
	if (rc)
		disarm(b);
	b->running = rc == 0;
	return rc;
}

uint64_t birth_probes_armed_ns(struct birth_probes *b)
{
	uint64_t ns;

	pthread_mutex_lock(&b->lock);
	ns = b->armed_ns + (b->armed ? clock_now() - b->armed_since_ns : 0);
	pthread_mutex_unlock(&b->lock);
	return ns;
}

void birth_probes_stop(struct birth_probes *b)
{
	if (!b || !b->running)
		return;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	b->running = false;
	disarm(b);
}

void birth_probes_destroy(struct birth_probes *b)
{
	if (!b)
		return;
	birth_probes_stop(b);
	probe_set_destroy(b->set);
	thread_call_close(&b->call);
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->lock);
	free(b);
}
