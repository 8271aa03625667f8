/* SPDX-License-Identifier: MIT */
#include "bpf/govern/birth_probes.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bpf/attach/detector_tuning.h"
#include "core/base/clock.h"
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
	struct token_bucket account;
	uint64_t paid_ns, paid_hits; /* when the account was last settled, and hits until then */
	unsigned int dice;
	uint64_t look_ns, looked_hits; /* time between the last two looks; hits until then */
	uint64_t retry_ns;             /* what is missing is not put in before */
	pthread_mutex_t lock;          /* other threads read what follows */
	bool armed;
	uint64_t armed_since_ns, armed_ns;
};

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

/* Of several files or processes one may have lost its probes while the others keep theirs. */
static void missing_open(struct birth_probes *b, uint64_t now)
{
	if (!b->armed || now < b->retry_ns || probe_set_is_whole(b->set))
		return;
	b->retry_ns = now + GOVERNOR_RETRY_NS;
	probe_set_open(b->set, NULL, NULL);
}

int birth_probes_add(struct birth_probes *b, const struct probe_file *file, pid_t pid,
                     const struct probe_point *points, size_t count)
{
	int rc = probe_set_add(b->set, file, pid, true, points, count);

	if (!rc && b->armed)
		probe_set_open(b->set, NULL, NULL);
	return rc;
}

void birth_probes_remove(struct birth_probes *b, int fd)
{
	probe_set_remove(b->set, fd);
	look(b);
}

uint64_t birth_probes_armed_ns(struct birth_probes *b)
{
	uint64_t ns;

	pthread_mutex_lock(&b->lock);
	ns = b->armed_ns + (b->armed ? clock_now() - b->armed_since_ns : 0);
	pthread_mutex_unlock(&b->lock);
	return ns;
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

uint64_t birth_probes_step(struct birth_probes *b, double rate)
{
	look(b);
	missing_open(b, clock_now());
	settle(b, rate, clock_now());
	allow(b);
	if (b->armed && b->account.level_ns <= 0)
		disarm(b);
	else if (!b->armed && b->account.level_ns > rate * WINDOW_S * 1e9 &&
	         rand_r(&b->dice) % 4 == 0) /* not in step with the program */
		arm(b);
	return look_next(b);
}

/* ---- life ---------------------------------------------------------------------------- */

int birth_probes_create(const struct birth_probes_config *config, struct birth_probes **out)
{
	struct birth_probes *b = calloc(1, sizeof(*b));
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
	*out = b;
	return 0;
}

int birth_probes_start(struct birth_probes *b, double rate)
{
	int rc;

	b->paid_ns = clock_now();
	b->paid_hits = hits(b);
	token_bucket_open(&b->account, rate * SAVINGS_S * 1e9);
	b->dice = (unsigned int)b->paid_ns;
	allow(b);
	rc = rate > 0 && probe_set_size(b->set) ? arm(b) : 0;
	/* What was written over, or is run by no process yet, may be followed by what can be
	 * probed. */
	return link_keeper_may_take_later(rc) ? 0 : rc;
}

void birth_probes_stop(struct birth_probes *b)
{
	disarm(b);
}

void birth_probes_destroy(struct birth_probes *b)
{
	if (!b)
		return;
	birth_probes_stop(b);
	probe_set_destroy(b->set);
	pthread_mutex_destroy(&b->lock);
	free(b);
}
