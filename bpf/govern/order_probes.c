/* SPDX-License-Identifier: MIT */
#include "bpf/govern/order_probes.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/attach/detector_tuning.h"
#include "core/base/clock.h"
#include "core/judge/order_event.h"

#include "gomaptop.skel.h"

#define ORDER_SITE 0xffff /* is none of the table of sites */

/* A file whose sites have rows in the table of order sites. */
struct order_file {
	int fd;
	size_t row;         /* of its fields */
	__u32 first, count; /* its sites' */
};

struct order_probes {
	struct probe_set *set;
	struct detector_tuning *tuning;
	int rows_fd; /* the table of order sites */
	struct order_file files[FIELD_ROWS];
	size_t file_count;
	bool refused; /* the kernel has refused a point */
	/* Events that were begun, and those that found no room, shared with the programs; and how
	 * many found none before the probes went in. */
	uint64_t *begun, *lost;
	uint64_t lost_before;
	bool telling; /* from order_probes_begin() on */
	size_t held;  /* probe_set_held() then */
};

/* ---- rows ------------------------------------------------------------------------------- */

static bool is_free(const struct order_probes *l, __u32 first, __u32 count)
{
	for (size_t i = 0; i < l->file_count; i++)
		if (first < l->files[i].first + l->files[i].count &&
		    l->files[i].first < first + count)
			return false;
	return first + count < ORDER_SITES_MAX; /* the last one is the trial's */
}

/* So many in a row that no file has: at the begin, or behind one. */
static int rows_find(const struct order_probes *l, __u32 count, __u32 *first)
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

/* A bit for each row of fields of which all order sites are probed. */
static __u64 fields_probed(const struct order_probes *l)
{
	__u64 rows = 0;

	for (size_t i = 0; i < l->file_count; i++)
		rows |= 1ULL << l->files[i].row % FIELD_ROWS;
	return rows;
}

/* ---- sites ------------------------------------------------------------------------------ */

/* What the programs tell of each kind of site. tries: only if the hit's condition holds. waits:
 * else it waits, which is told as late. Of a mutex that is not free the slow half tells. */
struct act_row {
	bool counts, tries, waits, system, select;
	enum order_act act;
};

#define ACT(what)                                       \
	{                                               \
		.counts = true, .act = ORDER_ACT_##what \
	}
#define ACT_TRIES(what)                                                \
	{                                                              \
		.counts = true, .tries = true, .act = ORDER_ACT_##what \
	}

static const struct act_row kind_acts[ORDER_KIND_COUNT] = {
        [ORDER_KIND_LOCK] = ACT_TRIES(TAKE),
        [ORDER_KIND_UNLOCK] = ACT(DROP),
        [ORDER_KIND_RLOCK] = {.counts = true,
                              .tries = true,
                              .waits = true,
                              .act = ORDER_ACT_TAKE_SHARED},
        [ORDER_KIND_RUNLOCK] = ACT(DROP_SHARED),
        [ORDER_KIND_TRYLOCK] = ACT_TRIES(TAKE),
        [ORDER_KIND_TRYRLOCK] = ACT_TRIES(TAKE_SHARED),
        [ORDER_KIND_ATOMIC_ADD] = ACT(PUBLISH),
        [ORDER_KIND_ATOMIC_CAS] = ACT(PUBLISH),
        [ORDER_KIND_ATOMIC_STORE] = ACT(PUBLISH),
};

#undef ACT_TRIES
#define ACT_ENTRY(what)                                                \
	{                                                              \
		.counts = true, .tries = true, .act = ORDER_ACT_##what \
	}
#define ACT_SYSTEM(what)                                                               \
	{                                                                              \
		.counts = true, .tries = true, .system = true, .act = ORDER_ACT_##what \
	}

/* Those without a row tell nothing that another one does not: sends and receives with a default are
 * made of ordinary ones, WaitGroup.Go of Add and a go statement, Once of a mutex and an atomic. */
