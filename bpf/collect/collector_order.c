/* SPDX-License-Identifier: MIT */
/*
 * What orders accesses to maps, and what does not: order events from their ring to the judge
 * (core/judge/order_judge.h), findings from there to the queue.
 *
 * A window is void from the moment on in which one of its events was lost or came too late, or a
 * probe was let go. So a finding waits until the governor has seen all probes in place after it
 * was made (tuning.order_whole): if nothing was lost until then, nothing was when it was made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"
#include "core/judge/order_judge.h"
#include "core/process/descriptor_end.h"
#include "core/process/go_process.h"
#include "core/process/process_memory.h"

#define DETAILS      8192 /* accesses with their chains that are kept; 1.4 MB */
#define FINDINGS_MAX 2048 /* told at once; further ones count as unknown */
#define TARGETS_MAX  16   /* processes whose layout is remembered */

/* An event of an older window comes within that time, in units of the windows' numbers (see
 * order_window() of order.bpf.h), which begin again after 73 minutes. */
#define OLD_EVENTS (60000000000ULL >> 10)

/* The governor gives a sign ten times a second. Half a second after the last one its keeper takes
 * the probes out, one after another. */
#define SILENT_NS 400000000ULL

#define FINISH_NS      150000000ULL /* wait for the governor's next look at the end, */
#define FINISH_LOOK_NS 1000000L     /* and look for it in steps */

/* See runtime2.go. */
#define G_STATUS_SYSCALL 3
#define G_STATUS_WAITING 4
#define G_STATUS_DEAD    6

struct finding_list {
	struct order_finding rows[FINDINGS_MAX];
	size_t count;
};

struct order_target {
	uint32_t tgid;
	uint32_t row;
	bool placed; /* bias is known */
	uint64_t bias;
};

struct collector_order {
	struct ring_buffer *ring;
	struct order_judge *judge;
	struct descriptor_ends *ends;
	struct access_brief details[DETAILS];
	uint64_t detail;   /* number of the last one */
	uint64_t event_ns; /* of the event that the judge is told */
	uint32_t window;   /* of the events that the judge has seen; 0: none */
	uint32_t void_window;
	uint64_t read; /* events read from the ring so far, */
	uint64_t lost; /* and those that found no room in it, as last seen */
	struct finding_list fresh, held;
	uint64_t held_ns; /* when those were read from the ring, at the latest */
	uint64_t wanted[ORDER_CHAINS_WANTED];
	size_t wanted_next;
	uint64_t places[ORDER_PLACES];
	size_t places_next;
	struct order_target targets[TARGETS_MAX]; /* by tgid modulo */
};

/* ---- what is wanted of the programs ---------------------------------------------------- */

static const struct access_brief *detail_of(const struct collector_order *o,
                                            const struct order_side *side)
{
	if (!side->detail || o->detail - side->detail >= DETAILS)
		return NULL;
	return &o->details[side->detail % DETAILS];
}

/* From now on each access to the map comes with its chain. */
static void chains_want(struct collector *c, uint64_t map)
{
	struct collector_order *o = c->order;

	for (size_t i = 0; i < ORDER_CHAINS_WANTED; i++)
		if (o->wanted[i] == map)
			return;
	o->wanted[o->wanted_next] = map;
	detector_tuning_order_chain_set(c->config.tuning, o->wanted_next, map);
	o->wanted_next = (o->wanted_next + 1) % ORDER_CHAINS_WANTED;
}

/* From now on accesses from there are held first. */
static void place_note(struct collector *c, uint64_t place)
{
	struct collector_order *o = c->order;

	for (size_t i = 0; i < ORDER_PLACES; i++)
		if (o->places[i] == place)
			return;
	o->places[o->places_next] = place;
	detector_tuning_order_place_set(c->config.tuning, o->places_next, place);
	o->places_next = (o->places_next + 1) % ORDER_PLACES;
}

/* False: the call chain of one of the two is not known. */
static bool finding_event(const struct collector *c, const struct order_finding *f,
                          struct event_unordered_brief *e)
{
	const struct access_brief *first = detail_of(c->order, &f->first);
	const struct access_brief *second = detail_of(c->order, &f->second);

