/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch/watch_internal.h"
#include "core/probe/birth_site.h"

#include "gomaptop.skel.h"

#define BIRTH_SITE 0xffff /* is none of the table of sites */

int watch_births_create(struct watch *w)
{
	struct gomaptop *s = w->program.skeleton;
	struct birth_probes_config config = {.keeper = w->keeper,
	                                     .hits = (const uint64_t *)&s->bss->births_hit,
	                                     .tuning = &s->bss->tuning,
	                                     .hit_ns = w->program.costs.ns[BODY_BIRTH]};

	return birth_probes_create(&config, &w->births);
}

static int points_add(struct watch *w, const struct watch_binary *b, pid_t pid,
                      const struct birth_plan *plan)
{
	struct probe_point *points = calloc(plan->count, sizeof(*points));
	int rc = -ENOMEM;

	for (size_t i = 0; points && i < plan->count; i++)
		points[i] =
		        (struct probe_point){.file_offset = plan->sites[i].file_offset,
		                             .cookie = COOKIE(BIRTH_SITE, PROBE_BIRTH, 0,
		                                              ARGS_RESULT, PROBE_AT_RET, b->row)};
	if (points)
		rc = birth_probes_add(w->births, &b->file, pid, points, plan->count);
	free(points);
	return rc;
}

/* As the other probes: confined to the targets where the kernel can do that. */
static int binary_add(struct watch *w, size_t index, const struct birth_plan *plan)
{
	const struct watch_binary *b = w->binaries[index];
	int rc = 0;

	if (!w->config.pid_count || !w->program.pid_filter)
		return points_add(w, b, 0, plan);
	for (size_t i = 0; !rc && i < w->target_count; i++)
		if (w->targets[i].binary == index)
			rc = points_add(w, b, w->targets[i].pid, plan);
	return rc;
}

/* What the governor's thread is asked to do. */
struct addition {
	struct watch *w;
	const struct watch_binary *b;
	const struct birth_plan *plan;
	int rc;
};

static void add(void *ctx)
{
	struct addition *a = ctx;

	a->rc = points_add(a->w, a->b, 0, a->plan);
}

int watch_births_add(struct watch *w, const struct watch_binary *b, const struct birth_plan *plan)
{
	struct addition a = {.w = w, .b = b, .plan = plan};

	if (w->program.mode != PROBE_LINK_MULTI || !plan->count)
		return 0;
	governor_call(w->governor, add, &a);
	return a.rc;
}

/* Where births cannot be seen everything else can: no error ends the watch. */
void watch_births_start(struct watch *w)
{
	int rc = 0;

	if (w->program.mode != PROBE_LINK_MULTI)
		return;
	for (size_t i = 0; !rc && i < w->binary_count; i++) {
		struct birth_plan plan;

		rc = birth_plan_make(w->binaries[i]->binary, &plan);
		if (!rc && plan.count)
			rc = binary_add(w, i, &plan);
		if (rc == -ESTALE)
			rc = 0; /* written over since it was read */
		birth_plan_free(&plan);
	}
	if (!rc)
		rc = governor_births_start(w->governor, w->births);
	if (rc && w->config.verbose)
		fprintf(stderr, "gomaptop: where maps are made will not be seen: %s\n",
		        strerror(-rc));
}
