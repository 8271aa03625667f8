/* SPDX-License-Identifier: MIT */
/* What happens in one interval of the made-up process, phase by phase. */
#include <stdio.h>
#include <string.h>

#include "tests/synthetic/synthetic_internal.h"
#include "tests/synthetic/synthetic_names.h"

#define MAP_BYTES   0x40ull
#define SHORT_START 0xc800000000ull
#define CODE_MAP    0x40b0c4ull /* the probed instruction, in every made-up map function */
#define NS_PER_HIT  700u
/* A shared map is used by so many goroutines. */
#define USERS_OF_A_MAP 6u
/* Different pairs of lines that come into conflict on one map. */
#define PAIRS_OF_A_MAP 4u

static unsigned int dice_below(struct synthetic *s, unsigned int below)
{
	return (unsigned int)(synthetic_dice(s) % below);
}

/* ---- one access ---------------------------------------------------------------------- */

/* One goroutine at one of the lines that use the map: variant decides line and depth. */
static void access_make(struct synthetic *s, struct access *access, unsigned int map,
                        unsigned int goroutine, unsigned int variant, enum map_op op)
{
	const struct synthetic_goroutine *g = &s->goroutines[goroutine % s->config.goroutines];
	unsigned int depth = 4 + (map + 3 * variant) % (s->config.depth - 3);

	memset(access, 0, sizeof(*access));
	access->map = s->maps[map].key.addr;
	access->map_type = s->maps[map].counts.type;
	access->g = g->key.g;
	access->goid = g->counts.goid;
	access->parent_goid = g->counts.parent_goid;
	access->gopc = g->counts.gopc;
	access->startpc = synthetic_pc(SYNTHETIC_ROOT, variant, 0); /* as its chain says */
	access->tgid = s->maps[map].key.tgid;
	access->tid = access->tgid + 1 + goroutine % 8;
	access->site = (__u16)synthetic_site(op);
	access->op = (__u8)op;
	access->depth = (__u16)(depth + 1);
	access->stack[0] = CODE_MAP;
	access->caller = synthetic_pc(SYNTHETIC_USER, map + variant, 20 + map / 8 + 10 * variant);
	access->stack[1] = access->caller;
	for (unsigned int i = 2; i < depth; i++)
		access->stack[i] = synthetic_pc(SYNTHETIC_MIDDLE, variant + i, 40 + i);
	access->stack[depth] = synthetic_pc(SYNTHETIC_ROOT, variant, 60);
}

static size_t access_size(const struct access *access)
{
	return offsetof(struct access, stack) + access->depth * sizeof(access->stack[0]);
}

static void event_begin(struct synthetic *s, enum event_kind kind, size_t size, uint32_t tgid)
{
	s->event.header = (struct event_header){
	        .kind = kind, .size = (__u32)size, .time_ns = s->now_ns + s->index, .tgid = tgid};
}

/* ---- phases of an interval: fill the event of s->index; false: the phase is over --------------
 */

static bool processes_next(struct synthetic *s)
{
	if (s->step > 0 || s->index >= s->config.processes)
		return false;
	event_begin(s, EVENT_PROCESS, sizeof(s->event.process), SYNTHETIC_FIRST_PID + s->index);
	s->event.process.state = PROCESS_RUNNING;
	s->event.process.binary = 0;
	return true;
}

/* Of a map in conflict: which operations meet, by pair of lines. */
static const enum map_op pair_ops[PAIRS_OF_A_MAP][2] = {
        {OP_READ, OP_WRITE}, {OP_WRITE, OP_WRITE}, {OP_ITERATE, OP_DELETE}, {OP_WRITE, OP_READ}};

