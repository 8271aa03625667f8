/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"
#include "core/event/coverage_names.h"

#define BATCH         2048
#define SCAN_SLACK_NS 50000000ULL /* rows written while the last scan passed over them */
#define FINAL_WAIT_NS 1000000     /* for the consumer, when the last scan finds the queue full, */
#define FINAL_WAITS   5000        /* and so many times in all */

int collector_counts_open(struct collector *c)
{
	size_t value = sizeof(struct map_state) > sizeof(struct goroutine_counts)
	                       ? sizeof(struct map_state)
	                       : sizeof(struct goroutine_counts);

	c->keys = calloc(BATCH, sizeof(struct map_key));
	c->values = calloc(BATCH, value);
	return c->keys && c->values ? 0 : -ENOMEM;
}

void collector_counts_close(struct collector *c)
{
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

static bool row_is_idle(const struct table *t, uint64_t last_ns)
{
	return t->idle_ns && last_ns + t->idle_ns < t->now;
}

/* Room for the event of a row. Where there is none nothing is lost while scans go on: counts are
 * absolute, and the row stays in its table until it has been told. The last scan waits for the
 * consumer; what is left when that one stands still is lost. */
static void *row_room(struct collector *c, size_t size)
{
	void *room = event_queue_reserve(c->config.queue, size);

	while (!room && c->final_waits) {
		c->final_waits--;
		nanosleep(&(struct timespec){.tv_nsec = FINAL_WAIT_NS}, NULL);
		room = event_queue_reserve(c->config.queue, size);
	}
	if (!room && c->final) {
		c->made_here++;
		c->queue_full++;
	}
	c->resend_next |= !room;
	return room;
}

/* Take a row out of its table, with what it says at that moment: operations that came since it was
 * read are in it. Kernels before 5.14 (commit 3e87f192b405) only delete. */
static enum row_end row_take(const struct table *t, const void *key, void *value)
{
	int rc = bpf_map_lookup_and_delete_elem(t->fd, key, value);

	if (rc && rc != -ENOENT)
		rc = bpf_map_delete_elem(t->fd, key);
	return rc ? ROW_GOES_ON : ROW_RETIRED;
}

void collector_counts_ended(struct collector *c, uint32_t tgid)
{
	struct collector_ended *e = &c->gone[c->gone_count % ENDED_MAX];

	*e = (struct collector_ended){.tgid = tgid, .ns = clock_now()};
	c->gone_count++;
}

/* Was the row last used by a process that has ended? Its number may be another one's by now. */
static bool row_is_ended(const struct collector *c, uint32_t tgid, uint64_t last_ns)
{
	size_t count = c->gone_count < ENDED_MAX ? c->gone_count : ENDED_MAX;

	for (size_t i = 0; i < count; i++)
		if (c->gone[i].tgid == tgid && last_ns <= c->gone[i].ns)
			return true;
	return false;
}

/* A row that did not change since the last scan has been told. */
static bool row_is_news(const struct collector *c, uint64_t last_ns)
{
	return c->resend || last_ns + SCAN_SLACK_NS >= c->last_scan_ns;
}

static void map_row(struct collector *c, struct table *t, const void *key, const void *value)
{
	const struct map_key *at = key;
	const struct map_state *m = value;
	struct map_state taken;
	struct event_map *e;
	bool idle;

	if (!map_state_whole(m) || !m->counts.last_ns) {
		c->resend_next = true; /* between two maps: the next scan has it */
		return;
	}
	idle = row_is_idle(t, m->counts.last_ns) || row_is_ended(c, at->tgid, m->counts.last_ns);
	if (!idle && !row_is_news(c, m->counts.last_ns))
		return;
	e = row_room(c, sizeof(*e));
	if (!e)
		return;
	*e = (struct event_map){.h = {.kind = EVENT_MAP, .size = sizeof(*e), .time_ns = t->now}};
	memcpy(&e->key, key, sizeof(e->key));
	e->h.tgid = e->key.tgid;
	taken = *m;
	if (idle)
		e->end = row_take(t, key, &taken);
	/* Where it is not whole the program itself tells of the one that was here. */
	e->counts = map_state_whole(&taken) ? taken.counts : m->counts;
	event_queue_publish(c->config.queue);
}

static void goroutine_row(struct collector *c, struct table *t, const void *key, const void *value)
{
	const struct goroutine_key *at = key;
	const struct goroutine_counts *g = value;
	struct event_goroutine *e;
	bool idle;

	if (!g->first_ns || !g->last_ns) {
		c->resend_next = true; /* between two goroutines: the next scan has it */
		return;
	}
	idle = row_is_idle(t, g->last_ns) || row_is_ended(c, at->tgid, g->last_ns);
	if (!idle && !row_is_news(c, g->last_ns))
		return;
	e = row_room(c, sizeof(*e));
	if (!e)
		return;
	*e = (struct event_goroutine){
	        .h = {.kind = EVENT_GOROUTINE, .size = sizeof(*e), .time_ns = t->now},
	        .counts = *g};
	memcpy(&e->key, key, sizeof(e->key));
	e->h.tgid = e->key.tgid;
	if (idle)
		e->end = row_take(t, key, &e->counts);
	if (!e->counts.first_ns || !e->counts.last_ns)
		e->counts = *g;
	event_queue_publish(c->config.queue);
}

/* Read a table in batches (kernel 5.6). A scan may miss a row that is being inserted; the next one
 * has it. 0 or -errno: it was not read to its end. */
static int table_read(struct collector *c, struct table *t)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u64 token = 0;
	bool first = true;
	int rc;

	t->rows = 0;
	do {
		__u32 count = BATCH;

		rc = bpf_map_lookup_batch(t->fd, first ? NULL : &token, &token, c->keys, c->values,
		                          &count, &opts);
		if (rc && rc != -ENOENT)
			return rc;
		first = false;
		t->rows += count;
		for (__u32 i = 0; i < count; i++)
			t->row(c, t, (char *)c->keys + i * t->key_size,
			       (char *)c->values + i * t->value_size);
	} while (!rc);
	return 0;
}