static const struct act_row function_acts[ORDER_FUNCTION_COUNT] = {
        [ORDER_LOCK_SLOW] = ACT_ENTRY(TAKE_LATER),
        [ORDER_RW_LOCK] = ACT_ENTRY(TAKE_LATER),
        [ORDER_RW_UNLOCK] = ACT_ENTRY(DROP),
        [ORDER_WAITGROUP_ADD] = ACT_ENTRY(RELEASE),
        [ORDER_WAITGROUP_WAIT] = ACT_ENTRY(ACQUIRE),
        [ORDER_COND_WAIT] = ACT_ENTRY(ACQUIRE),
        [ORDER_COND_SIGNAL] = ACT_ENTRY(RELEASE),
        [ORDER_COND_BROADCAST] = ACT_ENTRY(RELEASE),
        [ORDER_POOL_GET] = ACT_ENTRY(ACQUIRE),
        [ORDER_POOL_PUT] = ACT_ENTRY(RELEASE),
        [ORDER_SEND] = ACT_ENTRY(SEND),
        [ORDER_RECEIVE] = ACT_ENTRY(RECEIVE),
        [ORDER_CLOSE] = ACT_ENTRY(CLOSE),
        [ORDER_SELECT] = {.counts = true,
                          .tries = true,
                          .select = true,
                          .act = ORDER_ACT_SELECT_MANY},
        [ORDER_SPAWN] = ACT_ENTRY(SPAWN),
        [ORDER_CHILD] = ACT_SYSTEM(CHILD),
        [ORDER_WAKE] = ACT_SYSTEM(WAKE),
        [ORDER_EXIT] = ACT_SYSTEM(EXIT),
        [ORDER_COROUTINE] = ACT_SYSTEM(PUBLISH),
        [ORDER_TIMER_START] = ACT_ENTRY(TIMER),
        [ORDER_TIMER_RESET] = ACT_ENTRY(TIMER),
        [ORDER_SLEEP] = ACT_ENTRY(NOTHING),
        [ORDER_SEMAPHORE_ACQUIRE] = ACT_ENTRY(ACQUIRE),
        [ORDER_SEMAPHORE_RELEASE] = ACT_ENTRY(RELEASE),
        [ORDER_DESCRIPTOR_LOCK] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_UNLOCK] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_TAKE] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_DROP] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_CLOSE] = ACT_ENTRY(BOTH),
        [ORDER_DESCRIPTOR_WRITE] = ACT_ENTRY(WRITE),
        [ORDER_UNSEEN] = ACT_ENTRY(PUBLISH),
        [ORDER_MAP_CLONE] = ACT_ENTRY(CLONE),
        [ORDER_ATOMIC_ADD] = ACT_ENTRY(PUBLISH),
        [ORDER_ATOMIC_CAS] = ACT_ENTRY(PUBLISH),
        [ORDER_ATOMIC_STORE] = ACT_ENTRY(PUBLISH),
};

static const struct act_row *act_of(const struct order_site *site)
{
	return site->kind == ORDER_KIND_FUNCTION ? &function_acts[site->function]
	                                         : &kind_acts[site->kind];
}

/* Is each place known that orders goroutines? One that is not would make an accusation false. */
static bool plan_is_complete(const struct order_plan *plan)
{
	return !plan->missed_count && !plan->undecoded;
}

static void row_make(const struct order_site *site, struct order_row *row)
{
	const struct act_row *act = act_of(site);

	*row = (struct order_row){
	        .act = (__u8)act->act,
	        .condition = (__u8)(act->tries ? site->condition : ORDER_ALWAYS),
	        .object = (__u8)site->object,
	        .base = site->base,
	        .offset = (__s32)site->offset,
	        .displacement = site->displacement,
	        .late = site->place == ORDER_AFTER && site->kind != ORDER_KIND_FUNCTION,
	        .at_entry = site->kind == ORDER_KIND_FUNCTION,
	        .system = act->system,
	        .select = act->select,
	        .waits = act->waits,
	};
	if (site->offset != row->offset)
		row->object = ORDER_OBJECT_NONE;
	if (row->object == ORDER_OBJECT_CONSTANT)
		row->displacement -= (__s64)site->addr;
}

static size_t sites_count(const struct order_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += act_of(&plan->sites[i])->counts;
	return count;
}

/* Rows and points of the sites that count. 0 or -errno. */
static int points_make(const struct order_probes *l, const struct order_probes_file *file,
                       __u32 first, struct probe_point *points)
{
	__u32 count = 0;

	for (size_t i = 0; i < file->plan->count; i++) {
		const struct order_site *site = &file->plan->sites[i];
		__u32 index = first + count;
		struct order_row row;

		if (!act_of(site)->counts)
			continue;
		row_make(site, &row);
		if (bpf_map_update_elem(l->rows_fd, &index, &row, BPF_ANY))
			return -errno;
		points[count++] = (struct probe_point){
		        .file_offset = site->file_offset,
		        .cookie = COOKIE(ORDER_SITE, PROBE_ORDER, 0, 0, 0, file->row) |
		                  COOKIE_ORDER(index)};
	}
	return 0;
}

/* ---- files ------------------------------------------------------------------------------ */

