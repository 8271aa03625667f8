/* SPDX-License-Identifier: MIT */
#include "core/synthetic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/synthetic_names.h"

#define SECOND_NS     1000000000ull
#define PROCESSES_MAX 16
#define DEPTH_MAX     64
#define FIRST_PID     4242u
#define MAPS_START    0xc000100000ull
#define MAP_BYTES     0x40ull
#define SHORT_START   0xc800000000ull
#define G_START       0xc000800000ull
#define G_BYTES       0x200ull
#define CODE_MAP      0x40b0c4ull /* the probed instruction, in every made-up map function */
#define NS_PER_HIT    700u
/* A shared map is used by so many goroutines. */
#define USERS_OF_A_MAP 6u
/* Different pairs of lines that come into conflict on one map. */
#define PAIRS_OF_A_MAP 4u

/* What kind of life a map leads. */
enum map_life { LIFE_CONFLICT, LIFE_GUARDED, LIFE_SUSPECT, LIFE_SHARED, LIFE_LOCAL };

struct synthetic_map {
	struct map_key key;
	struct map_counts counts;
	enum map_life life;
};

struct synthetic_goroutine {
	struct goroutine_key key;
	struct goroutine_counts counts;
};

/* Things that happen so often a second: what is owed to the current interval. */
struct quota {
	double per_second, owed;
	unsigned int left; /* in this interval */
};

struct synthetic {
	struct synthetic_config config;
	struct event_queue *queue;
	uint64_t dice;
	uint64_t now_ns; /* start of the current interval */
	unsigned int step;
	int phase;          /* index into phases[] */
	unsigned int index; /* within the phase */
	bool pending;       /* the event in the buffer waits for room */
	struct synthetic_map *maps;
	struct synthetic_goroutine *goroutines;
	struct quota overlaps, stalls, short_maps, losses;
	uint64_t short_made;
	uint64_t value[COVERAGE_COUNT];
	union {
		struct event_header header;
		struct event_stall stall;
		struct event_overlap overlap;
		struct event_crash crash;
		struct event_process process;
		struct event_map map;
		struct event_goroutine goroutine;
		struct event_coverage coverage;
	} event;
};

static uint64_t dice_roll(struct synthetic *s)
{
	uint64_t x = s->dice += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static unsigned int dice_below(struct synthetic *s, unsigned int below)
{
	return (unsigned int)(dice_roll(s) % below);
}

static void quota_open(struct quota *quota, double seconds)
{
	quota->owed += quota->per_second * seconds;
	quota->left = (unsigned int)quota->owed;
	quota->owed -= quota->left;
}

/* ---- the cast --------------------------------------------------------------------------------*/

static uint32_t process_of(const struct synthetic *s, unsigned int number)
{
	return FIRST_PID + number % s->config.processes;
}

static void map_init(struct synthetic *s, unsigned int i)
{
	struct synthetic_map *map = &s->maps[i];
	unsigned int life = LIFE_GUARDED + i % 4;

	map->key = (struct map_key){.addr = MAPS_START + i * MAP_BYTES, .tgid = process_of(s, i)};
	map->life = i < s->config.conflict_maps ? LIFE_CONFLICT : (enum map_life)life;
	map->counts.type = synthetic_type_addr(i + i / 8000);
	map->counts.seed = dice_roll(s);
	map->counts.first_ns = s->now_ns + i;
	/* Line and type of its own for every map: no families but those of short-lived maps. */
	map->counts.first_caller = synthetic_pc(SYNTHETIC_USER, i, 20 + i / 8);
	map->counts.flags = map->life == LIFE_LOCAL ? 0 : MAP_SHARED;
	if (map->life != LIFE_SHARED)
		map->counts.flags |= MAP_CHANGED;
}

static void goroutine_init(struct synthetic *s, unsigned int i)
{
	struct synthetic_goroutine *goroutine = &s->goroutines[i];

	goroutine->key.g = G_START + i * G_BYTES;
	goroutine->key.tgid = process_of(s, i);
	goroutine->counts.goid = 18 + i;
	goroutine->counts.parent_goid = 1;
	goroutine->counts.gopc = synthetic_pc(SYNTHETIC_ROOT, 2, 30 + i % 7);
	goroutine->counts.first_ns = s->now_ns;
}

static void config_defaults(struct synthetic_config *config)
{
#define DEFAULT(field, value)                    \
	do {                                     \
		if (!config->field)              \
			config->field = (value); \
	} while (0)
	DEFAULT(seed, 1);
	DEFAULT(start_ns, 1000 * SECOND_NS);
	DEFAULT(interval_ns, SECOND_NS);
	DEFAULT(processes, 1);
	DEFAULT(maps, 12);
	DEFAULT(goroutines, 24);
	DEFAULT(depth, 12);
	DEFAULT(operations_per_second, 100000);
#undef DEFAULT
}

int synthetic_create(const struct synthetic_config *config, struct event_queue *queue,
                     struct synthetic **out)
{
	struct synthetic *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->config = *config;
	config_defaults(&s->config);
	if (s->config.processes > PROCESSES_MAX || s->config.depth < 4 ||
	    s->config.depth > DEPTH_MAX || s->config.conflict_maps > s->config.maps) {
		free(s);
		return -EINVAL;
	}
	s->queue = queue;
	s->dice = s->config.seed;
	s->now_ns = s->config.start_ns;
	s->maps = calloc(s->config.maps, sizeof(*s->maps));
	s->goroutines = calloc(s->config.goroutines, sizeof(*s->goroutines));
	if (!s->maps || !s->goroutines) {
		synthetic_destroy(s);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < s->config.maps; i++)
		map_init(s, i);
	for (unsigned int i = 0; i < s->config.goroutines; i++)
		goroutine_init(s, i);
	s->overlaps.per_second = s->config.conflict_maps ? s->config.conflicts_per_second : 0;
	s->stalls.per_second = s->config.stalls_per_second;
	s->short_maps.per_second = s->config.short_maps_per_second;
	s->losses.per_second = s->config.lost_per_second;
	*out = s;
	return 0;
}

void synthetic_destroy(struct synthetic *synthetic)
{
	if (!synthetic)
		return;
	free(synthetic->maps);
	free(synthetic->goroutines);
	free(synthetic);
}

struct model_symbols synthetic_symbols(struct synthetic *synthetic)
{
	return (struct model_symbols){
	        .call_chain = synthetic_call_chain,
	        .frames = synthetic_frames,
	        .site_function = synthetic_site_function,
	        .type_name = synthetic_type_name,
	        .ctx = &synthetic->config.hostile_names,
	};
}

int synthetic_targets_add(const struct synthetic *synthetic, struct model *model)
{
	for (unsigned int i = 0; i < synthetic->config.processes; i++) {
		struct target_row target = {
		        .tgid = FIRST_PID + i,
		        .exe = "/usr/local/bin/ledgerd",
		        .build_id = "5f3c2a1bd08e4f6a9c7e",
		        .go_version = "go1.24.4",
		        .map_runtime = "swiss",
		        .layout_verified = true,
		        .started_ns = 1700000000 * SECOND_NS,
		        .state = PROCESS_RUNNING,
		};
		int error = model_target_add(model, &target);

		if (error)
			return error;
	}
	return 0;
}

/* ---- one access ------------------------------------------------------------------------------*/

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
	event_begin(s, EVENT_PROCESS, sizeof(s->event.process), FIRST_PID + s->index);
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
	        [LIFE_CONFLICT] = 400, [LIFE_GUARDED] = 5000, [LIFE_SUSPECT] = 1,
	        [LIFE_SHARED] = 0,     [LIFE_LOCAL] = 0,
	};

	for (int c = 0; c < 2; c++) {
		map->counts.control_ns[c] += interval_ns / 100;
		map->counts.control_arrivals[c] =
		        map->counts.control_ns[c] * arrivals_per_second[map->life] / SECOND_NS;
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
	                   (double)SECOND_NS / harmonic / (i + 1));
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
	event->ended = event->pad = 0;
	return true;
}