	if (!first || !second)
		return false;
	*e = (struct event_unordered_brief){
	        .h = {.kind = EVENT_UNORDERED,
	              .size = sizeof(*e),
	              .time_ns = f->second.time_ns,
	              .tgid = f->map.tgid},
	        .map_gen = f->map.gen,
	        .first = *first,
	        .second = *second,
	};
	return true;
}

/* ---- what the judge asks --------------------------------------------------------------------- */

static void on_found(void *ctx, const struct order_finding *finding)
{
	struct collector *c = ctx;
	struct finding_list *fresh = &c->order->fresh;

	if (fresh->count < FINDINGS_MAX)
		fresh->rows[fresh->count++] = *finding;
	else
		order_judge_decide(c->order->judge, finding, false);
}

static bool on_goes_out(void *ctx, uint32_t tgid, uint64_t descriptor)
{
	const struct collector_order *o = ((struct collector *)ctx)->order;

	return descriptor_ends_went_out(o->ends, (pid_t)tgid, descriptor, o->event_ns);
}

/* ---- what nothing tells ---------------------------------------------------------------------- */

/* File address; 0: where the program lies is not known. */
static uint64_t file_address(struct order_target *t, const struct go_binary *binary, uint64_t pc)
{
	if (!t->placed && !go_process_load_bias((pid_t)t->tgid, binary, &t->bias))
		t->placed = true;
	return t->placed ? pc - t->bias : 0;
}

/* The runtime guards the maps of its own by locks of its own. */
static bool is_of_runtime(struct go_binary *binary, uint64_t addr)
{
	struct go_function f;

	if (!addr || go_binary_function_at(binary, addr - 1, &f))
		return true;
	return !strncmp(f.name, "runtime.", strlen("runtime.")) ||
	       !strcmp(f.name, "reflect.addReflectOff") ||
	       !strcmp(f.name, "reflect.resolveReflectName");
}

/* What such a goroutine does comes after the last use of an object, which the collector of garbage
 * alone knows of. */
