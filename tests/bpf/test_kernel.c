/* SPDX-License-Identifier: MIT */
/*
 * The BPF programs in the running kernel: real probes, on a function of this very program that
 * begins as a Go map function does, called from threads that stand for goroutines.
 */
#define _GNU_SOURCE /* CPU affinity */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/attach/calibrate.h"
#include "bpf/attach/program.h"
#include "bpf/collect/collector.h"
#include "core/event/event.h"

#include "gomaptop.skel.h"

/* What a run showed. */
struct outcome {
	struct event_coverage coverage;
	uint64_t overlaps, stalls, delivered, calls, births;
	uint64_t overlaps_wrong; /* both sides one goroutine, or not on the map */
	struct map_counts last;
};

#define THREADS_MAX 6

struct run {
	bool perf_only;
	size_t ring_bytes;
	enum map_op op;
	bool two_maps;
	int threads;        /* THREADS_MAX at most */
	int calls;          /* of each thread, at least */
	int births;         /* maps that each thread makes between rests */
	bool until_overlap; /* go on until one was seen, up to a limit */
	bool read_late;     /* the ring is not read before it was full */
};

struct worker {
	pthread_t thread;
	int cpu;
	uint64_t goid;
	void *map;
	int calls, done, births, made;
	atomic_bool *go_on;
};

#define PATIENCE_S 30

