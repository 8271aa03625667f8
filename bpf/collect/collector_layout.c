/* SPDX-License-Identifier: MIT */
/* Layouts that are not verified: compare them with live objects, and tell the programs which fields
 * hold. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"
#include "core/go/layout_check.h"
#include "core/process/go_process.h"
#include "core/process/layout_code.h"
#include "core/process/process_memory.h"

#define OBJECTS_A_LOOK 256 /* of each kind */
#define PLACES_MAX     64  /* processes whose load bias is remembered */
#define EMPTY_NS       50000000ULL
#define FIRST_NS       10000000ULL
#define LAST_NS        1000000000ULL

/* One executable. */
struct subject {
	struct executable *executable;
	struct go_binary *binary; /* the collector's own */
	struct layout_code_finder code;
	struct layout_check *check;
	struct subject *next;
};

struct place {
	__u32 tgid;
	const struct subject *subject; /* NULL: it runs none of them */
	uint64_t bias;
};

struct collector_layouts {
	struct subject *_Atomic subjects; /* another thread puts further ones in front */
	atomic_bool fresh;                /* it has just done so: look soon */
	struct place places[PLACES_MAX];
	size_t place_next;
	uint64_t next_ns, wait_ns;
};

/* ---- life ---------------------------------------------------------------------------- */

static void subject_close(struct subject *s)
{
	if (!s)
		return;
	layout_check_destroy(s->check);
	free(s);
}

int collector_layout_add(struct collector *c, struct executable *executable)
{
	struct subject *s;

	if (go_binary_layout_trust(executable_what(executable)->binary) != GO_LAYOUT_UNVERIFIED)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s || layout_check_create(&s->check)) {
		subject_close(s);
		return -ENOMEM;
	}
	s->executable = executable;
	s->binary = executable_binary(executable);
	layout_code_open(&s->code, s->binary);
	s->next = c->layouts->subjects;
	c->layouts->subjects = s;
	c->layouts->fresh = true;
	return 0;
}

int collector_layouts_open(struct collector *c)
{
	c->layouts = calloc(1, sizeof(*c->layouts));
	return c->layouts ? 0 : -ENOMEM;
}

void collector_layouts_close(struct collector *c)
{
	struct collector_layouts *l = c->layouts;

	if (!l)
		return;
	for (struct subject *s = l->subjects, *next; s; s = next) {
		next = s->next;
		subject_close(s);
	}
	free(l);
}

/* ---- which process runs what --------------------------------------------------------- */

static void place_look(const struct collector_layouts *l, struct place *place)
{
	char path[PROC_PATH_MAX];
	struct file_identity runs;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/exe", place->tgid);
	place->subject = NULL;
	if (stat(path, &st))
		return;
	runs = file_identity_of(&st);
	for (const struct subject *s = l->subjects; s && !place->subject; s = s->next) {
		const struct file_identity *seen = &executable_what(s->executable)->seen;

		if (!executable_is_removed(s->executable) && file_identity_unwritten(seen, &runs) &&
		    !go_process_load_bias((pid_t)place->tgid, s->binary, &place->bias))
			place->subject = s;
	}
}

static const struct place *place_find(struct collector_layouts *l, __u32 tgid)
{
	struct place *place;

	for (size_t i = 0; i < PLACES_MAX; i++)
		if (l->places[i].tgid == tgid)
			return &l->places[i];
	place = &l->places[l->place_next++ % PLACES_MAX];
	place->tgid = tgid;
	place_look(l, place);
	return place;
}

void collector_layouts_forget(struct collector *c, pid_t pid)
{
	for (size_t i = 0; c->layouts && i < PLACES_MAX; i++)
		if (c->layouts->places[i].tgid == (__u32)pid)
			c->layouts->places[i].tgid = 0;
}

/* ---- objects ------------------------------------------------------------------------- */

#define PIECE(base, offset, into)                                                        \
	(struct process_piece)                                                           \
	{                                                                                \
		.addr = (base) + (uint64_t)(offset), .buf = &(into), .len = sizeof(into) \
	}