/* A table that cannot be read is not an empty one: a second try, then it counts as lost. */
static void table_scan(struct collector *c, struct table *t)
{
	int rc = table_read(c, t);

	if (rc)
		rc = table_read(c, t);
	c->tables_unread += rc != 0;
	c->resend_next = true;
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
	                  .value_size = sizeof(struct map_state)};

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

static uint64_t group_sum(const struct event_coverage *e, enum coverage_group group)
{
	uint64_t sum = 0;

	for (int i = 0; i < COVERAGE_COUNT; i++)
		if (coverage_names[i].group == group)
			sum += e->value[i];
	return sum;
}

/* The programs' totals into c->cost, after a second try where the first failed. False: those of
 * before are still there. */
static bool totals_read(struct collector *c)
{
	int rc = cost_account_read(c->config.account, &c->cost);

	if (rc)
		rc = cost_account_read(c->config.account, &c->cost);
	return !rc;
}

uint64_t collector_stall_ns(struct collector *c)
{
	totals_read(c);
	return c->cost.held_ns;
}

static void governed_put(struct collector *c, uint64_t now, struct event_coverage *e)
{
	uint64_t disarmed = atomic_load(&c->disarmed_ns);
	struct governor_state state = {.armed_ns = (disarmed ? disarmed : now) - c->started_ns};

	state.sampled_ns = state.armed_ns;

	if (c->config.governor)
		governor_state(c->config.governor, &state);
	e->armed_ns = state.armed_ns;
	e->sampled_ns = state.sampled_ns;
	if (c->config.unlimited) /* from the start to the end, but for what was let go */
		e->armed_ns = (disarmed ? disarmed : now) - c->started_ns - state.out_ns;
	e->births_ns = state.births_ns;
	e->let_go = state.drops;
	e->trouble = state.trouble;
	e->planned = state.planned;
}

static void coverage_push(struct collector *c, uint64_t now)
{
	struct event_coverage e = {
	        .h = {.kind = EVENT_COVERAGE, .size = sizeof(e), .time_ns = now}};
	bool read = totals_read(c);

	c->tables_unread += !read;
	memcpy(e.value, c->cost.value, sizeof(e.value));
	e.value[COVERAGE_HITS] = group_sum(&e, COVERAGE_GROUP_FILTERED) + e.value[COVERAGE_COUNTED];
	e.value[COVERAGE_EVENTS_MADE] += c->made_here + c->tables_unread;
	e.value[COVERAGE_EVENTS_DELIVERED] = c->delivered;
	e.value[COVERAGE_QUEUE_FULL] = c->queue_full;
	e.value[COVERAGE_STACK_FAILED] += c->chains_missing;
	e.value[COVERAGE_TABLE_UNREAD] = c->tables_unread;
	if (!c->final || !read) {
		/* Some events are still in the ring. Show what has arrived; the final report holds
		 * the exact sums. */
		e.value[COVERAGE_EVENTS_MADE] =
		        e.value[COVERAGE_EVENTS_DELIVERED] + group_sum(&e, COVERAGE_GROUP_LOST);
	}
	e.watched_ns = now - c->started_ns;
	governed_put(c, now, &e);
	e.ns_per_hit = c->config.costs.ns[BODY_OPERATION];
	e.cold_ns = c->cost.cold_ns;
	e.waiting_ns = c->cost.waiting_ns;
	e.contention = c->cost.contention;
	e.run_ns = cost_all_ns(&c->cost);
	e.target_cpu_ns = targets_cpu_now_ns(c->config.targets);
	event_queue_push_essential(c->config.queue, &e.h);
}

/* No row changes without one of the totals. A program may have counted and not yet written its row:
 * one more scan after the last that moved has it. */
static bool rows_moved(struct collector *c)
{
	bool moved = !totals_read(c) ||
	             memcmp(c->cost.value, c->totals_seen, sizeof(c->totals_seen)) != 0;
	bool settling = c->settling;

	memcpy(c->totals_seen, c->cost.value, sizeof(c->totals_seen));
	c->settling = moved;
	return moved || settling;
}

/* Ten thousand rows of a process at rest are not read again and again, unless some must go. */
static bool scan_is_due(struct collector *c)
{
	bool moved = rows_moved(c);

	return moved || c->final || c->resend || c->gone_count || c->maps_idle_ns ||
	       c->goroutines_idle_ns;
}

void collector_counts_push(struct collector *c, bool final)
{
	uint64_t now;

	/* From here on rows are not marked with a time before this. */
	detector_tuning_clock_restart(c->config.tuning);
	now = clock_now();
	c->final = final;
	c->final_waits = final && c->consumed ? FINAL_WAITS : 0;
	c->resend = c->resend_next;
	c->resend_next = false;
	if (scan_is_due(c)) {
		detector_tuning_scanned_set(c->config.tuning, UINT64_MAX);
		maps_push(c, now);
		detector_tuning_scanned_set(c->config.tuning, clock_now());
		goroutines_push(c, now);
		c->last_scan_ns = now;
		if (!c->resend_next) /* each row was read */
			c->gone_count = 0;
	}
	coverage_push(c, now);
}
