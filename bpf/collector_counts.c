/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/collector_internal.h"

#define BATCH         2048
#define SCAN_SLACK_NS 50000000ULL /* rows written while the last scan passed over them */

int collector_counts_open(struct collector *c)
{
	size_t value = sizeof(struct map_counts) > sizeof(struct goroutine_counts)
	                       ? sizeof(struct map_counts)
	                       : sizeof(struct goroutine_counts);
	int rc = coverage_totals_create(c->config.coverage_fd, &c->coverage);

	if (rc)
		return rc;
	c->keys = calloc(BATCH, sizeof(struct map_key));
	c->values = calloc(BATCH, value);
	return c->keys && c->values ? 0 : -ENOMEM;
}

void collector_counts_close(struct collector *c)
{
	coverage_totals_destroy(c->coverage);
	free(c->keys);
	free(c->values);
}

/* ---- tables -------------------------------------------------------------------------- */

/* One table of counts: how its rows become events. */
struct table {
	int fd;
	size_t max;
	uint64_t now;
	size_t rows;      /* in use */
	uint64_t idle_ns; /* rows not used for so long are forgotten; 0: none are */
	void (*row)(struct collector *c, struct table *t, const void *key, const void *value);
	size_t key_size, value_size;
};

/* The row says all there was to say, and leaves the table. */
static bool row_forget(const struct table *t, const void *key, uint64_t last_ns)
{
	return t->idle_ns && last_ns + t->idle_ns < t->now && !bpf_map_delete_elem(t->fd, key);
}

static void push_row(struct collector *c, const struct event_header *h, bool last_word)
{
	if (event_queue_push(c->config.queue, h))
		return;
	if (last_word) {
		c->made_here++;
		c->queue_full++;
	} else {
		c->resend_next =
		        true; /* absolute counts: nothing is lost, the next scan sends them */
	}
}

static void map_row(struct collector *c, struct table *t, const void *key, const void *value)
{
	struct event_map e = {.h = {.kind = EVENT_MAP, .size = sizeof(e), .time_ns = t->now}};
	const struct map_counts *m = value;

	if (!map_counts_whole(m) || !m->last_ns) {
		c->resend_next = true; /* between two maps: the next scan has it */
		return;
	}
	memcpy(&e.key, key, sizeof(e.key));
	e.end = row_forget(t, key, m->last_ns) ? ROW_RETIRED : ROW_GOES_ON;
	if (!e.end && !c->resend && m->last_ns + SCAN_SLACK_NS < c->last_scan_ns)
		return;
	e.h.tgid = e.key.tgid;
	e.counts = *m;
	push_row(c, &e.h, e.end);
}

static void goroutine_row(struct collector *c, struct table *t, const void *key, const void *value)
{
	struct event_goroutine e = {
	        .h = {.kind = EVENT_GOROUTINE, .size = sizeof(e), .time_ns = t->now}};
	const struct goroutine_counts *g = value;

	if (!g->first_ns || !g->last_ns) {
		c->resend_next = true; /* between two goroutines: the next scan has it */
		return;
	}
	memcpy(&e.key, key, sizeof(e.key));
	e.end = row_forget(t, key, g->last_ns) ? ROW_RETIRED : ROW_GOES_ON;
	if (!e.end && !c->resend && g->last_ns + SCAN_SLACK_NS < c->last_scan_ns)
		return;
	e.h.tgid = e.key.tgid;
	e.counts = *g;
	push_row(c, &e.h, e.end);
}

/* Read a table in batches (kernel 5.6). A scan may miss a row that is being inserted; the next one
 * has it. */
static void table_scan(struct collector *c, struct table *t)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u64 token = 0;
	bool first = true;
	int rc;

	do {
		__u32 count = BATCH;

		rc = bpf_map_lookup_batch(t->fd, first ? NULL : &token, &token, c->keys, c->values,
		                          &count, &opts);
		if (rc && rc != -ENOENT)
			return;
		first = false;
		t->rows += count;
		for (__u32 i = 0; i < count; i++)
			t->row(c, t, (char *)c->keys + i * t->key_size,
			       (char *)c->values + i * t->value_size);
	} while (!rc);
}

/* The fuller the table, the sooner a row that nobody uses leaves it. */
static const struct {
	unsigned int percent;
	uint64_t idle_ns;
} forgetting[] = {
        {90, 200000000},
        {75, 1000000000},
        {50, 5000000000},
};

static uint64_t table_idle_ns(const struct table *t)
{
	for (size_t i = 0; i < sizeof(forgetting) / sizeof(*forgetting); i++)
		if (t->rows * 100 > t->max * forgetting[i].percent)
			return forgetting[i].idle_ns;
	return 0;
}

static void maps_push(struct collector *c, uint64_t now)
{
	struct table t = {.fd = c->config.maps_fd,
	                  .max = c->config.maps_max,
	                  .now = now,
	                  .idle_ns = c->maps_idle_ns,
	                  .row = map_row,
	                  .key_size = sizeof(struct map_key),
	                  .value_size = sizeof(struct map_counts)};

	table_scan(c, &t);
	c->maps_idle_ns = table_idle_ns(&t);
}