/* All that is wanted was there; the caller has looked that the layout has it. */
static bool pieces_read(__u32 tgid, struct process_piece *pieces, size_t count)
{
	if (process_memory_read_pieces((pid_t)tgid, pieces, count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!pieces[i].read)
			return false;
	return true;
}

static void goroutine_look(const struct place *place, const struct goroutine_key *key,
                           const struct goroutine_counts *counts)
{
	const struct subject *s = place->subject;
	const struct go_layout *l = go_binary_layout(s->binary);
	struct layout_goroutine g = {.g = key->g, .tgid = key->tgid, .last_ns = counts->last_ns};
	uint64_t goid = 0, gopc = 0, startpc = 0;
	struct process_piece pieces[] = {
	        PIECE(key->g, l->g_goid, g.goid), PIECE(key->g, l->g_atomicstatus, g.status),
	        PIECE(key->g, l->g_gopc, gopc),   PIECE(key->g, l->g_startpc, startpc),
	        PIECE(key->g, l->g_goid, goid),   PIECE(key->g, l->g_parent_goid, g.parent_goid),
	};
	size_t count = sizeof(pieces) / sizeof(*pieces);

	if (l->g_parent_goid < 0)
		count--;
	if (!pieces_read(key->tgid, pieces, count) || goid != g.goid)
		return; /* gone, or becoming another goroutine right now */
	g.goid_code = layout_code_at(&s->code, goid - place->bias);
	g.gopc = layout_code_at(&s->code, gopc ? gopc - place->bias : 0);
	g.startpc = layout_code_at(&s->code, startpc ? startpc - place->bias : 0);
	layout_check_goroutine(s->check, &g);
}

static void map_look(const struct place *place, const struct map_key *key,
                     const struct map_state *state)
{
	const struct subject *s = place->subject;
	const struct go_layout *l = go_binary_layout(s->binary);
	struct layout_map m = {
	        .map = key->addr, .tgid = key->tgid, .last_ns = state->counts.last_ns};
	struct process_piece pieces[] = {
	        PIECE(key->addr, l->swiss_used, m.length),
	        PIECE(key->addr, l->swiss_seed, m.seed),
	        PIECE(key->addr, l->swiss_dirptr, m.directory),
	        PIECE(key->addr, l->swiss_dirlen, m.directory_length),
	};

	if (pieces_read(key->tgid, pieces, sizeof(pieces) / sizeof(*pieces)))
		layout_check_map(s->check, &m);
}

/* ---- a look -------------------------------------------------------------------------- */

/* The first rows of a table, in the collector's memory for one batch; returns how many. */
static __u32 table_head(const struct collector *c, int fd)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 count = OBJECTS_A_LOOK;
	__u64 token = 0;
	int rc = bpf_map_lookup_batch(fd, NULL, &token, c->keys, c->values, &count, &opts);

	return rc && rc != -ENOENT ? 0 : count;
}

static __u32 goroutines_look(struct collector *c)
{
	const struct goroutine_counts *counts = c->values;
	const struct goroutine_key *keys = c->keys;
	__u32 count = table_head(c, c->config.goroutines_fd);

	for (__u32 i = 0; i < count; i++) {
		const struct place *place = place_find(c->layouts, keys[i].tgid);

		if (place->subject)
			goroutine_look(place, &keys[i], &counts[i]);
	}
	return count;
}

static void maps_look(struct collector *c)
{
	const struct map_state *states = c->values;
	const struct map_key *keys = c->keys;
	__u32 count = table_head(c, c->config.maps_fd);

	for (__u32 i = 0; i < count; i++) {
		const struct place *place = place_find(c->layouts, keys[i].tgid);

		if (place->subject && go_binary_map_runtime(place->subject->binary) == GO_MAP_SWISS)
			map_look(place, &keys[i], &states[i]);
	}
}

/* Soon at first, so that what people see has its names from the start; then once a second. */
void collector_layouts_look(struct collector *c)
{
	struct collector_layouts *l = c->layouts;
	uint64_t now = l->subjects ? clock_now() : 0;

	if (l->fresh) {
		l->fresh = false;
		l->wait_ns = l->next_ns = 0;
	}
	if (!l->subjects || now < l->next_ns)
		return;
	if (!goroutines_look(c)) {
		l->next_ns = now + EMPTY_NS;
		return;
	}
	maps_look(c);
	for (const struct subject *s = l->subjects; s; s = s->next)
		if (!executable_is_removed(s->executable))
			detector_tuning_proven_set(c->config.tuning,
			                           executable_what(s->executable)->row,
			                           layout_check_passed(s->check));
	l->wait_ns = l->wait_ns ? 2 * l->wait_ns : FIRST_NS;
	if (l->wait_ns > LAST_NS)
		l->wait_ns = LAST_NS;
	l->next_ns = now + l->wait_ns;
}
