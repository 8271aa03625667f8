/* SPDX-License-Identifier: MIT */
#include "bpf/attach/trial.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/attach/calibrate.h"
#include "bpf/attach/coverage_totals.h"
#include "bpf/attach/detector_tuning.h"
#include "bpf/attach/program.h"
#include "core/base/clock.h"
#include "core/event/event.h"
#include "core/judge/order_event.h"
#include "core/order/order_kinds.h"
#include "gomaptop.skel.h"

#define TRIAL_SITE 0xffff
#define HOLDS      32
#define HOLD_GOID  2 /* who comes by the probe as it is held is goroutine 1 */

#define WARM_BATCHES 5 /* in which each hit's first part is timed, */
#define WARM_CALLS   100
#define COLD_CALLS   21 /* and so many with cold caches */
#define COLD_LEAST   1.0
#define COLD_MOST    20.0
#define COLD_WORST   4 /* times colder than that a target's caches may be */

struct trial {
	struct program *program;
	struct coverage_totals *totals;
	bool seen; /* the program ran in the second thread */
};

/* ---- what it leaves behind ----------------------------------------------------------- */

static uint64_t counter_read(const struct trial *t, enum coverage_field field)
{
	__u64 value[COVERAGE_COUNT] = {0};

	coverage_totals_add(t->totals, value);
	return value[field];
}