static void goroutines_push(struct collector *c, uint64_t now)
{
	struct table t = {.fd = c->config.goroutines_fd,
	                  .max = c->config.goroutines_max,
	                  .now = now,
	                  .idle_ns = c->goroutines_idle_ns,
	                  .row = goroutine_row,
	                  .key_size = sizeof(struct goroutine_key),
	                  .value_size = sizeof(struct goroutine_counts)};

	table_scan(c, &t);
	c->goroutines_idle_ns = table_idle_ns(&t);
}

/* ---- totals -------------------------------------------------------------------------- */

enum coverage_group { COVERAGE_TOTAL, COVERAGE_FILTERED, COVERAGE_LOST, COVERAGE_UNTRACKED };

static const enum coverage_group coverage_groups[COVERAGE_COUNT] = {
#define X(id, name, group) [COVERAGE_##id] = COVERAGE_##group,
        COVERAGE_FIELDS(X)
#undef X
};

static uint64_t group_sum(const struct event_coverage *e, enum coverage_group group)
{
	uint64_t sum = 0;

	for (int i = 0; i < COVERAGE_COUNT; i++)
		if (coverage_groups[i] == group)
			sum += e->value[i];
	return sum;
}

uint64_t collector_stall_ns(struct collector *c)
{
	struct event_coverage e = {0};

	coverage_totals_add(c->coverage, e.value);
	return e.value[COVERAGE_STALL_NS];
}

static void governed_put(struct collector *c, uint64_t now, struct event_coverage *e)
{
	uint64_t disarmed = atomic_load(&c->disarmed_ns);
	struct governor_state state = {.armed_ns = (disarmed ? disarmed : now) - c->started_ns};

	if (c->config.governor)
		governor_state(c->config.governor, &state);
	e->armed_ns = state.armed_ns;
	e->waiting_ns = state.waiting_ns;
	e->contention = state.contention;
	e->planned = state.planned;
}

static void coverage_push(struct collector *c, uint64_t now, bool final)
{
	struct event_coverage e = {
	        .h = {.kind = EVENT_COVERAGE, .size = sizeof(e), .time_ns = now}};

	coverage_totals_add(c->coverage, e.value);
	e.value[COVERAGE_HITS] = group_sum(&e, COVERAGE_FILTERED) + e.value[COVERAGE_COUNTED];
	e.value[COVERAGE_EVENTS_MADE] += c->made_here;
	e.value[COVERAGE_EVENTS_DELIVERED] = c->delivered;
	e.value[COVERAGE_QUEUE_FULL] = c->queue_full;
	e.value[COVERAGE_STACK_FAILED] += c->chains_missing;
	if (!final) {
		/* Some events are still in the ring. Show what has arrived; the final report holds
		 * the exact sums. */
		e.value[COVERAGE_EVENTS_MADE] =
		        e.value[COVERAGE_EVENTS_DELIVERED] + group_sum(&e, COVERAGE_LOST);
	}
	e.watched_ns = now - c->started_ns;
	governed_put(c, now, &e);
	e.ns_per_hit = c->config.costs.ns[BODY_OPERATION];
	e.births_ns = c->config.births ? birth_probes_armed_ns(c->config.births) : 0;
	e.cold_ns = overhead_cold_said(&c->config.costs, e.value, &c->cold_ns);
	e.run_ns = overhead_run_ns(&c->config.costs, e.value) + e.cold_ns + e.waiting_ns;
	e.target_cpu_ns = collector_targets_cpu_ns(c);
	if (!event_queue_push(c->config.queue, &e.h))
		c->resend_next = true;
}

/* No row changes without one of the totals. A program may have counted and not yet written its row:
 * one more scan after the last that moved has it. */
static bool rows_moved(struct collector *c)
{
	__u64 totals[COVERAGE_COUNT] = {0};
	bool moved = coverage_totals_add(c->coverage, totals) < 0 ||
	             memcmp(totals, c->totals_seen, sizeof(totals)) != 0;
	bool settling = c->settling;

	memcpy(c->totals_seen, totals, sizeof(totals));
	c->settling = moved;
	return moved || settling;
}

/* Ten thousand rows of a process at rest are not read again and again, unless some must go. */
static bool scan_is_due(struct collector *c, bool final)
{
	bool moved = rows_moved(c);

	return moved || final || c->resend || c->maps_idle_ns || c->goroutines_idle_ns;
}

void collector_counts_push(struct collector *c, bool final)
{
	uint64_t now;

	/* From here on rows are not marked with a time before this. */
	*(volatile __u64 *)&c->config.tuning->clock_tick = 0;
	now = collector_now();
	c->resend = c->resend_next;
	c->resend_next = false;
	if (scan_is_due(c, final)) {
		maps_push(c, now);
		goroutines_push(c, now);
		c->last_scan_ns = now;
	}
	coverage_push(c, now, final);
}
