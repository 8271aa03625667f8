/* SPDX-License-Identifier: MIT */
#include "bpf/govern/lock_probes.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/attach/detector_tuning.h"
#include "core/base/clock.h"

#include "gomaptop.skel.h"

#define LOCK_SITE 0xffff /* is none of the table of sites */

struct lock_probes {
	struct probe_set *set;
	struct detector_tuning *tuning;
	int rows_fd;    /* the table of lock sites */
	__u32 next_row; /* the first that is free; none is used twice */
	bool refused;   /* the kernel has refused a point */
};

/* ---- sites ------------------------------------------------------------------------------ */

/* What each kind does to the goroutine's locks; tries: only if the hit's condition holds. Whoever
 * finds a lock taken has it before it goes on, so for the others the condition says nothing. */
static const struct action_row {
	bool counts, tries;
	enum lock_action action;
} kind_actions[ORDER_KIND_COUNT] = {
        [ORDER_KIND_LOCK] = {.counts = true, .action = LOCK_TAKE},
        [ORDER_KIND_UNLOCK] = {.counts = true, .action = LOCK_DROP},
        [ORDER_KIND_RLOCK] = {.counts = true, .action = LOCK_TAKE_SHARED},
        [ORDER_KIND_RUNLOCK] = {.counts = true, .action = LOCK_DROP_SHARED},
        [ORDER_KIND_TRYLOCK] = {.counts = true, .tries = true, .action = LOCK_TAKE},
        [ORDER_KIND_TRYRLOCK] = {.counts = true, .tries = true, .action = LOCK_TAKE_SHARED},
};
static const struct action_row function_actions[ORDER_FUNCTION_COUNT] = {
        [ORDER_RW_LOCK] = {.counts = true, .action = LOCK_TAKE},
        [ORDER_RW_UNLOCK] = {.counts = true, .action = LOCK_DROP},
};

static const struct action_row *action_of(const struct order_site *site)
{
	return site->kind == ORDER_KIND_FUNCTION ? &function_actions[site->function]
	                                         : &kind_actions[site->kind];
}

/* Is each place known where a lock is dropped? */
static bool plan_is_complete(const struct order_plan *plan)
{
	return !plan->undecoded &&
	       plan->explained[ORDER_SLOW_UNLOCK] == plan->calls[ORDER_SLOW_UNLOCK] &&
	       plan->explained[ORDER_SLOW_RUNLOCK] == plan->calls[ORDER_SLOW_RUNLOCK];
}

static void row_make(const struct order_site *site, struct lock_site *row)
{
	const struct action_row *action = action_of(site);

	*row = (struct lock_site){
	        .action = action->action,
	        .condition = action->tries ? site->condition : ORDER_ALWAYS,
	        .object = site->object,
	        .base = site->base,
	        .offset = (__s32)site->offset,
	        .displacement = site->displacement,
	};
	if (site->offset != row->offset)
		row->object = ORDER_OBJECT_NONE;
	if (row->object == ORDER_OBJECT_CONSTANT)
		row->displacement -= (__s64)site->addr;
}

/* Rows and points of the sites that count; how many, or -errno. */
static ssize_t points_make(struct lock_probes *l, const struct lock_probes_file *file,
                           struct probe_point *points)
{
	size_t count = 0;

	for (size_t i = 0; i < file->plan->count; i++) {
		const struct order_site *site = &file->plan->sites[i];
		__u32 index = l->next_row + (__u32)count;
		struct lock_site row;

		if (!action_of(site)->counts)
			continue;
		if (site->instruction == ORDER_AT_STEPPED)
			return -ENOTSUP;
		if (index >= LOCK_SITES_MAX - 1) /* the last one is the trial's */
			return -ENOSPC;
		row_make(site, &row);
		if (bpf_map_update_elem(l->rows_fd, &index, &row, BPF_ANY))
			return -errno;
		points[count++] = (struct probe_point){
		        .file_offset = site->file_offset,
		        .cookie = COOKIE(LOCK_SITE, PROBE_LOCK, 0, 0, 0, file->row) |
		                  COOKIE_LOCK(index)};
	}
	return (ssize_t)count;
}

/* ---- files ------------------------------------------------------------------------------ */

static int points_add(struct lock_probes *l, const struct lock_probes_file *file,
                      const struct probe_point *points, size_t count)
{
	int rc = 0;

	if (!file->pid_count)
		return probe_set_add(l->set, file->file, 0, true, points, count);
	for (size_t i = 0; !rc && i < file->pid_count; i++)
		rc = probe_set_add(l->set, file->file, file->pids[i], true, points, count);
	return rc;
}

int lock_probes_add(struct lock_probes *l, const struct lock_probes_file *file)
{
	struct probe_point *points;
	ssize_t count;
	int rc;

	if (!plan_is_complete(file->plan))
		return -ENOTSUP;
	points = calloc(file->plan->count + 1, sizeof(*points));
	if (!points)
		return -ENOMEM;
	/* What is in place is not all any more. */
	lock_probes_close(l);
	count = points_make(l, file, points);
	rc = count > 0 ? points_add(l, file, points, (size_t)count) : (int)count;
	if (!rc)
		l->next_row += (__u32)count;
	free(points);
	return rc;
}

void lock_probes_remove(struct lock_probes *l, int fd)
{
	probe_set_remove(l->set, fd);
}

size_t lock_probes_count(const struct lock_probes *l)
{
	return l->refused ? 0 : probe_set_size(l->set);
}

/* ---- in and out ------------------------------------------------------------------------- */

static void on_refused(void *ctx, const struct probe_point *point)
{
	struct lock_probes *l = ctx;

	(void)point;
	l->refused = true;
}

int lock_probes_open(struct lock_probes *l)
{
	int rc = probe_set_open(l->set, on_refused, l);

	if (rc > 0 && !l->refused && probe_set_is_whole(l->set)) {
		detector_tuning_locks_set(l->tuning, clock_now());
		return 0;
	}
	probe_set_close(l->set);
	return rc < 0 ? rc : -ENODATA;
}

void lock_probes_close(struct lock_probes *l)
{
	detector_tuning_locks_set(l->tuning, 0);
	probe_set_close(l->set);
}

bool lock_probes_is_open(const struct lock_probes *l)
{
	return probe_set_is_open(l->set);
}

void lock_probes_look(struct lock_probes *l)
{
	bool open = lock_probes_is_open(l);

	probe_set_look(l->set);
	if (open && !probe_set_is_whole(l->set))
		lock_probes_close(l);
}

/* ---- life ------------------------------------------------------------------------------- */

int lock_probes_create(struct link_keeper *keeper, const struct program *program,
                       struct lock_probes **out)
{
	struct lock_probes *l;
	int rc;

	*out = NULL;
	if (program->mode != PROBE_LINK_MULTI)
		return -EOPNOTSUPP;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	rc = probe_set_create(keeper, PROBE_LINK_MULTI, &l->set);
	if (rc) {
		free(l);
		return rc;
	}
	l->tuning = &program->skeleton->bss->tuning;
	l->rows_fd = bpf_map__fd(program->skeleton->maps.lock_sites);
	*out = l;
	return 0;
}

void lock_probes_destroy(struct lock_probes *l)
{
	if (!l)
		return;
	lock_probes_close(l);
	probe_set_destroy(l->set);
	free(l);
}
