/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/attach/detector_tuning.h"
#include "bpf/govern/site_probes_internal.h"
#include "core/probe/access_key.h"
#include "gomaptop.skel.h"

/* ---- what the programs know ---------------------------------------------------------- */

static struct call_key key_of(const struct site_probes *p, const struct site *s)
{
	return (struct call_key){
	        .site = (__u32)(p->binaries[s->place.binary].what.first_site + s->call.site),
	        .distance = (__s32)(s->call.place - s->call.addr) - s->call.probed};
}

/* From now on the function's own probe leaves this call alone. */
static int key_add(struct site_probes *p, const struct site *s, __u32 row)
{
	struct detector_tuning *tuning = &p->program.skeleton->bss->tuning;
	struct call_key key = key_of(p, s);
	__u32 bit = CALL_BIT(key.site, key.distance);
	int rc = bpf_map_update_elem(bpf_map__fd(p->program.skeleton->maps.call_keys), &key, &row,
	                             BPF_ANY);

	if (rc)
		return rc;
	detector_tuning_call_add(tuning, bit);
	return 0;
}

void site_keys_renew(struct site_probes *p)
{
	struct detector_tuning *tuning = &p->program.skeleton->bss->tuning;
	__u64 bits[CALL_BITS / 64] = {0};

	for (size_t i = 0; i < p->site_count; i++) {
		struct call_key key = key_of(p, p->sites[i]);
		__u32 bit = CALL_BIT(key.site, key.distance);

		if (p->sites[i]->refusal)
			continue;
		if (p->sites[i]->row != NO_ROW)
			bits[bit / 64] |= 1ULL << bit % 64;
		else
			bpf_map_delete_elem(bpf_map__fd(p->program.skeleton->maps.call_keys), &key);
	}
	detector_tuning_calls_set(tuning, bits, p->armed > 0);
}

static int row_take(struct site_probes *p, const struct site *s)
{
	for (int row = 0; row < CALL_PROBES_MAX; row++) {
		if (p->taken[row])
			continue;
		p->taken[row] = true;
		p->table[row] =
		        (struct call_probe){.probed = s->call.probed, .wrapper = s->call.wrapper};
		return row;
	}
	return NO_ROW;
}

static void row_give(struct site_probes *p, struct site *s, int row)
{
	p->hits_before += row_hits(p, row);
	s->hits_before += row_hits(p, row);
	p->table[row].on = 0;
	p->taken[row] = false;
}

/* Hits count at this row from now on; at the one before they did until now. */
static void row_switch(struct site_probes *p, struct site *s, int row)
{
	if (s->row != NO_ROW)
		__atomic_store_n(&p->table[s->row].on, 0, __ATOMIC_SEQ_CST);
	else
		p->armed++;
	__atomic_store_n(&p->table[row].on, 1, __ATOMIC_SEQ_CST);
	s->row = row;
}

/* ---- batches ------------------------------------------------------------------------- */

static void batch_detach(const struct site_probes *p, struct site_batch *b)
{
	link_keeper_close(p->keeper, b->links, b->link_count);
	b->link_count = 0;
}

static void batch_free(struct site_batch *b)
{
	free(b->links);
	free(b->sites);
	free(b->rows);
}

void site_batch_close(struct site_probes *p, struct site_batch *b)
{
	batch_detach(p, b);
	for (size_t i = 0; b->sites && b->rows && i < b->count; i++) {
		struct site *s = p->sites[b->sites[i]];

		if (b->rows[i] == NO_ROW)
			continue;
		if (s->row == b->rows[i]) {
			s->row = NO_ROW;
			p->armed--;
		}
		row_give(p, s, b->rows[i]);
	}
	batch_free(b);
}

static void point_fill(const struct site_probes *p, const struct site *s, int row,
                       struct probe_point *point)
{
	const struct site_binary *b = &p->binaries[s->place.binary];
	const struct probe_site *site = &b->plan.sites[s->call.site];

	*point = (struct probe_point){
	        .file_offset = s->call.file_offset,
	        .cookie = COOKIE(b->what.first_site + s->call.site, PROBE_MAP_OP, site->op,
	                         s->call.args, WIRE_AT_CALL, b->what.row) |
	                  COOKIE_KEY(key_source_find(s->call.function)) | COOKIE_CALL(row),
	};
}

/* One link for each process; a process that has ended needs none. Returns how many points are in
 * place in one of them, or -errno. */
static int batch_attach(struct site_probes *p, struct site_batch *b, struct probe_point *points)
{
	const struct site_binary *binary = &p->binaries[b->binary];
	size_t links = binary->what.pid_count ? binary->what.pid_count : 1;
	int best = 0, rc = -ENOMEM;

	b->links = calloc(links, sizeof(*b->links));
	b->era = link_keeper_era(p->keeper, binary->what.file.guard);
	for (size_t i = 0; b->links && i < links; i++) {
		pid_t pid = binary->what.pid_count ? binary->what.pids[i] : 0;

		rc = link_keeper_open(p->keeper, PROBE_LINK_MULTI, binary->what.file.guard, pid,
		                      points, b->count, &b->links[b->link_count]);
		if (rc > 0)
			b->link_count++;
		if (rc > best)
			best = rc;
	}
	return best ? best : rc;
}

static int batch_fill(struct site_probes *p, struct site_batch *b, const size_t *sites,
                      struct probe_point *points)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct site *s = p->sites[sites[i]];

		b->sites[i] = sites[i];
		b->rows[i] = row_take(p, s);
		if (b->rows[i] == NO_ROW)
			return -ENOSPC;
		if (key_add(p, s, (__u32)b->rows[i]))
			return -ENOMEM;
		point_fill(p, s, b->rows[i], &points[i]);
	}
	return 0;
}

static void batch_take_over(struct site_probes *p, struct site_batch *b,
                            const struct probe_point *points)
{
	for (size_t i = 0; i < b->count; i++) {
		struct site *s = p->sites[b->sites[i]];

		s->error = points[i].error;
		if (!s->error) {
			row_switch(p, s, b->rows[i]);
			continue;
		}
		row_give(p, s, b->rows[i]);
		b->rows[i] = NO_ROW;
	}
}

int site_batch_open(struct site_probes *p, size_t binary, const size_t *sites, size_t count)
{
	struct probe_point *points = calloc(count, sizeof(*points));
	struct site_batch b = {.binary = binary, .count = count};
	int rc = -ENOMEM;

	b.sites = calloc(count, sizeof(*b.sites));
	b.rows = calloc(count, sizeof(*b.rows));
	for (size_t i = 0; b.rows && i < count; i++)
		b.rows[i] = NO_ROW;
	if (points && b.sites && b.rows)
		rc = batch_fill(p, &b, sites, points);
	if (!rc)
		rc = batch_attach(p, &b, points);
	if (rc < 0) {
		site_batch_close(p, &b);
		free(points);
		return rc;
	}
	batch_take_over(p, &b, points);
	p->batches[p->batch_count++] = b;
	free(points);
	return 0;
}