/* Maps that live for one request: each is used by two goroutines and gone. */
static bool short_maps_next(struct synthetic *s)
{
	struct event_map *event = &s->event.map;

	if (s->index >= s->short_maps.left)
		return false;
	event_begin(s, EVENT_MAP, sizeof(*event), FIRST_PID);
	event->key = (struct map_key){.addr = SHORT_START + s->short_made++ % 4096 * MAP_BYTES,
	                              .tgid = FIRST_PID};
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
	event->ended = 1;
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
	                   (double)SECOND_NS / (s->index + 4));
	goroutine->counts.ops[OP_READ] += share * 3 / 4;
	goroutine->counts.ops[OP_WRITE] += share / 4;
	goroutine->counts.maps |= 1ull << dice_below(s, MAP_BITS);
	goroutine->counts.last_ns = s->now_ns + s->config.interval_ns - 1;
	goroutine->counts.last_map = s->maps[s->index % s->config.maps].key.addr;
	goroutine->counts.last_caller = synthetic_pc(SYNTHETIC_USER, s->index, 20);
	event_begin(s, EVENT_GOROUTINE, sizeof(*event), goroutine->key.tgid);
	event->key = goroutine->key;
	event->counts = goroutine->counts;
	event->ended = event->pad = 0;
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

static bool (*const phases[])(struct synthetic *) = {
        processes_next,  overlaps_next, stalls_next,   maps_next, short_maps_next,
        goroutines_next, crash_next,    coverage_next, tick_next,
};

#define PHASES (int)(sizeof(phases) / sizeof(phases[0]))

/* ---- stepping --------------------------------------------------------------------------------*/

static void interval_open(struct synthetic *s)
{
	double seconds = (double)s->config.interval_ns / (double)SECOND_NS;

	quota_open(&s->overlaps, seconds);
	quota_open(&s->stalls, seconds);
	quota_open(&s->short_maps, seconds);
	quota_open(&s->losses, seconds);
}

/* News that the kernel side would have put into its ring, as opposed to counts. */
static bool event_is_news(const struct event_header *event)
{
	return event->kind == EVENT_OVERLAP || event->kind == EVENT_STALL ||
	       event->kind == EVENT_CRASH;
}

bool synthetic_step(struct synthetic *synthetic)
{
	struct synthetic *s = synthetic;

	if (s->phase == 0 && s->index == 0 && !s->pending)
		interval_open(s);
	while (s->phase < PHASES) {
		if (!s->pending && !phases[s->phase](s)) {
			s->phase++;
			s->index = 0;
			continue;
		}
		s->pending = !event_queue_push(s->queue, &s->event.header);
		if (s->pending && !(s->config.lossy && event_is_news(&s->event.header)))
			return true;
		s->value[COVERAGE_QUEUE_FULL] += s->pending;
		s->pending = false;
		s->index++;
	}
	s->phase = 0;
	s->step++;
	s->now_ns += s->config.interval_ns;
	return false;
}

int64_t synthetic_run(struct synthetic *synthetic, struct event_queue *queue, struct model *model)
{
	const struct event_header *event;
	int64_t count = 0;
	bool more;

	do {
		more = synthetic_step(synthetic);
		while ((event = event_queue_peek(queue))) {
			int error = model_apply(model, event);

			event_queue_pop(queue);
			if (error)
				return error;
			count++;
		}
	} while (more);
	return count;
}
