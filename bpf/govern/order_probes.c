/* SPDX-License-Identifier: MIT */
#include "bpf/govern/order_probes.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/attach/detector_tuning.h"
#include "bpf/govern/order_row.h"
#include "core/base/clock.h"
#include "core/budget/order_rate.h"

#include "gomaptop.skel.h"

#define ORDER_SITE 0xffff /* is none of the table of sites */

#define SEEN_NS  10000000ULL    /* sites are sorted once they were in place for 10 ms, */
#define AGAIN_NS 10000000000ULL /* and every 10 s at most, */
#define GAIN     8              /* if at least one in 8 of those that go in and out can stay */

/* The programs for arm64 do not read the conditions of its sites (bpf/kern/order.bpf.h), and
 * nothing was tried there: nobody is accused. */
#if defined(__aarch64__)
#define ORDER_IS_TOLD false
#else
#define ORDER_IS_TOLD true
#endif

/* A file whose sites have rows in the table of order sites. */
struct order_file {
	struct probe_file file;
	size_t row;                 /* of its fields */
	__u32 first, count;         /* its sites' rows */
	struct probe_point *points; /* of them, */
	struct order_rate *rates;   /* and how often they are hit */
	pid_t *pids;
	size_t pid_count;
};

struct order_probes {
	struct link_keeper *keeper;
	struct probe_set *hot;  /* go in and out with each window, */
	struct probe_set *cold; /* and those that stay, since they are hardly hit */
	struct detector_tuning *tuning;
	int rows_fd; /* the table of order sites */
	struct order_file files[FIELD_ROWS];
	size_t file_count;
	bool refused; /* the kernel has refused a point */
	/* Events that were begun, and those that found no room, shared with the programs; and how
	 * many found none before the probes went in. */
	uint64_t *begun, *lost;
	uint64_t lost_before;
	bool open;    /* both sets are in place */
	bool telling; /* from order_probes_begin() on */
	size_t held;  /* sets_held() then */
	/* Since hits were read last: when that was, and for how long hot sites were in place. */
	uint64_t read_ns, opened_ns, hot_ns;
	uint64_t sorted_ns; /* when the sets were made last; 0: nothing is known of their hits */
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

/* Is each place known that orders goroutines? One that is not would make an accusation false. */
static bool plan_is_complete(const struct order_plan *plan)
{
	return !plan->missed_count && !plan->undecoded;
}

static size_t sites_count(const struct order_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += order_row_counts(&plan->sites[i]);
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

		if (!order_row_counts(site))
			continue;
		order_row_make(site, &row);
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

static void file_free(struct order_file *f)
{
	free(f->points);
	free(f->rates);
	free(f->pids);
	*f = (struct order_file){0};
}

/* 0 or -ENOMEM; the caller frees it in any case. */
static int file_make(struct order_file *f, const struct order_probes_file *from, size_t count)
{
	*f = (struct order_file){.file = *from->file,
	                         .row = from->row,
	                         .count = (__u32)count,
	                         .points = calloc(count, sizeof(*f->points)),
	                         .rates = calloc(count, sizeof(*f->rates)),
	                         .pids = calloc(from->pid_count + 1, sizeof(*f->pids)),
	                         .pid_count = from->pid_count};
	if (!f->points || !f->rates || !f->pids)
		return -ENOMEM;
	for (size_t i = 0; i < from->pid_count; i++)
		f->pids[i] = from->pids[i];
	return 0;
}

/* Those of the file that are cold, or are not, into a set. */
static int points_add(struct probe_set *set, const struct order_file *f, bool cold)
{
	struct probe_point *points = calloc(f->count, sizeof(*points));
	size_t count = 0;
	int rc = 0;

	if (!points)
		return -ENOMEM;
	for (size_t i = 0; i < f->count; i++)
		if (f->rates[i].cold == cold)
			points[count++] = f->points[i];
	if (count && !f->pid_count)
		rc = probe_set_add(set, &f->file, 0, true, points, count);
	for (size_t i = 0; count && !rc && i < f->pid_count; i++)
		rc = probe_set_add(set, &f->file, f->pids[i], true, points, count);
	free(points);
	return rc;
}

static int file_add(struct order_probes *l, const struct order_file *f)
{
	int rc = points_add(l->hot, f, false);

	return rc ? rc : points_add(l->cold, f, true);
}

int order_probes_add(struct order_probes *l, const struct order_probes_file *file)
{
	size_t count = sites_count(file->plan);
	struct order_file *f = &l->files[l->file_count];
	__u32 first;
	int rc;

	if (!plan_is_complete(file->plan))
		return -ENOTSUP;
	if (!count)
		return 0;
	if (l->file_count == FIELD_ROWS || rows_find(l, (__u32)count, &first))
		return -ENOSPC;
	/* What is in place is not all any more. */
	order_probes_close(l);
	rc = file_make(f, file, count);
	f->first = first;
	if (!rc)
		rc = points_make(l, file, first, f->points);
	if (!rc)
		rc = file_add(l, f);
	if (rc)
		file_free(f);
	else
		l->file_count++;
	return rc;
}

void order_probes_remove(struct order_probes *l, int fd)
{
	order_probes_close(l);
	probe_set_remove(l->hot, fd);
	probe_set_remove(l->cold, fd);
	for (size_t i = 0; i < l->file_count; i++)
		if (l->files[i].file.fd == fd) {
			file_free(&l->files[i]);
			l->files[i--] = l->files[--l->file_count];
		}
	l->refused = false; /* it may have been that file's */
}

size_t order_probes_count(const struct order_probes *l)
{
	return l->refused ? 0 : probe_set_size(l->hot) + probe_set_size(l->cold);
}

size_t order_probes_hot(const struct order_probes *l)
{
	return l->refused ? 0 : probe_set_size(l->hot);
}

/* ---- in and out ------------------------------------------------------------------------- */

static void on_refused(void *ctx, const struct probe_point *point)
{
	struct order_probes *l = ctx;

	(void)point;
	l->refused = true;
}

static bool sets_are_whole(const struct order_probes *l)
{
	return probe_set_is_whole(l->hot) && probe_set_is_whole(l->cold);
}

static size_t sets_held(const struct order_probes *l)
{
	return probe_set_held(l->hot) + probe_set_held(l->cold);
}

int order_probes_open(struct order_probes *l)
{
	int rc = probe_set_open(l->cold, on_refused, l);

	if (rc >= 0)
		rc = probe_set_open(l->hot, on_refused, l);
	l->open = rc >= 0 && !l->refused && sets_are_whole(l) && sets_held(l);
	if (l->open) {
		l->opened_ns = clock_now();
		return 0;
	}
	probe_set_close(l->hot);
	if (l->refused)
		probe_set_close(l->cold);
	return rc < 0 ? rc : -ENODATA;
}

void order_probes_begin(struct order_probes *l)
{
	uint64_t now = clock_now();

	l->lost_before = *l->lost;
	l->held = sets_held(l);
	l->telling = true;
	detector_tuning_order_whole_set(l->tuning, now);
	detector_tuning_order_set(l->tuning, now, fields_probed(l));
}

/* Has the keeper let none of them go? It counts before it does. Links of a stale file do not come
 * back, and are missing all the same. */
static bool are_in_place(struct order_probes *l)
{
	probe_set_look(l->hot);
	probe_set_look(l->cold);
	return sets_are_whole(l) && sets_held(l) == l->held;
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
	if (l->open)
		l->hot_ns += clock_now() - l->opened_ns;
	l->open = false;
	probe_set_close(l->hot);
}

void order_probes_stop(struct order_probes *l)
{
	order_probes_close(l);
	probe_set_close(l->cold);
}

bool order_probes_is_open(const struct order_probes *l)
{
	return l->open;
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

/* ---- those that stay -------------------------------------------------------------------- */

/* Hits since they were read last, as rates. Cold ones were in place all the time. */
static void rates_read(struct order_probes *l, uint64_t now)
{
	double hot_s = (double)l->hot_ns / 1e9, cold_s = (double)(now - l->read_ns) / 1e9;

	for (size_t i = 0; i < l->file_count; i++) {
		struct order_file *f = &l->files[i];

		for (__u32 j = 0; j < f->count; j++) {
			__u32 index = f->first + j;
			struct order_row row;

			if (!bpf_map_lookup_elem(l->rows_fd, &index, &row))
				order_rate_note(&f->rates[j], row.hits,
				                f->rates[j].cold ? cold_s : hot_s);
		}
	}
	l->read_ns = now;
	l->hot_ns = 0;
}

/* The sites of all files, in one list. The caller frees it; NULL: no memory. */
static struct order_rate **rates_list(const struct order_probes *l, size_t *count)
{
	struct order_rate **list;

	*count = 0;
	for (size_t i = 0; i < l->file_count; i++)
		*count += l->files[i].count;
	list = calloc(*count + 1, sizeof(*list));
	*count = 0;
	for (size_t i = 0; list && i < l->file_count; i++)
		for (__u32 j = 0; j < l->files[i].count; j++)
			list[(*count)++] = &l->files[i].rates[j];
	return list;
}

static int sets_make(struct order_probes *l)
{
	struct probe_set *hot = NULL, *cold = NULL;
	int rc = probe_set_create(l->keeper, PROBE_LINK_MULTI, &hot);

	if (!rc)
		rc = probe_set_create(l->keeper, PROBE_LINK_MULTI, &cold);
	if (rc) {
		probe_set_destroy(hot);
		return rc;
	}
	probe_set_destroy(l->hot);
	probe_set_destroy(l->cold);
	l->hot = hot;
	l->cold = cold;
	/* A stale file stays out. */
	for (size_t i = 0; i < l->file_count && (!rc || rc == -ESTALE); i++) {
		for (size_t j = 0; j < l->files[i].count; j++)
			l->files[i].rates[j].cold = l->files[i].rates[j].chosen;
		rc = file_add(l, &l->files[i]);
	}
	return rc == -ESTALE ? 0 : rc;
}

/* New sets, as the rates say. Those that stay go in now, so that the next window is cheap. */
static void sets_change(struct order_probes *l, uint64_t now)
{
	l->sorted_ns = now;
	order_probes_stop(l);
	if (sets_make(l))
		l->refused = true; /* no memory: without what is missing nothing may be said */
	else
		probe_set_open(l->cold, on_refused, l);
	l->read_ns = clock_now();
	l->hot_ns = 0;
}

void order_probes_sort(struct order_probes *l, double hits_per_s, bool at_once)
{
	uint64_t now = clock_now();
	struct order_rate **list;
	size_t count, more;

	if (l->open || l->refused)
		return;
	if (!at_once && (l->hot_ns < SEEN_NS || (l->sorted_ns && now - l->sorted_ns < AGAIN_NS)))
		return;
	list = rates_list(l, &count);
	if (!list)
		return;
	rates_read(l, now);
	more = order_rates_sort(list, count, hits_per_s);
	if (at_once || more > probe_set_size(l->hot) / GAIN)
		sets_change(l, now);
	free(list);
}

/* ---- life ------------------------------------------------------------------------------- */

int order_probes_create(struct link_keeper *keeper, const struct program *program,
                        struct order_probes **out)
{
	struct order_probes *l;
	int rc;

	*out = NULL;
	if (program->mode != PROBE_LINK_MULTI || !ORDER_IS_TOLD)
		return -EOPNOTSUPP;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->keeper = keeper;
	rc = probe_set_create(keeper, PROBE_LINK_MULTI, &l->hot);
	if (!rc)
		rc = probe_set_create(keeper, PROBE_LINK_MULTI, &l->cold);
	if (rc) {
		probe_set_destroy(l->hot);
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
	order_probes_stop(l);
	probe_set_destroy(l->hot);
	probe_set_destroy(l->cold);
	for (size_t i = 0; i < l->file_count; i++)
		file_free(&l->files[i]);
	free(l);
}