static bool overlaps_next(struct synthetic *s)
{
	struct event_overlap *event = &s->event.overlap;
	unsigned int map, pair, a, b;

	if (s->index >= s->overlaps.left)
		return false;
	/* The smaller of two dice: the first maps and pairs come most often. */
	map = dice_below(s, 1 + dice_below(s, s->config.conflict_maps));
	pair = dice_below(s, 1 + dice_below(s, PAIRS_OF_A_MAP));
	a = dice_below(s, s->config.goroutines);
	b = a + 1 + dice_below(s, USERS_OF_A_MAP);
	access_make(s, &event->held, map, a, pair, pair_ops[pair][0]);
	access_make(s, &event->came, map, b, pair + 1, pair_ops[pair][1]);
	event_begin(s, EVENT_OVERLAP,
	            offsetof(struct event_overlap, came) + access_size(&event->came),
	            event->held.tgid);
	event->hold_ns = 20000 + dice_below(s, 980000);
	event->after_ns = dice_below(s, (unsigned int)event->hold_ns);
	event->map_gen = 0;
	event->pad = 0;
	event->held.time_ns = event->h.time_ns;
	event->came.time_ns = event->h.time_ns + event->after_ns;
	s->maps[map].counts.conflicts++;
	s->goroutines[a % s->config.goroutines].counts.conflicts++;
	s->goroutines[b % s->config.goroutines].counts.conflicts++;
	s->value[COVERAGE_EVENTS_MADE]++;
	return true;
}

/* The same maps' lines, at some time from each other. */
static bool unordered_next(struct synthetic *s)
{
	struct event_unordered *event = &s->event.unordered;
	unsigned int map, pair, a, b;

	if (s->index >= s->unordered.left)
		return false;
	map = s->config.conflict_maps + dice_below(s, 1 + dice_below(s, s->config.unordered_maps));
	pair = dice_below(s, 1 + dice_below(s, PAIRS_OF_A_MAP));
	a = dice_below(s, s->config.goroutines);
	b = a + 1 + dice_below(s, USERS_OF_A_MAP);
	access_make(s, &event->first, map, a, pair, pair_ops[pair][0]);
	access_make(s, &event->second, map, b, pair + 1, pair_ops[pair][1]);
	event_begin(s, EVENT_UNORDERED,
	            offsetof(struct event_unordered, second) + access_size(&event->second),
	            event->first.tgid);
	event->map_gen = 0;
	event->pad = 0;
	event->second.time_ns = event->h.time_ns;
	event->first.time_ns = event->h.time_ns - 1000 - dice_below(s, 5000000);
	s->maps[map].unordered++;
	s->value[COVERAGE_EVENTS_MADE]++;
	return true;
}

static bool stalls_next(struct synthetic *s)
{
	struct event_stall *event = &s->event.stall;
	unsigned int map, variant;
	enum map_op op;

	if (s->index >= s->stalls.left)
		return false;
	map = dice_below(s, 1 + dice_below(s, s->config.maps));
	variant = dice_below(s, PAIRS_OF_A_MAP);
	op = s->maps[map].counts.flags & MAP_CHANGED && variant == 1 ? OP_WRITE : OP_READ;
	access_make(s, &event->access, map, dice_below(s, s->config.goroutines), variant, op);
	event_begin(s, EVENT_STALL,
	            offsetof(struct event_stall, access) + access_size(&event->access),
	            event->access.tgid);
	event->hold_ns = 20000 + dice_below(s, 980000);
	event->map_gen = 0;
	event->arrivals = 0;
	event->access.time_ns = event->h.time_ns;
	s->maps[map].counts.holds++;
	s->maps[map].counts.hold_ns[op_changes(op)] += event->hold_ns;
	s->value[COVERAGE_STALLS]++;
	s->value[COVERAGE_STALL_NS] += event->hold_ns;
	s->value[COVERAGE_EVENTS_MADE]++;
	return true;
}

/* How often the other side of a map comes, by its life. */
static void control_update(struct synthetic_map *map, uint64_t interval_ns)
{
	static const unsigned int arrivals_per_second[] = {
	        [LIFE_CONFLICT] = 400, [LIFE_UNORDERED] = 1, [LIFE_GUARDED] = 5000,
	        [LIFE_SUSPECT] = 1,    [LIFE_SHARED] = 0,    [LIFE_LOCAL] = 0,
	};

	for (int c = 0; c < 2; c++) {
		map->counts.control_ns[c] += interval_ns / 100;
		map->counts.control_arrivals[c] = map->counts.control_ns[c] *
		                                  arrivals_per_second[map->life] /
		                                  SYNTHETIC_SECOND_NS;
	}
}

