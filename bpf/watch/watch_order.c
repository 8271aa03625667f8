/* SPDX-License-Identifier: MIT */
/* The sites where goroutines are ordered: finding them takes up to a second for 100 MB of code, so
 * a thread does it while the watch goes on without. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch/watch_internal.h"
#include "core/order/order_site.h"
#include "core/process/process_apart.h"

#define LOOK_NS 200000000L /* how often to look for binaries that have come */

struct watch_order {
	struct watch *w;
	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	bool stopping;
};

/* What the governor's thread is asked to do. */
struct addition {
	struct watch *w;
	const struct watch_binary *b;
	struct order_probes_file file;
	int rc;
};

static void add(void *ctx)
{
	struct addition *a = ctx;

	/* Its descriptor is open as long as it is not removed: what was read was this file. */
	if (!a->b->removed)
		a->rc = order_probes_add(a->w->order, &a->file);
}

/* As the other probes: confined to the targets where the kernel can do that. */
static size_t pids_list(const struct watch *w, size_t index, pid_t *pids)
{
	size_t count = 0;

	if (!w->config.pid_count || !w->program.pid_filter)
		return 0;
	for (size_t i = 0; i < w->target_count; i++)
		if (w->targets[i].binary == index)
			pids[count++] = w->targets[i].pid;
	return count;
}

static int refused(int rc, const struct order_plan *plan, struct error *err)
{
	if (rc == -ENOTSUP)
		return error_set(err, ENOTSUP, "%zu places are not known, of the first: %s, %s",
		                 plan->missed_count, plan->missed[0].what, plan->missed[0].why);
	return error_set(err, -rc, "%s", strerror(-rc));
}

static int binary_find(struct watch *w, size_t index, struct error *err)
{
	const struct watch_binary *b = w->binaries[index];
	pid_t *pids = calloc(w->target_count + 1, sizeof(*pids));
	struct order_plan plan = {0};
	struct addition a = {.w = w,
	                     .b = b,
	                     .file = {.file = &b->file,
	                              .plan = &plan,
	                              .row = b->row,
	                              .pids = pids,
	                              .pid_count = pids ? pids_list(w, index, pids) : 0}};
	struct go_binary *binary = NULL;
	struct go_function plugin;
	int rc = pids ? 0 : error_no_memory(err);

	/* Without them it is not known for whom the runtime works. */
	if (!rc && go_binary_layout_trust(b->binary) == GO_LAYOUT_UNVERIFIED)
		rc = error_set(err, ENOTSUP, "the layout of its goroutines is not verified");
	/* One of its own: the watch's serves another thread. */
	if (!rc)
		rc = go_binary_open_fd(b->file.fd, b->path, &binary, err);
	if (!rc && go_binary_function_find(binary, "plugin.open", &plugin) == 0)
		rc = error_set(err, ENOTSUP, "it loads plugins, whose code is in other files");
	if (!rc)
		rc = order_plan_make(binary, &plan, err);
	if (!rc) {
		governor_call(w->governor, add, &a);
		rc = a.rc ? refused(a.rc, &plan, err) : 0;
	}
	order_plan_free(&plan);
	go_binary_close(binary);
	free(pids);
	return rc;
}

static bool wait_more(struct watch_order *l)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&l->lock);
	if (!l->stopping)
		pthread_cond_timedwait(&l->wake, &l->lock, &until);
	stopping = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return !stopping;
}

static void *run(void *arg)
{
	struct watch_order *l = arg;
	struct watch *w = l->w;
	size_t next = 0;

	process_apart_idle();
	do {
		for (; next < w->binary_count; next++) {
			struct error err;

			if (binary_find(w, next, &err) && w->config.verbose)
				fprintf(stderr,
				        "gomaptop: what orders the goroutines of %s will not be "
				        "seen: %s\n",
				        w->binaries[next]->path, err.text);
		}
	} while (wait_more(l));
	return NULL;
}

void watch_order_create(struct watch *w)
{
	if (!order_probes_create(w->keeper, &w->program, &w->order))
		governor_order_set(w->governor, w->order);
}

void watch_order_start(struct watch *w)
{
	struct watch_order *l = w->order ? calloc(1, sizeof(*l)) : NULL;
	pthread_condattr_t attr;

	if (!l)
		return;
	l->w = w;
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&l->thread, NULL, run, l)) {
		free(l);
		return;
	}
	w->finder = l;
}

void watch_order_stop(struct watch *w)
{
	struct watch_order *l = w->finder;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
	w->finder = NULL;
}
