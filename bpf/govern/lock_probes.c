/* SPDX-License-Identifier: MIT */
#include "bpf/govern/lock_probes.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/attach/detector_tuning.h"
#include "core/base/clock.h"

#include "gomaptop.skel.h"

#define LOCK_SITE 0xffff /* is none of the table of sites */

/* A file whose sites have rows in the table of lock sites. */
struct lock_file {
	int fd;
	size_t row;         /* of its fields */
	__u32 first, count; /* its sites' */
};

struct lock_probes {
	struct probe_set *set;
	struct detector_tuning *tuning;
	int rows_fd; /* the table of lock sites */
	struct lock_file files[FIELD_ROWS];
	size_t file_count;
	bool refused; /* the kernel has refused a point */
};

/* ---- rows ------------------------------------------------------------------------------- */

static bool is_free(const struct lock_probes *l, __u32 first, __u32 count)
{
	for (size_t i = 0; i < l->file_count; i++)
		if (first < l->files[i].first + l->files[i].count &&
		    l->files[i].first < first + count)
			return false;
	return first + count < LOCK_SITES_MAX; /* the last one is the trial's */
}

/* So many in a row that no file has: at the begin, or behind one. */
static int rows_find(const struct lock_probes *l, __u32 count, __u32 *first)
{
	*first = 0;
	if (is_free(l, 0, count))
		return 0;
	for (size_t i = 0; i < l->file_count; i++) {
		*first = l->files[i].first + l->files[i].count;
		if (is_free(l, *first, count))
			return 0;
	}
	return -ENOSPC;
}

/* A bit for each row of fields of which all lock sites are probed. */
static __u64 fields_probed(const struct lock_probes *l)
{
	__u64 rows = 0;

	for (size_t i = 0; i < l->file_count; i++)
		rows |= 1ULL << l->files[i].row % FIELD_ROWS;
	return rows;
}

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
	        .at_entry = site->kind == ORDER_KIND_FUNCTION,
	};
	if (site->offset != row->offset)
		row->object = ORDER_OBJECT_NONE;
	if (row->object == ORDER_OBJECT_CONSTANT)
		row->displacement -= (__s64)site->addr;
}

/* How many sites count, or -ENOTSUP: one of them would have to be stepped through. */
static ssize_t sites_count(const struct order_plan *plan)
{
	ssize_t count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (!action_of(&plan->sites[i])->counts)
			continue;
		if (plan->sites[i].instruction == ORDER_AT_STEPPED)
			return -ENOTSUP;
		count++;
	}
	return count;
}

/* Rows and points of the sites that count. 0 or -errno. */
static int points_make(const struct lock_probes *l, const struct lock_probes_file *file,
                       __u32 first, struct probe_point *points)
{
	__u32 count = 0;

	for (size_t i = 0; i < file->plan->count; i++) {
		const struct order_site *site = &file->plan->sites[i];
		__u32 index = first + count;
		struct lock_site row;

		if (!action_of(site)->counts)
			continue;
		row_make(site, &row);
		if (bpf_map_update_elem(l->rows_fd, &index, &row, BPF_ANY))
			return -errno;
		points[count++] = (struct probe_point){
		        .file_offset = site->file_offset,
		        .cookie = COOKIE(LOCK_SITE, PROBE_LOCK, 0, 0, 0, file->row) |
		                  COOKIE_LOCK(index)};
	}
	return 0;
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
	ssize_t count = plan_is_complete(file->plan) ? sites_count(file->plan) : -ENOTSUP;
	struct probe_point *points;
	__u32 first;
	int rc;

	if (count <= 0)
		return (int)count;
	if (l->file_count == FIELD_ROWS || rows_find(l, (__u32)count, &first))
		return -ENOSPC;
	points = calloc((size_t)count, sizeof(*points));
	if (!points)
		return -ENOMEM;
	/* What is in place is not all any more. */
	lock_probes_close(l);
	rc = points_make(l, file, first, points);
	if (!rc)
		rc = points_add(l, file, points, (size_t)count);
	if (!rc)
		l->files[l->file_count++] =
		        (struct lock_file){file->file->fd, file->row, first, (__u32)count};
	free(points);
	return rc;
}

void lock_probes_remove(struct lock_probes *l, int fd)
{
	lock_probes_close(l);
	probe_set_remove(l->set, fd);
	for (size_t i = 0; i < l->file_count; i++)
		if (l->files[i].fd == fd)
			l->files[i--] = l->files[--l->file_count];
	l->refused = false; /* it may have been that file's */
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
		detector_tuning_locks_set(l->tuning, clock_now(), fields_probed(l));
		return 0;
	}
	probe_set_close(l->set);
	return rc < 0 ? rc : -ENODATA;
}

void lock_probes_close(struct lock_probes *l)
{
	detector_tuning_locks_set(l->tuning, 0, 0);
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