static void map_operate(struct synthetic *s, unsigned int i)
{
	static const unsigned char mix[OP_COUNT] = {70, 24, 4, 0, 2}; /* percent */
	struct synthetic_map *map = &s->maps[i];
	double harmonic = 0.6;
	uint64_t total;

	for (unsigned int n = 1; n <= s->config.maps; n *= 2)
		harmonic += 0.693; /* the sum of 1/rank, near enough */
	total = (uint64_t)(s->config.operations_per_second * (double)s->config.interval_ns /
	                   (double)SYNTHETIC_SECOND_NS / harmonic / (i + 1));
	for (int op = 0; op < OP_COUNT; op++) {
		uint64_t more = (total * mix[op] + dice_below(s, 100)) / 100;

		if (map->life == LIFE_SHARED && op_changes((unsigned int)op))
			more = 0;
		map->counts.ops[op] += more;
		s->value[COVERAGE_COUNTED] += more;
	}
	map->counts.last_ns = s->now_ns + s->config.interval_ns - 1;
	control_update(map, s->config.interval_ns);
	for (unsigned int n = 0; n < (map->counts.flags & MAP_SHARED ? USERS_OF_A_MAP : 1); n++) {
		unsigned int bit = (17 * i + 41 * n) % GOROUTINE_BITS;

		map->counts.goroutines[bit / 64] |= 1ull << (bit % 64);
	}
}

static bool maps_next(struct synthetic *s)
{
	struct event_map *event = &s->event.map;

	if (s->index >= s->config.maps)
		return false;
	map_operate(s, s->index);
	event_begin(s, EVENT_MAP, sizeof(*event), s->maps[s->index].key.tgid);
	event->key = s->maps[s->index].key;
	event->counts = s->maps[s->index].counts;
	event->end = event->pad = 0;
	return true;
}

/* How the accesses to each map are ordered: guarded ones by a lock, but for one access to every
 * second of them; of suspects it cannot be told. */
static bool orders_next(struct synthetic *s)
{
	struct event_order *event = &s->event.order;
	const struct synthetic_map *map;
	uint64_t seen;

	if (!s->config.unordered_maps || s->index >= s->config.maps)
		return false;
	map = &s->maps[s->index];
	seen = 300 * (s->step + 1) / (s->index + 1);
	memset(event, 0, sizeof(*event));
	event_begin(s, EVENT_ORDER, sizeof(*event), map->key.tgid);
	event->key = map->key;
	event->unordered = map->unordered;
	if (map->life == LIFE_SUSPECT)
		event->unknown = seen / 3;
	if (map->life == LIFE_GUARDED) {
		event->under_lock = seen;
		event->ordered = seen / 20;
		event->guard_accesses = 2 * seen;
		event->guard_bare = s->index % 8 ? 0 : 1;
		event->guard_lock = map->key.addr - 8;
		event->guard_place = synthetic_pc(SYNTHETIC_USER, s->index, 88);
		event->guard_bare_place = s->index % 8 ? 0 : map->counts.first_caller;
	}
	event->pairs = event->under_lock + event->ordered + event->unknown + event->unordered;
	return true;
}

/* Maps that live for one request: each is used by two goroutines and gone. */
static bool short_maps_next(struct synthetic *s)
{
	struct event_map *event = &s->event.map;

	if (s->index >= s->short_maps.left)
		return false;
	event_begin(s, EVENT_MAP, sizeof(*event), SYNTHETIC_FIRST_PID);
	event->key = (struct map_key){.addr = SHORT_START + s->short_made++ % 4096 * MAP_BYTES,
	                              .tgid = SYNTHETIC_FIRST_PID};
	event->counts = (struct map_counts){
	        .ops = {[OP_READ] = 3, [OP_WRITE] = 2},
	        .type = synthetic_type_addr(5),
	        .first_caller = synthetic_pc(SYNTHETIC_USER, 6, 500),
	        .first_ns = s->now_ns + s->index,
	        .last_ns = s->now_ns + s->index + 1000,
	        .goroutines = {1ull << s->index % 64, 1},
	        .gen = (__u32)(s->short_made / 4096),
	        .flags = MAP_SHARED | MAP_CHANGED,
	};
	event->end = ROW_GONE;
	event->pad = 0;
	s->value[COVERAGE_COUNTED] += 5;
	return true;
}