static void table_clear(const struct bpf_map *map)
{
	char key[64];

	while (bpf_map__key_size(map) <= sizeof(key) &&
	       !bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		if (bpf_map_delete_elem(bpf_map__fd(map), key))
			break;
}

static int ignore_event(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static void ring_clear(const struct gomaptop *s)
{
	struct ring_buffer *ring =
	        ring_buffer__new(bpf_map__fd(s->maps.events), ignore_event, NULL, NULL);

	if (ring)
		ring_buffer__consume(ring);
	ring_buffer__free(ring);
}

static void trial_forget(const struct trial *t)
{
	struct gomaptop *s = t->program->skeleton;

	coverage_totals_clear(t->totals);
	ring_clear(s);
	table_clear(s->maps.maps);
	table_clear(s->maps.goroutines);
	table_clear(s->maps.targets);
	table_clear(s->maps.call_sites);
	table_clear(s->maps.chains);
	detector_tuning_order_set(&s->bss->tuning, 0, 0);
	detector_tuning_births_allowed_set(&s->bss->tuning, 0);
	detector_tuning_known_clear(&s->bss->tuning);
}

/* ---- what a body costs --------------------------------------------------------------- */

/* A map as the detector likes it: used by another goroutine a moment ago, on another CPU, mostly
 * changed, and it is to be held, for next to no time. */
static int map_suspect(const struct trial *t, const uint64_t *map)
{
	struct map_key key = {.addr = (uintptr_t)map, .tgid = (uint32_t)getpid()};
	struct map_state state = {
	        .first_who = HOLD_GOID,
	        .last_who = HOLD_GOID,
	        .counts = {.ops = {[OP_WRITE] = 1000},
	                   .last_ns = clock_now(),
	                   .flags = MAP_SHARED | MAP_CHANGED | MAP_CONTESTED},
	        .last_cpu = UINT32_MAX,
	        .drawn_ns = 1,
	};

	return bpf_map_update_elem(bpf_map__fd(t->program->skeleton->maps.maps), &key, &state,
	                           BPF_ANY);
}

/* Holds one at a time: the fastest, less the operation that is held and the time that it is. The
 * operation is timed in the same way: where a machine is interrupted all the time, the fastest of
 * some single calls is faster than the mean of the fastest hundred in a row. */
static uint64_t hold_time(const struct trial *t)
{
	uint64_t map[16] = {0}, best = UINT64_MAX, held = counter_read(t, COVERAGE_STALL_NS);
	uint64_t other[16] = {0}, operation = calibrate_time(CALIBRATE_ENTRY, other, HOLDS, 1);

	for (int i = 0; i < HOLDS && !map_suspect(t, map); i++) {
		uint64_t begin = clock_now(), took, before = held;

		calibrate_calls(CALIBRATE_ENTRY, 1, map, 1);
		took = clock_now() - begin;
		held = counter_read(t, COVERAGE_STALL_NS);
		took -= held - before;
		if (held > before && took < best)
			best = took;
	}
	return best > operation ? best - operation : 0;
}

/* How to make the programs run a body. */
static const struct body {
	enum calibrate_place place;
	enum coverage_field counter; /* tells that it ran */
	bool nil_map;
	int batches, calls;
	uint64_t (*time)(const struct trial *t); /* NULL: the time of a call */
} bodies[BODY_COUNT] = {
        [BODY_OPERATION] = {CALIBRATE_ENTRY, COVERAGE_COUNTED, .batches = 20, .calls = 100},
        [BODY_FILTERED] = {CALIBRATE_ENTRY, COVERAGE_NIL_MAP, .nil_map = true, .batches = 10,
                           .calls = 100},
        [BODY_BIRTH] = {CALIBRATE_RETURN, COVERAGE_BIRTH_SITE, .batches = 10, .calls = 10},
        [BODY_HOLD] = {CALIBRATE_ENTRY, COVERAGE_STALLS, .time = hold_time},
        [BODY_ORDER] = {CALIBRATE_ORDER, COVERAGE_ORDER_SITE, .batches = 10, .calls = 100},
};

static uint64_t body_time(const struct trial *t, const struct body *b)
{
	uint64_t map[16] = {0};

	return b->time ? b->time(t)
	               : calibrate_time(b->place, b->nil_map ? NULL : map, b->batches, b->calls);
}

/* ---- what it costs when it is cold ----------------------------------------------------- */

_Static_assert(TIMED_COUNT == TIMED_KINDS, "one limit a kind");

static const struct cold_body {
	enum calibrate_place place;
	enum coverage_field looks, ns;
} cold_bodies[TIMED_COUNT] = {
        [TIMED_OPERATION] = {CALIBRATE_ENTRY, COVERAGE_TIMED, COVERAGE_TIMED_NS},
        [TIMED_ORDER] = {CALIBRATE_ORDER, COVERAGE_ORDER_TIMED, COVERAGE_ORDER_TIMED_NS},
};

/* What the program says of its first part: since the last time it was asked. */
static double timed(const struct trial *t, const struct cold_body *b, __u64 seen[COVERAGE_COUNT])
{
	uint64_t count = counter_read(t, b->looks), ns = counter_read(t, b->ns);
	uint64_t fresh = count - seen[b->looks];
	double mean = fresh ? (double)(ns - seen[b->ns]) / (double)fresh : 0;

	seen[b->looks] = count;
	seen[b->ns] = ns;
	return mean;
}

static int compare_real(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double values[COLD_CALLS])
{
	qsort(values, COLD_CALLS, sizeof(*values), compare_real);
	return values[COLD_CALLS / 2];
}

/* By how much a hit is slower when its first part is slower by 1 ns. */
static void cold_time(const struct trial *t, enum overhead_timed_kind kind, volatile char *memory)
{
	const struct cold_body *b = &cold_bodies[kind];
	double with[COLD_CALLS], without[COLD_CALLS], first[COLD_CALLS], hit, longer;
	struct overhead_timed *timing = &t->program->costs.timed[kind];
	__u64 seen[COVERAGE_COUNT] = {0};
	uint64_t map[16] = {0}, warm = UINT64_MAX;

	timed(t, b, seen);
	timing->ns = INFINITY;
	for (int i = 0; i < WARM_BATCHES; i++) {
		uint64_t took = calibrate_time(b->place, map, 1, WARM_CALLS);

		warm = took < warm ? took : warm;
		timing->ns = fmin(timing->ns, timed(t, b, seen));
	}
	for (int i = 0; i < COLD_CALLS; i++) {
		without[i] = (double)calibrate_time_cold(b->place, memory, map, false);
		with[i] = (double)calibrate_time_cold(b->place, memory, map, true);
		first[i] = timed(t, b, seen);
	}
	hit = median(with) - median(without) - (double)warm;
	longer = median(first) - timing->ns;
	timing->cold = longer > 0 ? fmin(fmax(hit / longer, COLD_LEAST), COLD_MOST) : COLD_LEAST;
	detector_tuning_timed_most_set(&t->program->skeleton->bss->tuning, kind,
	                               (__u32)(timing->ns + COLD_WORST * fmax(longer, timing->ns)));
}

static void cold_try(const struct trial *t)
{
	struct detector_tuning *tuning = &t->program->skeleton->bss->tuning;
	char *memory;

	if (!(t->program->costs.measured & 1u << BODY_OPERATION) ||
	    !(t->program->costs.measured & 1u << BODY_ORDER))
		return;
	memory = calloc(1, CALIBRATE_MEMORY);
	if (!memory)
		return;
	detector_tuning_timed_all_set(tuning, true);
	for (int kind = 0; kind < TIMED_COUNT; kind++)
		cold_time(t, kind, memory);
	detector_tuning_timed_all_set(tuning, false);
	free(memory);
}

/* ---- all bodies, in a thread of their own ---------------------------------------------- */

/* A body that did not run has told nothing: what is assumed of it stays. */
static void *bodies_time(void *arg)
{
	struct trial *t = arg;

	for (int i = 0; i < BODY_COUNT; i++) {
		uint64_t before = counter_read(t, bodies[i].counter);
		uint64_t ns = body_time(t, &bodies[i]);

		if (counter_read(t, bodies[i].counter) == before)
			continue;
		t->seen = true;
		if (!ns || ns == UINT64_MAX)
			continue;
		t->program->costs.ns[i] = ns;
		t->program->costs.measured |= 1u << i;
	}
	cold_try(t);
	return NULL;
}

/* ---- the trial ----------------------------------------------------------------------- */

/* Probe every place, in process pid (0: all). 0 or -errno. */
static int places_probe(struct program *program, pid_t pid)
{
	static const uint64_t cookies[CALIBRATE_PLACES] = {
	        [CALIBRATE_ENTRY] = COOKIE(TRIAL_SITE, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP,
	                                   CALIBRATE_INSTRUCTION, CALIBRATE_ROW),
	        [CALIBRATE_RETURN] = COOKIE(TRIAL_SITE, PROBE_BIRTH, 0, ARGS_RESULT, PROBE_AT_RET,
	                                    CALIBRATE_ROW),
	        [CALIBRATE_ORDER] = COOKIE(TRIAL_SITE, PROBE_ORDER, 0, 0, 0, CALIBRATE_ROW) |
	                            COOKIE_ORDER(ORDER_SITES_MAX - 1),
	};
	struct probe_point points[CALIBRATE_PLACES] = {0};
	int rc = 0;

	for (int i = 0; !rc && i < CALIBRATE_PLACES; i++) {
		points[i].cookie = cookies[i];
		rc = calibrate_point(i, &points[i].file_offset);
	}
	if (rc)
		return rc;
	rc = probe_links_open(program_probe(program), program->mode, "/proc/self/exe", pid, points,
	                      CALIBRATE_PLACES, &program->trial);
	return rc < 0 ? rc : 0;
}

static int places_run(struct trial *t, pid_t pid)
{
	pthread_t thread;
	int rc = places_probe(t->program, pid);

	if (!rc)
		rc = -pthread_create(&thread, NULL, bodies_time, t);
	if (!rc)
		pthread_join(thread, NULL);
	return rc;
}

/* The map stands for what goroutines are ordered by. The events stay in their ring: of no window.
 */
static int order_prepare(const struct program *program)
{
	__u32 row = ORDER_SITES_MAX - 1;
	struct order_row site = {
	        .act = ORDER_ACT_NOTHING, .object = ORDER_OBJECT_REGISTER, .base = 3};

	detector_tuning_order_set(&program->skeleton->bss->tuning, 1, 0);
	return bpf_map_update_elem(bpf_map__fd(program->skeleton->maps.order_sites), &row, &site,
	                           BPF_ANY)
	               ? -errno
	               : 0;
}

int trial_run(struct program *program)
{
	struct trial t = {.program = program};
	int rc = coverage_totals_create(bpf_map__fd(program->skeleton->maps.coverage), &t.totals);

	program->costs = overhead_costs_assumed();
	if (rc)
		goto cleanup;
	rc = program_target_add(program, (uint32_t)getpid());
	if (rc)
		goto cleanup;
	detector_tuning_births_allowed_set(&program->skeleton->bss->tuning, UINT64_MAX);
	rc = order_prepare(program);
	if (rc)
		goto cleanup;
	rc = places_run(&t, getpid());
	program->pid_filter = t.seen;
	if (!rc && !t.seen) {
		/* What it costs is seen without the filter, which will not be used either. */
		probe_links_close(program->trial);
		program->trial = NULL;
		rc = places_run(&t, 0);
	}
	trial_forget(&t);
cleanup:
	coverage_totals_destroy(t.totals);
	return rc;
}
