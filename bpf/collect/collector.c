/* SPDX-License-Identifier: MIT */
#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SCAN_NS 1000000000ULL
/* a ring of 4 MiB holds 1,700 overlaps: 340,000 a second before one is lost */
#define DRAIN_MS       5
#define CONSUME_NS     1000000ULL
#define DRAIN_QUIET_MS 40 /* while nothing comes: 40,000 a second to begin with */

/* What a report stands on. Rows of tables, and accesses that were held and met nobody, are many. */
static bool event_is_essential(const struct event_header *event)
{
	return event->kind == EVENT_OVERLAP || event->kind == EVENT_CRASH ||
	       event->kind == EVENT_PROCESS || event->kind == EVENT_UNORDERED;
}

bool collector_push(struct collector *c, const struct event_header *event)
{
	if (!(event_is_essential(event) ? event_queue_push_essential
	                                : event_queue_push)(c->config.queue, event)) {
		c->queue_full++;
		return false;
	}
	c->delivered++;
	return true;
}

static void event_make(struct collector *c, const struct event_whole *whole,
                       struct event_header *room)
{
	chain_store_write(whole, room);
	chain_finish_event(c->chains, room);
}

/* Made whole in the queue's own memory; what must arrive, and finds no room there, on its way to
 * where such events wait. */
void collector_deliver(struct collector *c, const struct event_header *event)
{
	struct event_whole whole;
	struct event_header *room;

	if (chain_store_find(c->names, event, &whole)) {
		c->chains_missing++;
		return;
	}
	room = event_queue_reserve(c->config.queue, whole.size);
	if (room) {
		event_make(c, &whole, room);
		event_queue_publish(c->config.queue);
		c->delivered++;
	} else if (event_is_essential(event)) {
		event_make(c, &whole, &c->beside.h);
		collector_push(c, &c->beside.h);
	} else {
		c->queue_full++;
	}
	if (event->kind != EVENT_STALL && event->kind != EVENT_MAP)
		c->news = true;
}

static int on_ring_event(void *ctx, void *data, size_t size)
{
	struct collector *c = ctx;
	const struct event_header *event = data;

	if (size < sizeof(*event) || event->size > size)
		return 0;
	if (event->kind == EVENT_STACK) {
		c->delivered++;
		chain_finish_stack(c->chains, data);
		return 0;
	}
	if (event->kind == EVENT_CHAIN) {
		chain_store_put(c->names, data);
		return 0;
	}
	if (event->size > EVENT_SIZE_MAX)
		return 0;
	if (event->kind == EVENT_PROCESS) {
		targets_started(c->config.targets, (pid_t)event->tgid);
		chain_finish_process(
		        c->chains, event->tgid,
		        executables_of_row(c->executables,
		                           ((const struct event_process *)event)->binary));
	}
	if (event->kind == EVENT_CRASH)
		targets_crashed(c->config.targets, (pid_t)event->tgid);
	collector_deliver(c, event);
	return 0;
}

