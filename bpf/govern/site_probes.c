/* SPDX-License-Identifier: MIT */
#include "bpf/govern/site_probes_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "gomaptop.skel.h"

static size_t table_bytes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes;

	bytes = CALL_PROBES_MAX * sizeof(struct call_probe);
	return (bytes + page - 1) / page * page;
}

/* ---- executables --------------------------------------------------------------------- */

/* Written to since it was decoded for the first time, or while it was decoded here? */
static bool binary_unchanged(const struct site_binary *b)
{
	struct file_identity now;

	return !file_identity_read(b->what.file.fd, &now) &&
	       file_identity_unwritten(&now, &b->what.file.seen);
}

static struct call_sites *binary_calls(struct site_binary *b)
{
	if (b->tried)
		return b->calls;
	b->tried = true;
	if (go_binary_open_fd(b->what.file.fd, b->path, &b->binary, NULL))
		b->binary = NULL;
	else if (!probe_plan_make(b->binary, &b->plan, NULL))
		call_sites_create(b->binary, &b->plan, &b->calls);
	if (!binary_unchanged(b)) {
		call_sites_destroy(b->calls);
		b->calls = NULL;
	}
	return b->calls;
}

static void binary_close(struct site_binary *b)
{
	call_sites_destroy(b->calls);
	probe_plan_free(&b->plan);
	go_binary_close(b->binary);
}

/* ---- life ---------------------------------------------------------------------------- */

static int table_map(struct site_probes *p)
{
	void *table = mmap(NULL, table_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED,
	                   bpf_map__fd(p->program.skeleton->maps.call_probes), 0);

	if (table == MAP_FAILED)
		return -errno;
	p->table = table;
	return 0;
}

int site_probes_create(const struct site_probes_config *config, struct site_probes **out)
{
	struct site_probes *p = calloc(1, sizeof(*p));
	int rc = -ENOMEM;

	*out = NULL;
	if (!p)
		return rc;
	p->program = *config->program;
	p->keeper = config->keeper;
	p->verbose = config->verbose;
	if (config->program->mode != PROBE_LINK_MULTI) {
		rc = -EOPNOTSUPP;
		goto cleanup;
	}
	p->binaries = calloc(config->binary_count + 1, sizeof(*p->binaries));
	if (!p->binaries)
		goto cleanup;
	rc = table_map(p);
	if (rc)
		goto cleanup;
	for (size_t i = 0; i < config->binary_count; i++)
		site_binary_set(&p->binaries[i], &config->binaries[i]);
	p->binary_count = config->binary_count;
	*out = p;
	return 0;
cleanup:
	site_probes_destroy(p);
	return rc;
}

void site_probes_destroy(struct site_probes *p)
{
	if (!p)
		return;
	site_probes_close(p);
	for (size_t i = 0; p->binaries && i < p->binary_count; i++)
		binary_close(&p->binaries[i]);
	for (size_t i = 0; i < p->site_count; i++)
		free(p->sites[i]);
	u64_map_free(&p->index);
	if (p->table)
		munmap(p->table, table_bytes());
	free(p->binaries);
	free(p->sites);
	free(p->batches);
	free(p);
}

/* ---- sites --------------------------------------------------------------------------- */

static uint64_t place_key(struct site_place place)
{
	return (uint64_t)place.binary << 56 ^ place.place;
}

static struct site *site_find(const struct site_probes *p, struct site_place place)
{
	return u64_map_get(&p->index, place_key(place));
}

static void refusal_say(const struct site_probes *p, const struct site *s)
{
	if (p->verbose && s->refusal)
		fprintf(stderr, "gomaptop: no probe at the call before %#lx: %s\n", s->place.place,
		        call_refusal_words(s->refusal));
}

static struct site *site_need(struct site_probes *p, struct site_place place)
{
	struct site *s = site_find(p, place);
	struct call_sites *calls;

	if (s || place.binary >= p->binary_count || p->binaries[place.binary].gone)
		return s;
	if (p->site_count == p->site_room) {
		size_t room = p->site_room ? 2 * p->site_room : 64;
		void *more = reallocarray(p->sites, room, sizeof(*p->sites));

		if (!more)
			return NULL;
		p->sites = more;
		p->site_room = room;
	}
	s = calloc(1, sizeof(*s));
	if (!s || u64_map_put(&p->index, place_key(place), s)) {
		free(s);
		return NULL;
	}
	p->sites[p->site_count++] = s;
	s->place = place;
	s->row = NO_ROW;
	calls = binary_calls(&p->binaries[place.binary]);
	s->refusal = calls ? call_sites_find(calls, place.place, &s->call) : CALL_NO_FUNCTION;
	refusal_say(p, s);
	return s;
}

int site_probes_place(struct site_probes *p, size_t site, int32_t distance, struct site_place *out)
{
	size_t binary = p->binary_count;
	const struct site_binary *b;

	/* A row may have served another executable before. */
	for (size_t i = 0; i < p->binary_count; i++)
		if (!p->binaries[i].gone && site - p->binaries[i].what.first_site < ROW_SITES)
			binary = i;
	if (binary == p->binary_count || !binary_calls(&p->binaries[binary]))
		return -ENOENT;
	b = &p->binaries[binary];
	site -= b->what.first_site;
	if (site >= b->plan.site_count)
		return -ENOENT;
	*out = (struct site_place){.binary = binary,
	                           .place = b->plan.sites[site].addr + (uint64_t)(int64_t)distance};
	return 0;
}