static bool is_finalizer(struct go_binary *binary, uint64_t startpc)
{
	static const char *const names[] = {"runtime.runfinq", "runtime.runFinalizers",
	                                    "runtime.runCleanups", "runtime.(*cleanupQueue)."};
	struct go_function f;

	if (!startpc || go_binary_function_at(binary, startpc, &f))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(f.name, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool side_is_left_out(struct collector *c, uint32_t tgid, const struct access_brief *side)
{
	struct order_target *t = &c->order->targets[tgid % TARGETS_MAX];
	struct executable *e = t->tgid == tgid ? executables_of_row(c->executables, t->row) : NULL;
	struct go_binary *binary = e ? executable_binary(e) : NULL;
	struct access a;

	if (!binary)
		return true;
	memcpy(&a, side->head, sizeof(side->head));
	return is_of_runtime(binary, file_address(t, binary, a.caller)) ||
	       is_finalizer(binary, file_address(t, binary, a.startpc));
}

static uint64_t now_of(const uint64_t *number)
{
	return __atomic_load_n(number, __ATOMIC_ACQUIRE);
}

/* Without the call chains of both sides it is of no use: they will come with the next ones. Where
 * an event was lost, it was before the one that proves the pair: it is not to be counted either. */
static bool on_left_out(void *ctx, const struct order_finding *f)
{
	struct collector *c = ctx;
	struct event_unordered_brief e;
	struct event_whole whole;

	if (now_of(c->config.order_lost) != c->order->lost)
		return true;
	if (!finding_event(c, f, &e) || chain_store_find(c->names, &e.h, &whole)) {
		chains_want(c, f->map.addr);
		return true;
	}
	if (side_is_left_out(c, f->map.tgid, &e.first) ||
	    side_is_left_out(c, f->map.tgid, &e.second))
		return true;
	place_note(c, f->first.place);
	place_note(c, f->second.place);
	return false;
}

/* ---- who is parked --------------------------------------------------------------------------- */

static bool on_outside(void *ctx, uint32_t tgid, uint64_t g)
{
	struct collector *c = ctx;
	struct order_target *t = &c->order->targets[tgid % TARGETS_MAX];
	struct executable *e = t->tgid == tgid ? executables_of_row(c->executables, t->row) : NULL;
	struct go_binary *binary = e ? executable_binary(e) : NULL;
	uint64_t startpc;

	if (!binary ||
	    process_memory_read((pid_t)tgid, g + (uint64_t)go_binary_layout(binary)->g_startpc,
	                        &startpc, sizeof(startpc)))
		return true;
	return is_finalizer(binary, file_address(t, binary, startpc));
}

static int status_offset(const struct collector *c, uint32_t tgid)
{
	const struct order_target *t = &c->order->targets[tgid % TARGETS_MAX];
	struct executable *e = t->tgid == tgid ? executables_of_row(c->executables, t->row) : NULL;

	return e ? go_binary_layout(executable_what(e)->binary)->g_atomicstatus : -1;
}

/* One whose stack is being scanned (a bit beside the status) may have been stopped anywhere for
 * that, and counts as waiting meanwhile: see suspendG() of preempt.go. */
static bool is_parked(void *ctx, uint32_t tgid, uint64_t g)
{
	int offset = status_offset(ctx, tgid);
	uint32_t status;

	if (offset < 0 ||
	    process_memory_read((pid_t)tgid, g + (uint64_t)offset, &status, sizeof(status)))
		return false;
	return status == G_STATUS_SYSCALL || status == G_STATUS_WAITING || status == G_STATUS_DEAD;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void list_drop(struct collector_order *o, struct finding_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		order_judge_decide(o->judge, &list->rows[i], false);
	list->count = 0;
}

static void window_void(struct collector_order *o)
{
	o->void_window = o->window;
	order_judge_reset(o->judge);
	list_drop(o, &o->fresh);
	list_drop(o, &o->held);
	/* It may have been an execve(2): the program may lie elsewhere now. */
	memset(o->targets, 0, sizeof(o->targets));
}

/* Does the event belong to the window that is looked at? The first one of a newer window begins it;
 * one of an older window was under way when its probes went out: where its place among the others
 * is, it says nothing, and what it was is missing from this window. */
static bool window_has(struct collector_order *o, const struct order_event *e)
{
	if (!e->window)
		return false; /* the trial's */
	if (e->window != o->window) {
		if (o->window && o->window - e->window < OLD_EVENTS) {
			window_void(o);
			return false;
		}
		order_judge_reset(o->judge);
		o->window = e->window;
	}
	return o->window != o->void_window;
}

static void target_note(struct collector_order *o, const struct order_event *e)
{
	struct order_target *t = &o->targets[e->tgid % TARGETS_MAX];

	if (t->tgid != e->tgid || t->row != e->row)
		*t = (struct order_target){.tgid = e->tgid, .row = e->row};
}

static int on_order_event(void *ctx, void *data, size_t size)
{
	struct collector_order *o = ((struct collector *)ctx)->order;
	const struct order_event *e = data;
	uint64_t detail = 0;

	o->read++;
	if (size < sizeof(*e) || !window_has(o, e))
		return 0;
	if (e->flagged && size >= sizeof(struct order_access_event)) {
		detail = ++o->detail;
		o->details[detail % DETAILS] = ((const struct order_access_event *)data)->access;
	}
	target_note(o, e);
	o->event_ns = e->time_ns;
	order_judge_feed(o->judge, e, detail);
	return 0;
}

static bool is_whole(struct collector_order *o, const struct collector *c)
{
	uint64_t lost = now_of(c->config.order_lost);
	bool whole = lost == o->lost;

	o->lost = lost;
	return whole;
}

/* ---- findings -------------------------------------------------------------------------------- */

static void finding_tell(struct collector *c, const struct order_finding *f)
{
	struct event_unordered_brief e;
	struct event_whole whole;

	order_judge_decide(c->order->judge, f, true);
	c->made_here++;
	/* A long time may have passed since it was judged. */
	if (!finding_event(c, f, &e) || chain_store_find(c->names, &e.h, &whole))
		c->chains_missing++;
	else
		collector_deliver(c, &e.h);
}

static void findings_tell(struct collector *c, uint64_t whole_ns)
{
	struct collector_order *o = c->order;

	if (o->held.count && whole_ns < o->held_ns)
		return;
	for (size_t i = 0; i < o->held.count; i++)
		finding_tell(c, &o->held.rows[i]);
	o->held = o->fresh;
	o->held_ns = clock_now();
	o->fresh.count = 0;
}

/* What makes a window void is written before the time until which the next one is whole. */
static void findings_look(struct collector *c)
{
	uint64_t whole_ns = now_of((const uint64_t *)&c->config.tuning->order_whole);

	if (!is_whole(c->order, c))
		window_void(c->order);
	findings_tell(c, whole_ns);
}

static bool is_governed(const struct collector *c)
{
	uint64_t beat = now_of((const uint64_t *)&c->config.tuning->beat_ns), now = clock_now();

	return now < beat || now - beat < SILENT_NS;
}

/* Who is parked is asked before the ring is read, see order_judge_look(). Only while the window is
 * open: what a goroutine does after it is not told. And only if all events were read that had begun
 * when it was asked: one that is still being written keeps back those behind it. */
int collector_order_step(struct collector *c)
{
	struct collector_order *o = c->order;
	const uint64_t *word = (const uint64_t *)&c->config.tuning->order_since;
	uint64_t since = now_of(word), begun;
	int count;

	if (since)
		order_judge_look(o->judge, is_parked, c);
	begun = now_of(c->config.order_begun);
	count = ring_buffer__consume(o->ring);
	if (since && since == now_of(word) && o->read + now_of(c->config.order_lost) >= begun)
		order_judge_settle(o->judge);
	if (since && !is_governed(c))
		window_void(o);
	findings_look(c);
	return count;
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void map_tell(void *ctx, const struct order_map_id *map, const struct order_counts *counts,
                     const struct order_guard *guard)
{
	struct collector *c = ctx;
	struct event_order e = {
	        .h = {.kind = EVENT_ORDER, .size = sizeof(e), .tgid = map->tgid},
	        .key = {.addr = map->addr, .tgid = map->tgid},
	        .map_gen = map->gen,
	        .pairs = counts->pairs,
	        .under_lock = counts->under_lock,
	        .ordered = counts->ordered,
	        .unknown = counts->unknown,
	        .unordered = counts->unordered,
	        .guard_accesses = guard->accesses,
	        .guard_bare = guard->bare,
	        .guard_lock = guard->lock,
	        .guard_place = guard->place,
	        .guard_bare_place = guard->bare_place,
	        .guard_kinds = guard->kinds,
	};

	for (size_t i = 0; i < ORDER_WAY_COUNT; i++)
		e.how[i] = counts->how[i];
	event_queue_push(c->config.queue, &e.h);
}

void collector_order_tell(struct collector *c)
{
	order_judge_changed(c->order->judge, map_tell, c);
}

/* What was found waits for a look of the governor, which comes every 50 ms at least while a window
 * is open. */
void collector_order_finish(struct collector *c)
{
	struct collector_order *o = c->order;
	uint64_t begin = clock_now();

	ring_buffer__consume(o->ring);
	findings_look(c);
	while ((o->held.count || o->fresh.count) && clock_now() - begin < FINISH_NS) {
		nanosleep(&(struct timespec){.tv_nsec = FINISH_LOOK_NS}, NULL);
		findings_look(c);
	}
	list_drop(o, &o->held);
	list_drop(o, &o->fresh);
	collector_order_tell(c);
}

void collector_order_forget(struct collector *c, uint32_t tgid)
{
	struct order_target *t = &c->order->targets[tgid % TARGETS_MAX];

	collector_order_finish(c); /* nothing more will come from it */
	order_judge_forget(c->order->judge, tgid);
	if (t->tgid == tgid) /* another process of this number may lie elsewhere */
		*t = (struct order_target){0};
}

/* ---- life ------------------------------------------------------------------------------------ */

int collector_order_open(struct collector *c)
{
	const struct order_judge_config config = {.found = on_found,
	                                          .goes_out = on_goes_out,
	                                          .ctx = c,
	                                          .is_left_out = on_left_out,
	                                          .is_outside = on_outside};
	struct collector_order *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	c->order = o;
	o->ring = ring_buffer__new(c->config.order_fd, on_order_event, c, NULL);
	if (!o->ring)
		return -errno;
	o->ends = descriptor_ends_create();
	return o->ends ? order_judge_create(&config, &o->judge) : -ENOMEM;
}

void collector_order_close(struct collector *c)
{
	if (!c->order)
		return;
	ring_buffer__free(c->order->ring);
	order_judge_destroy(c->order->judge);
	descriptor_ends_destroy(c->order->ends);
	free(c->order);
	c->order = NULL;
}