static void tell_consumer(struct collector *c)
{
	uint64_t one = 1;

	/* A full eventfd counter (EAGAIN) has told already. */
	if (c->news && write(c->config.event_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return;
	c->news = false;
}

static void tick(struct collector *c, bool final)
{
	struct event_header h = {.kind = EVENT_TICK, .size = sizeof(h)};

	collector_counts_push(c, final);
	collector_order_tell(c);
	h.time_ns = clock_now();
	event_queue_push_essential(c->config.queue, &h);
	c->news = true;
}

/* The model gets a tick an interval; the tables are looked after more often where that is long. */
static void counts_when_due(struct collector *c)
{
	uint64_t now = clock_now();

	if (now >= c->next_tick_ns) {
		tick(c, false);
		c->next_tick_ns += c->config.interval_ns;
		if (c->next_tick_ns < now)
			c->next_tick_ns = now + c->config.interval_ns;
	} else if (now >= c->next_scan_ns) {
		collector_counts_push(c, false);
	} else {
		return;
	}
	c->next_scan_ns = now + SCAN_NS;
}

static void *collector_run(void *arg)
{
	struct collector *c = arg;
	int drain_ms = DRAIN_MS;

	while (!atomic_load_explicit(&c->stopping, memory_order_acquire)) {
		collector_ends_wait(c, drain_ms);
		collector_found_tell(c);
		drain_ms = ring_buffer__consume(c->ring) ? DRAIN_MS : drain_ms * 2;
		if (collector_order_step(c))
			drain_ms = DRAIN_MS;
		if (drain_ms > DRAIN_QUIET_MS)
			drain_ms = DRAIN_QUIET_MS;
		collector_tune(c);
		targets_look(c->config.targets);
		collector_layouts_look(c);
		counts_when_due(c);
		tell_consumer(c);
	}
	ring_buffer__consume(c->ring);
	collector_order_finish(c);
	tick(c, true);
	tell_consumer(c);
	atomic_store_explicit(&c->ended, true, memory_order_release);
	return NULL;
}

static void collector_free(struct collector *c)
{
	ring_buffer__free(c->ring);
	collector_order_close(c);
	collector_layouts_close(c);
	collector_counts_close(c);
	chain_finish_destroy(c->chains);
	chain_store_destroy(c->names);
	executables_destroy(c->executables);
	pthread_mutex_destroy(&c->found_lock);
	free(c);
}

int collector_executable_add(struct collector *c, const struct collector_executable *what)
{
	struct executable *e;
	int rc = executables_add(c->executables, what, &e);

	return rc ? rc : collector_layout_add(c, e);
}

void collector_executable_remove(struct collector *c, size_t row)
{
	executables_remove(c->executables, row);
}

static int executables_open(struct collector *c)
{
	int rc = executables_create(&c->executables);

	if (!rc)
		rc = collector_layouts_open(c);
	for (size_t i = 0; i < c->config.executable_count && !rc; i++)
		rc = collector_executable_add(c, &c->config.executables[i]);
	return rc;
}

int collector_start(const struct collector_config *config, struct collector **out,
                    struct error *err)
{
	struct collector *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return error_no_memory(err);
	c->config = *config;
	pthread_mutex_init(&c->found_lock, NULL);
	c->started_ns = clock_now();
	c->next_tick_ns = c->started_ns + config->interval_ns;
	c->next_scan_ns = c->started_ns + SCAN_NS;
	c->ring = ring_buffer__new(config->events_fd, on_ring_event, c, NULL);
	if (!c->ring) {
		rc = error_set(err, errno, "cannot map the event ring: %s; %s", strerror(errno),
		               error_remedy(errno, "retry with --verbose"));
		goto cleanup;
	}
	rc = chain_finish_create(config->targets_fd, config->stack_depth, config->verbose,
	                         &c->chains);
	if (!rc)
		rc = chain_store_create(config->chains_fd, &c->names);
	if (!rc)
		rc = collector_counts_open(c);
	if (!rc)
		rc = collector_order_open(c);
	if (!rc)
		rc = executables_open(c);
	collector_targets_tell(c);
	collector_tuning_open(c);
	if (!rc)
		rc = -pthread_create(&c->thread, NULL, collector_run, c);
	if (rc) {
		error_set(err, -rc, "cannot start the collector: %s; %s", strerror(-rc),
		          error_remedy(-rc, "try again; --verbose shows what was tried"));
		goto cleanup;
	}
	*out = c;
	return 0;
cleanup:
	collector_free(c);
	return rc;
}

void collector_stop_consumed(struct collector *c, void (*consume)(void *ctx), void *ctx)
{
	if (!c)
		return;
	collector_disarm(c);
	c->consumed = consume;
	atomic_store_explicit(&c->stopping, true, memory_order_release);
	while (consume && !atomic_load_explicit(&c->ended, memory_order_acquire)) {
		consume(ctx);
		nanosleep(&(struct timespec){.tv_nsec = CONSUME_NS}, NULL);
	}
	pthread_join(c->thread, NULL);
	collector_free(c);
}

void collector_stop(struct collector *c)
{
	collector_stop_consumed(c, NULL, NULL);
}

void collector_disarm(struct collector *c)
{
	unsigned long long none = 0;

	atomic_compare_exchange_strong(&c->disarmed_ns, &none, clock_now());
}