static bool goroutines_next(struct synthetic *s)
{
	struct event_goroutine *event = &s->event.goroutine;
	struct synthetic_goroutine *goroutine;
	uint64_t share;

	if (s->index >= s->config.goroutines)
		return false;
	goroutine = &s->goroutines[s->index];
	share = (uint64_t)(s->config.operations_per_second * (double)s->config.interval_ns /
	                   (double)SYNTHETIC_SECOND_NS / (s->index + 4));
	goroutine->counts.ops[OP_READ] += share * 3 / 4;
	goroutine->counts.ops[OP_WRITE] += share / 4;
	goroutine->counts.maps |= 1ull << dice_below(s, MAP_BITS);
	goroutine->counts.last_ns = s->now_ns + s->config.interval_ns - 1;
	goroutine->counts.last_map = s->maps[s->index % s->config.maps].key.addr;
	goroutine->counts.last_caller = synthetic_pc(SYNTHETIC_USER, s->index, 20);
	event_begin(s, EVENT_GOROUTINE, sizeof(*event), goroutine->key.tgid);
	event->key = goroutine->key;
	event->counts = goroutine->counts;
	event->end = event->pad = 0;
	return true;
}

static bool crash_next(struct synthetic *s)
{
	struct event_crash *event = &s->event.crash;

	if (s->index > 0 || s->step + 1 != s->config.crash_at_step)
		return false;
	memset(event, 0, sizeof(*event));
	access_make(s, &event->access, 0, 0, 1, OP_WRITE);
	event_begin(s, EVENT_CRASH, sizeof(*event), event->access.tgid);
	snprintf(event->message, sizeof(event->message), "concurrent map writes");
	event->last_map = event->access.map;
	event->access.time_ns = event->h.time_ns;
	s->value[COVERAGE_EVENTS_MADE]++;
	return true;
}

static bool coverage_next(struct synthetic *s)
{
	struct event_coverage *event = &s->event.coverage;
	uint64_t *value = s->value;

	if (s->index > 0)
		return false;
	value[COVERAGE_RING_FULL] += s->losses.left;
	value[COVERAGE_EVENTS_MADE] += s->losses.left;
	value[COVERAGE_STACK_GROWTH] += 3;
	value[COVERAGE_EVENTS_DELIVERED] = value[COVERAGE_EVENTS_MADE] - value[COVERAGE_RING_FULL] -
	                                   value[COVERAGE_QUEUE_FULL];
	value[COVERAGE_HITS] = value[COVERAGE_COUNTED] + value[COVERAGE_STACK_GROWTH];
	memset(event, 0, sizeof(*event));
	event_begin(s, EVENT_COVERAGE, sizeof(*event), 0);
	for (int i = 0; i < COVERAGE_COUNT; i++)
		event->value[i] = value[i];
	event->watched_ns = (s->step + 1) * s->config.interval_ns;
	event->armed_ns = event->watched_ns;
	event->run_ns = value[COVERAGE_HITS] * NS_PER_HIT + value[COVERAGE_STALL_NS];
	event->target_cpu_ns = 2 * event->watched_ns + event->run_ns;
	event->ns_per_hit = NS_PER_HIT;
	return true;
}

static bool tick_next(struct synthetic *s)
{
	if (s->index > 0)
		return false;
	event_begin(s, EVENT_TICK, sizeof(s->event.header), 0);
	s->event.header.time_ns = s->now_ns + s->config.interval_ns;
	return true;
}

synthetic_phase *const synthetic_phases[] = {
        processes_next,  overlaps_next,   unordered_next, stalls_next,   maps_next, orders_next,
        short_maps_next, goroutines_next, crash_next,     coverage_next, tick_next, NULL,
};
