/* SPDX-License-Identifier: MIT */
/*
 * How fast the collector empties the ring: events of the real program, made by probes on code of
 * this very process and piled up in a large ring, then drained by the real collector into the
 * queue, from which this thread takes them. What is timed is the draining: from the collector's
 * start to the last event taken.
 *
 *     bench_drain [EVENTS]
 *
 * Writes build/bench/drain.json. Exit status 1: an event was lost, the sums do not match, or fewer
 * than a million events a second; 77: no probes here (not root).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/attach/calibrate.h"
#include "bpf/attach/program.h"
#include "bpf/collect/collector.h"
#include "core/base/clock.h"
#include "core/event/event_queue.h"

#include "gomaptop.skel.h"

#define EVENTS      100000
#define RING_BYTES  (128u << 20) /* births get half of it */
#define QUEUE_BYTES (64u << 20)
#define PER_SECOND  1000000.0
#define PATIENCE_NS 20000000000ULL

struct outcome {
	uint64_t births, wrong, took_ns;
	struct event_coverage coverage;
};

/* Births at a probe that the kernel emulates: the quickest way to many events. */
static int produce(struct program *p, int events)
{
	static uint64_t map[16];
	struct probe_point point = {.cookie = COOKIE(1, PROBE_BIRTH, 0, ARGS_RESULT,
	                                             CALIBRATE_INSTRUCTION, CALIBRATE_ROW)};
	struct probe_links *links = NULL;
	int rc = calibrate_point(CALIBRATE_ENTRY, &point.file_offset);

	probe_links_close(p->trial);
	p->trial = NULL;
	if (!rc)
		rc = program_target_add(p, (uint32_t)getpid());
	if (rc)
		return rc;
	p->skeleton->bss->tuning.births_allowed = UINT64_MAX;
	rc = probe_links_open(program_probe(p), p->mode, "/proc/self/exe", getpid(), &point, 1,
	                      &links);
	if (rc < 0)
		return rc;
	calibrate_calls(CALIBRATE_ENTRY, 1, map, events);
	probe_links_close(links);
	return 0;
}

static void take(struct event_queue *queue, struct outcome *o)
{
	const struct event_header *h;

	while ((h = event_queue_peek(queue))) {
		const struct event_birth *e = (const void *)h;

		if (h->kind == EVENT_COVERAGE)
			o->coverage = *(const struct event_coverage *)h;
		if (h->kind == EVENT_BIRTH) {
			o->births++;
			o->wrong +=
			        h->size != sizeof(*e) || !e->access.depth || !e->access.stack[0];
		}
		event_queue_pop(queue);
	}
	event_queue_release(queue);
}

static int drain(struct program *p, int events, struct outcome *o)
{
	pid_t pid = getpid();
	struct event_queue *queue = NULL;
	struct collector *collector = NULL;
	struct collector_config c = {
	        .event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	        .interval_ns = 1000000000,
	};
	int rc = event_queue_create(QUEUE_BYTES, &queue);
	uint64_t begin = clock_now();

	c.queue = queue;
	collector_config_program(&c, p);
	if (!rc)
		rc = targets_create(&pid, 1, &c.targets);
	if (!rc)
		rc = cost_account_create(bpf_map__fd(p->skeleton->maps.coverage), &p->costs,
		                         c.targets, &c.account);
	if (!rc)
		rc = collector_start(&c, &collector, NULL);
	while (!rc && o->births < (uint64_t)events && clock_now() - begin < PATIENCE_NS)
		take(queue, o);
	o->took_ns = clock_now() - begin;
	collector_stop(collector);
	if (!rc)
		take(queue, o);
	cost_account_destroy(c.account);
	targets_destroy(c.targets);
	event_queue_destroy(queue);
	close(c.event_fd);
	return rc;
}

static int tell(const struct outcome *o, int events)
{
	const __u64 *v = o->coverage.value;
	uint64_t lost = v[COVERAGE_RING_FULL] + v[COVERAGE_QUEUE_FULL] + v[COVERAGE_STACK_FAILED] +
	                v[COVERAGE_TABLE_FULL];
	double rate = (double)o->births * 1e9 / (double)o->took_ns;
	bool exact = v[COVERAGE_EVENTS_MADE] == v[COVERAGE_EVENTS_DELIVERED] + lost &&
	             v[COVERAGE_BIRTH_SITE] == (uint64_t)events &&
	             o->births + lost == (uint64_t)events && !o->wrong;
	FILE *f;

	printf("%d events drained in %.0f ms: %.2f million a second, %lu lost, sums %s\n", events,
	       (double)o->took_ns / 1e6, rate / 1e6, lost, exact ? "exact" : "WRONG");
	mkdir("build", 0755);
	mkdir("build/bench", 0755);
	f = fopen("build/bench/drain.json", "we");
	if (f) {
		fprintf(f, "{\"events\": %d, \"per_second\": %.0f, \"lost\": %lu, \"exact\": %s}\n",
		        events, rate, lost, exact ? "true" : "false");
		fclose(f);
	}
	return exact && !lost && rate >= PER_SECOND ? 0 : 1;
}

int main(int argc, char **argv)
{
	int events = argc > 1 ? atoi(argv[1]) : EVENTS, rc;
	struct program_config config = {.stall_min_ns = 20000,
	                                .stall_max_ns = 1000000,
	                                .stack_depth = 64,
	                                .ring_bytes = RING_BYTES};
	struct program program = {0};
	struct outcome o = {0};
	struct error err = {""};

	rc = program_load(&config, &program, &err);
	if (!rc)
		rc = produce(&program, events);
	if (!rc)
		rc = drain(&program, events, &o);
	program_unload(&program);
	if (rc) {
		fprintf(stderr, "bench_drain: %s\n", *err.text ? err.text : strerror(-rc));
		return rc == -EPERM || rc == -EACCES ? 77 : 1;
	}
	return tell(&o, events);
}