static void *work(void *arg)
{
	struct worker *w = arg;
	cpu_set_t cpus;

	/* On CPUs of their own: on one and the same nothing can meet. */
	CPU_ZERO(&cpus);
	CPU_SET(w->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	/* Short rests: the threads come and go against each other, as goroutines do. */
	while (w->done < w->calls || atomic_load(w->go_on)) {
		calibrate_calls(CALIBRATE_ENTRY, w->goid, w->map, 10);
		w->done += 10;
		calibrate_calls(CALIBRATE_RETURN, w->goid, w->map, w->births);
		w->made += w->births;
		usleep(50);
	}
	return NULL;
}

static void note(struct outcome *o, const struct event_header *h, uint64_t *const maps)
{
	const struct event_overlap *v = (const void *)h;

	switch (h->kind) {
	case EVENT_COVERAGE:
		o->coverage = *(const struct event_coverage *)h;
		break;
	case EVENT_STALL:
		o->stalls++;
		break;
	case EVENT_OVERLAP:
		o->overlaps++;
		if (v->held.goid == v->came.goid || v->held.tid == v->came.tid ||
		    v->held.map != v->came.map || v->held.map != (uint64_t)(uintptr_t)maps)
			o->overlaps_wrong++;
		break;
	case EVENT_MAP:
		o->last = ((const struct event_map *)h)->counts;
		break;
	}
	if (h->kind == EVENT_STALL || h->kind == EVENT_OVERLAP || h->kind == EVENT_PROCESS ||
	    h->kind == EVENT_BIRTH)
		o->delivered++;
}

static void drain(struct event_queue *queue, struct outcome *o, uint64_t *maps)
{
	const struct event_header *h;

	while ((h = event_queue_peek(queue))) {
		note(o, h, maps);
		event_queue_pop(queue);
	}
}

/* This process is the target. */
static void accounts_open(const struct program *p, struct targets **targets,
                          struct cost_account **account)
{
	pid_t pid = getpid();

	assert_int_equal(targets_create(&pid, 1, targets), 0);
	assert_int_equal(cost_account_create(bpf_map__fd(p->skeleton->maps.coverage), &p->costs,
	                                     *targets, account),
	                 0);
}

static void start_collector(struct program *p, struct event_queue *queue, int event_fd,
                            struct targets *targets, struct cost_account *account,
                            struct collector **out)
{
	struct collector_config c = {
	        .queue = queue,
	        .event_fd = event_fd,
	        .interval_ns = 200000000,
	        .targets = targets,
	        .account = account,
	};

	collector_config_program(&c, p);
	assert_int_equal(collector_start(&c, out, NULL), 0);
}

/* The collector was not started: nothing reads the ring, and it fills up. */
static void wait_ring_full(struct cost_account *account)
{
	struct cost cost = {.value = {0}};

	for (int i = 0; !cost.value[COVERAGE_RING_FULL] && i < PATIENCE_S * 100; i++) {
		usleep(10000);
		assert_int_equal(cost_account_read(account, &cost), 0);
	}
	assert_true(cost.value[COVERAGE_RING_FULL] > 0);
}

static struct probe_links *attach(struct program *p, enum map_op op)
{
	struct probe_point points[] = {
	        {.cookie = COOKIE(1, PROBE_MAP_OP, op, ARGS_TYPE_MAP, CALIBRATE_INSTRUCTION,
	                          CALIBRATE_ROW)},
	        {.cookie = COOKIE(2, PROBE_BIRTH, 0, ARGS_RESULT, PROBE_AT_RET, CALIBRATE_ROW)}};
	struct probe_links *links = NULL;

	assert_int_equal(calibrate_point(CALIBRATE_ENTRY, &points[0].file_offset), 0);
	assert_int_equal(calibrate_point(CALIBRATE_RETURN, &points[1].file_offset), 0);
	p->skeleton->bss->tuning.births_allowed = UINT64_MAX;
	assert_int_equal(program_target_add(p, getpid()), 0);
	assert_int_equal(probe_links_open(program_probe(p), p->mode, "/proc/self/exe", getpid(),
	                                  points, 2, &links),
	                 2);
	return links;
}

static void run(const struct run *r, struct outcome *o)
{
	static uint64_t maps[2][16];
	struct program_config config = {.stall_min_ns = 20000,
	                                .stall_max_ns = 1000000,
	                                .stack_depth = 16,
	                                .perf_only = r->perf_only,
	                                .ring_bytes = r->ring_bytes};
	struct program program = {0};
	atomic_bool go_on = r->until_overlap;
	struct worker workers[THREADS_MAX] = {{0}};
	struct event_queue *queue = NULL;
	struct collector *collector = NULL;
	struct cost_account *account;
	struct targets *targets;
	struct probe_links *links;
	struct error err = {""};
	int event_fd = eventfd(0, EFD_NONBLOCK);

	memset(o, 0, sizeof(*o));
	memset(maps, 0, sizeof(maps));
	if (program_load(&config, &program, &err))
		fail_msg("%s", err.text);
	/* The trial's own probe is at the same function. */
	probe_links_close(program.trial);
	program.trial = NULL;
	assert_int_equal(event_queue_create(16 << 20, &queue), 0);
	accounts_open(&program, &targets, &account);
	if (!r->read_late)
		start_collector(&program, queue, event_fd, targets, account, &collector);
	links = attach(&program, r->op);
	for (int i = 0; i < r->threads; i++) {
		workers[i].goid = 101 + (uint64_t)i;
		workers[i].cpu = i & 1;
		workers[i].map = maps[r->two_maps ? i : 0];
		workers[i].calls = r->calls;
		workers[i].births = r->births;
		workers[i].go_on = &go_on;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	if (r->read_late) {
		wait_ring_full(account);
		start_collector(&program, queue, event_fd, targets, account, &collector);
	}
	for (int i = 0; r->until_overlap && !o->overlaps && i < PATIENCE_S * 100; i++) {
		usleep(10000);
		drain(queue, o, maps[0]);
	}
	atomic_store(&go_on, false);
	for (int i = 0; i < r->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		o->calls += workers[i].done;
		o->births += workers[i].made;
	}
	probe_links_close(links);
	collector_stop(collector);
	cost_account_destroy(account);
	targets_destroy(targets);
	drain(queue, o, maps[0]);
	program_unload(&program);
	event_queue_destroy(queue);
	close(event_fd);
}

static uint64_t value(const struct outcome *o, enum coverage_field field)
{
	return o->coverage.value[field];
}

static void assert_sums(const struct outcome *o)
{
	uint64_t lost = value(o, COVERAGE_RING_FULL) + value(o, COVERAGE_QUEUE_FULL) +
	                value(o, COVERAGE_TABLE_FULL) + value(o, COVERAGE_STACK_FAILED);

	assert_int_equal(value(o, COVERAGE_HITS), o->calls + o->births);
	assert_int_equal(value(o, COVERAGE_COUNTED), o->calls);
	assert_int_equal(value(o, COVERAGE_BIRTH_SITE), o->births);
	assert_int_equal(value(o, COVERAGE_EVENTS_DELIVERED), o->delivered);
	assert_int_equal(value(o, COVERAGE_EVENTS_MADE), o->delivered + lost);
	assert_int_equal(value(o, COVERAGE_STACK_FAILED), 0);
	assert_int_equal(value(o, COVERAGE_TABLE_FULL), 0);
}

static void need_root(void)
{
	if (geteuid() || sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		print_message("needs root and two CPUs\n");
		skip();
	}
}

/* ---- tests --------------------------------------------------------------------------- */

static void check_overlaps(const struct run *r)
{
	struct outcome o;

	run(r, &o);
	assert_sums(&o);
	assert_true(o.overlaps > 0);
	assert_int_equal(o.overlaps_wrong, 0);
	assert_int_equal(o.last.ops[r->op], o.calls);
	assert_int_equal(o.last.flags, MAP_SHARED | MAP_CHANGED | MAP_CONTESTED);
	assert_true(o.last.conflicts >= o.overlaps);
}

static void test_two_writers_meet(void **state)
{
	const struct run r = {.op = OP_WRITE, .threads = 2, .calls = 40000, .until_overlap = true};

	(void)state;
	need_root();
	check_overlaps(&r);
}

static void test_two_writers_meet_with_perf_events(void **state)
{
	const struct run r = {.op = OP_WRITE,
	                      .threads = 2,
	                      .calls = 40000,
	                      .until_overlap = true,
	                      .perf_only = true};

	(void)state;
	need_root();
	check_overlaps(&r);
}

static void test_sums_are_exact_with_a_full_ring(void **state)
{
	const struct run r = {.op = OP_DELETE,
	                      .births = 20,
	                      .threads = THREADS_MAX,
	                      .calls = 5000,
	                      .until_overlap = true,
	                      .read_late = true,
	                      .ring_bytes = 4096};
	struct outcome o;

	(void)state;
	need_root();
	run(&r, &o);
	assert_sums(&o);
	assert_true(value(&o, COVERAGE_RING_FULL) > 0);
	assert_true(o.delivered > 0);
}

static void test_two_readers_do_not_conflict(void **state)
{
	const struct run r = {.op = OP_READ, .threads = 2, .calls = 40000};
	struct outcome o;

	(void)state;
	need_root();
	run(&r, &o);
	assert_sums(&o);
	assert_int_equal(o.overlaps, 0);
	assert_int_equal(o.last.flags, MAP_SHARED);
}

static void test_two_maps_do_not_conflict(void **state)
{
	const struct run r = {.op = OP_WRITE, .threads = 2, .calls = 40000, .two_maps = true};
	struct outcome o;

	(void)state;
	need_root();
	run(&r, &o);
	assert_sums(&o);
	assert_int_equal(o.overlaps, 0);
	assert_int_equal(o.last.flags, MAP_CHANGED);
}

static void test_held_time_is_bounded(void **state)
{
	const struct run r = {.op = OP_WRITE, .threads = 2, .calls = 200000};
	struct outcome o;
	double share;

	(void)state;
	need_root();
	run(&r, &o);
	share = (double)value(&o, COVERAGE_STALL_NS) / o.coverage.armed_ns;
	assert_true(value(&o, COVERAGE_STALLS) > 0);
	assert_int_equal(value(&o, COVERAGE_STALLS), o.stalls);
	/* 0.8 % and the burst at the start, of which a short run has much. */
	assert_true(share < 0.008 + 0.0025 / (o.coverage.armed_ns / 1e9));
}

/* The trial: each body ran and was timed, and nothing of it is left. */
static void costs_are_measured(bool perf_only)
{
	struct program_config config = {.stall_min_ns = 20000,
	                                .stall_max_ns = 1000000,
	                                .stack_depth = 16,
	                                .perf_only = perf_only};
	struct program program = {0};
	struct error err = {""};
	struct map_key key;

	if (program_load(&config, &program, &err))
		fail_msg("%s", err.text);
	assert_int_equal(program.costs.measured, (1u << BODY_COUNT) - 1);
	for (int i = 0; i < BODY_COUNT; i++)
		assert_in_range(program.costs.ns[i], 50, 200000);
		/* A return is stepped through on x86; a chain costs something. */
#if defined(__x86_64__)
	assert_true(program.costs.ns[BODY_BIRTH] > program.costs.ns[BODY_OPERATION]);
#endif
	assert_true(program.costs.ns[BODY_FILTERED] < 2 * program.costs.ns[BODY_OPERATION]);
	for (int i = 0; i < TIMED_COUNT; i++) {
		assert_true(program.costs.timed[i].ns > 0 && program.costs.timed[i].ns < 20000);
		assert_true(program.costs.timed[i].cold >= 1);
	}
	assert_int_equal(program.skeleton->bss->tuning.timed_all, 0);
	assert_int_equal(program.skeleton->bss->tuning.births_allowed, 0);
	assert_int_not_equal(
	        bpf_map_get_next_key(bpf_map__fd(program.skeleton->maps.maps), NULL, &key), 0);
	program_unload(&program);
}

static void test_costs_are_measured(void **state)
{
	(void)state;
	costs_are_measured(false);
}

static void test_costs_are_measured_with_perf_events(void **state)
{
	(void)state;
	costs_are_measured(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_costs_are_measured),
	        cmocka_unit_test(test_costs_are_measured_with_perf_events),
	        cmocka_unit_test(test_two_writers_meet),
	        cmocka_unit_test(test_two_writers_meet_with_perf_events),
	        cmocka_unit_test(test_sums_are_exact_with_a_full_ring),
	        cmocka_unit_test(test_two_readers_do_not_conflict),
	        cmocka_unit_test(test_two_maps_do_not_conflict),
	        cmocka_unit_test(test_held_time_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
