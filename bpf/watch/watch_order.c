/* SPDX-License-Identifier: MIT */
/* The sites where goroutines are ordered: finding them takes up to a second for 100 MB of code, so
 * a process of its own does it, for which a thread waits, while the watch goes on without. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bpf/watch/watch_internal.h"
#include "core/order/order_job.h"

#define LOOK_MS 200 /* how often to look for binaries that have come */

struct watch_order {
	struct watch *w;
	pthread_t thread;
	int stop; /* an eventfd: readable when the thread is to end */
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

static int binary_find(const struct watch_order *l, size_t index, struct error *err)
{
	struct watch *w = l->w;
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
	int rc = pids ? 0 : error_no_memory(err);

	/* Without them it is not known for whom the runtime works. */
	if (!rc && go_binary_layout_trust(b->binary) == GO_LAYOUT_UNVERIFIED)
		rc = error_set(err, ENOTSUP, "the layout of its goroutines is not verified");
	if (!rc)
		rc = order_job_run(b->file.fd, b->path, l->stop, &plan, err);
	if (!rc) {
		governor_call(w->governor, add, &a);
		rc = a.rc ? refused(a.rc, &plan, err) : 0;
	}
	order_plan_free(&plan);
	free(pids);
	return rc;
}

static bool wait_more(const struct watch_order *l)
{
	struct pollfd stop = {.fd = l->stop, .events = POLLIN};

	return poll(&stop, 1, LOOK_MS) <= 0;
}

static void *run(void *arg)
{
	struct watch_order *l = arg;
	struct watch *w = l->w;
	size_t next = 0;

	do {
		for (; next < w->binary_count; next++) {
			struct error err;
			int rc = binary_find(l, next, &err);

			if (rc == -ECANCELED)
				return NULL;
			if (rc && w->config.verbose)
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

	if (!l)
		return;
	l->w = w;
	l->stop = eventfd(0, EFD_CLOEXEC);
	if (l->stop < 0 || pthread_create(&l->thread, NULL, run, l)) {
		if (l->stop >= 0)
			close(l->stop);
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
	eventfd_write(l->stop, 1);
	pthread_join(l->thread, NULL);
	close(l->stop);
	free(l);
	w->finder = NULL;
}