enum call_refusal site_probes_verify(struct site_probes *p, struct site_place place)
{
	const struct site *s = site_need(p, place);

	return s ? s->refusal : CALL_NO_FUNCTION;
}

struct site_probe_state site_probes_state(const struct site_probes *p, struct site_place place)
{
	const struct site *s = site_find(p, place);

	if (!s)
		return (struct site_probe_state){0};
	return (struct site_probe_state){
	        .refusal = s->refusal, .error = s->error, .armed = s->row != NO_ROW};
}

size_t site_probes_count(const struct site_probes *p)
{
	return p->armed;
}

uint64_t site_probes_hits(const struct site_probes *p)
{
	uint64_t sum = p->hits_before;

	for (int i = 0; i < CALL_PROBES_MAX; i++)
		if (p->taken[i])
			sum += row_hits(p, i);
	return sum;
}

uint64_t site_probes_hits_of(const struct site_probes *p, struct site_place place)
{
	const struct site *s = site_find(p, place);

	if (!s)
		return 0;
	return s->hits_before + (s->row == NO_ROW ? 0 : row_hits(p, s->row));
}

/* ---- the choice ---------------------------------------------------------------------- */

/* Has the batch something that is to go? */
static bool batch_is_stale(const struct site_probes *p, const struct site_batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->rows[i] != NO_ROW && !p->sites[b->sites[i]]->wanted)
			return true;
	return false;
}

static bool site_is_in(const struct site_batch *b, size_t site)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->sites[i] == site)
			return true;
	return false;
}

/* To be attached: wanted, and in no batch that stays. */
static bool site_is_due(const struct site_probes *p, size_t site)
{
	const struct site *s = p->sites[site];

	if (!s->wanted || s->refusal)
		return false;
	for (size_t i = 0; s->row != NO_ROW && i < p->batch_count; i++)
		if (!batch_is_stale(p, &p->batches[i]) && site_is_in(&p->batches[i], site))
			return false;
	return true;
}

static int due_open(struct site_probes *p, size_t binary, size_t *due)
{
	size_t count = 0;

	for (size_t i = 0; i < p->site_count; i++)
		if (p->sites[i]->place.binary == binary && site_is_due(p, i))
			due[count++] = i;
	return count ? site_batch_open(p, binary, due, count) : 0;
}

static int want(struct site_probes *p, const struct site_place *places, size_t count)
{
	for (size_t i = 0; i < p->site_count; i++)
		p->sites[i]->wanted = false;
	for (size_t i = 0; i < count; i++) {
		struct site *s = site_need(p, places[i]);

		if (!s)
			return -ENOMEM;
		s->wanted = true;
	}
	return 0;
}

void site_stale_close(struct site_probes *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->batch_count; i++) {
		struct site_batch b = p->batches[i];

		if (batch_is_stale(p, &b))
			site_batch_close(p, &b);
		else
			p->batches[kept++] = b;
	}
	p->batch_count = kept;
	site_keys_renew(p);
}

int site_probes_choose(struct site_probes *p, const struct site_place *places, size_t count)
{
	void *more =
	        reallocarray(p->batches, p->batch_count + p->binary_count + 1, sizeof(*p->batches));
	size_t *due = NULL;
	int rc = -ENOMEM, first = 0;

	if (!more)
		return rc;
	p->batches = more;
	if (!want(p, places, count))
		due = calloc(p->site_count + 1, sizeof(*due));
	for (size_t i = 0; due && i < p->binary_count; i++) {
		rc = due_open(p, i, due);
		first = first ? first : rc;
	}
	free(due);
	site_stale_close(p);
	if (p->verbose)
		fprintf(stderr, "gomaptop: %zu calls probed\n", p->armed);
	return due ? first : -ENOMEM;
}

/* Of several processes those that are left go on: one that lost its probes has ended, or all
 * have. */
static bool batch_is_lost(const struct site_probes *p, const struct site_batch *b)
{
	int guard = p->binaries[b->binary].what.file.guard;

	return b->link_count && !link_keeper_holds(p->keeper, b->links[0], guard, b->era);
}

void site_probes_look(struct site_probes *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->batch_count; i++) {
		struct site_batch b = p->batches[i];

		if (batch_is_lost(p, &b))
			site_batch_close(p, &b);
		else
			p->batches[kept++] = b;
	}
	if (kept < p->batch_count) {
		p->batch_count = kept;
		site_keys_renew(p);
	}
}

void site_probes_close(struct site_probes *p)
{
	for (size_t i = 0; i < p->site_count; i++)
		p->sites[i]->wanted = false;
	for (size_t i = 0; i < p->batch_count; i++)
		site_batch_close(p, &p->batches[i]);
	p->batch_count = 0;
	if (p->table)
		site_keys_renew(p);
}