static int points_add(struct order_probes *l, const struct order_probes_file *file,
                      const struct probe_point *points, size_t count)
{
	int rc = 0;

	if (!file->pid_count)
		return probe_set_add(l->set, file->file, 0, true, points, count);
	for (size_t i = 0; !rc && i < file->pid_count; i++)
		rc = probe_set_add(l->set, file->file, file->pids[i], true, points, count);
	return rc;
}

int order_probes_add(struct order_probes *l, const struct order_probes_file *file)
{
	size_t count = sites_count(file->plan);
	struct probe_point *points;
	__u32 first;
	int rc;

	if (!plan_is_complete(file->plan))
		return -ENOTSUP;
	if (!count)
		return 0;
	if (l->file_count == FIELD_ROWS || rows_find(l, (__u32)count, &first))
		return -ENOSPC;
	points = calloc(count, sizeof(*points));
	if (!points)
		return -ENOMEM;
	/* What is in place is not all any more. */
	order_probes_close(l);
	rc = points_make(l, file, first, points);
	if (!rc)
		rc = points_add(l, file, points, count);
	if (!rc)
		l->files[l->file_count++] =
		        (struct order_file){file->file->fd, file->row, first, (__u32)count};
	free(points);
	return rc;
}

void order_probes_remove(struct order_probes *l, int fd)
{
	order_probes_close(l);
	probe_set_remove(l->set, fd);
	for (size_t i = 0; i < l->file_count; i++)
		if (l->files[i].fd == fd)
			l->files[i--] = l->files[--l->file_count];
	l->refused = false; /* it may have been that file's */
}

size_t order_probes_count(const struct order_probes *l)
{
	return l->refused ? 0 : probe_set_size(l->set);
}

/* ---- in and out ------------------------------------------------------------------------- */

static void on_refused(void *ctx, const struct probe_point *point)
{
	struct order_probes *l = ctx;

	(void)point;
	l->refused = true;
}

int order_probes_open(struct order_probes *l)
{
	int rc = probe_set_open(l->set, on_refused, l);

	if (rc > 0 && !l->refused && probe_set_is_whole(l->set))
		return 0;
	probe_set_close(l->set);
	return rc < 0 ? rc : -ENODATA;
}

void order_probes_begin(struct order_probes *l)
{
	uint64_t now = clock_now();

	l->lost_before = *l->lost;
	l->held = probe_set_held(l->set);
	l->telling = true;
	detector_tuning_order_whole_set(l->tuning, now);
	detector_tuning_order_set(l->tuning, now, fields_probed(l));
}

/* Has the keeper let none of them go? It counts before it does. Links of a stale file do not come
 * back, and are missing all the same. */
static bool are_in_place(struct order_probes *l)
{
	probe_set_look(l->set);
	return probe_set_is_whole(l->set) && probe_set_held(l->set) == l->held;
}

/* As if an event had been lost: whoever reads them says nothing of this window then. */
static void window_void(struct order_probes *l)
{
	__atomic_fetch_add(l->begun, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(l->lost, 1, __ATOMIC_SEQ_CST);
}

/* From the first line on nothing more is told: what was told is good if the probes are there. */
static void telling_end(struct order_probes *l)
{
	detector_tuning_order_set(l->tuning, 0, 0);
	if (!l->telling)
		return;
	l->telling = false;
	if (!are_in_place(l))
		window_void(l);
	detector_tuning_order_whole_set(l->tuning, UINT64_MAX);
}

void order_probes_close(struct order_probes *l)
{
	telling_end(l);
	probe_set_close(l->set);
}

bool order_probes_is_open(const struct order_probes *l)
{
	return probe_set_is_open(l->set);
}

void order_probes_look(struct order_probes *l)
{
	uint64_t now = clock_now();

	if (!l->telling)
		return;
	/* A window that lost an event says nothing more: the next one may. */
	if (!are_in_place(l) || *l->lost != l->lost_before)
		order_probes_close(l);
	else
		detector_tuning_order_whole_set(l->tuning, now);
}

/* ---- life ------------------------------------------------------------------------------- */

int order_probes_create(struct link_keeper *keeper, const struct program *program,
                        struct order_probes **out)
{
	struct order_probes *l;
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
	l->begun = (uint64_t *)&program->skeleton->bss->order_begun;
	l->lost = (uint64_t *)&program->skeleton->bss->order_lost;
	l->rows_fd = bpf_map__fd(program->skeleton->maps.order_sites);
	*out = l;
	return 0;
}

void order_probes_destroy(struct order_probes *l)
{
	if (!l)
		return;
	order_probes_close(l);
	probe_set_destroy(l->set);
	free(l);
}
