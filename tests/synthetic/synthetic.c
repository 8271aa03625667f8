/* SPDX-License-Identifier: MIT */
#include "tests/synthetic/synthetic.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/synthetic/synthetic_internal.h"
#include "tests/synthetic/synthetic_names.h"

#define PROCESSES_MAX 16
#define DEPTH_MAX     64
#define MAPS_START    0xc000100000ull
#define MAP_BYTES     0x40ull
#define G_START       0xc000800000ull
#define G_BYTES       0x200ull
#define LARGE_GOID    12345678901ull

uint64_t synthetic_dice(struct synthetic *s)
{
	uint64_t x = s->dice += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void quota_open(struct quota *quota, double seconds)
{
	quota->owed += quota->per_second * seconds;
	quota->left = (unsigned int)quota->owed;
	quota->owed -= quota->left;
}

/* ---- the cast ------------------------------------------------------------------------ */

static uint32_t process_of(const struct synthetic *s, unsigned int number)
{
	return SYNTHETIC_FIRST_PID + number % s->config.processes;
}

static void map_init(struct synthetic *s, unsigned int i)
{
	struct synthetic_map *map = &s->maps[i];
	unsigned int life = LIFE_GUARDED + i % 4;

	map->key = (struct map_key){.addr = MAPS_START + i * MAP_BYTES, .tgid = process_of(s, i)};
	map->life = i < s->config.conflict_maps ? LIFE_CONFLICT : (enum map_life)life;
	if (map->life != LIFE_CONFLICT && i < s->config.conflict_maps + s->config.unordered_maps)
		map->life = LIFE_UNORDERED;
	map->counts.type = synthetic_type_addr(i + i / 8000);
	map->counts.seed = synthetic_dice(s);
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
	goroutine->counts.goid = (s->config.large_values ? LARGE_GOID : 18) + i;
	goroutine->counts.parent_goid = s->config.large_values ? LARGE_GOID - 1 : 1;
	goroutine->counts.gopc = synthetic_pc(SYNTHETIC_ROOT, 2, 30 + i % 7);
	goroutine->counts.startpc = synthetic_pc(SYNTHETIC_ROOT, i, 0);
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
	DEFAULT(start_ns, 1000 * SYNTHETIC_SECOND_NS);
	DEFAULT(interval_ns, SYNTHETIC_SECOND_NS);
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
	    s->config.depth > DEPTH_MAX ||
	    s->config.conflict_maps + s->config.unordered_maps > s->config.maps) {
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
	s->unordered.per_second = s->config.unordered_maps ? s->config.unordered_per_second : 0;
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
	        .first_function = synthetic_first_function,
	        .ctx = &synthetic->config,
	};
}

int synthetic_targets_add(const struct synthetic *synthetic, struct model *model)
{
	for (unsigned int i = 0; i < synthetic->config.processes; i++) {
		struct target_row target = {
		        .tgid = SYNTHETIC_FIRST_PID + i,
		        .exe = "/usr/local/bin/ledgerd",
		        .build_id = "5f3c2a1bd08e4f6a9c7e",
		        .go_version = "go1.24.4",
		        .map_runtime = "swiss",
		        .layout = GO_LAYOUT_VERIFIED,
		        .started_ns = 1700000000 * SYNTHETIC_SECOND_NS,
		        .state = PROCESS_RUNNING,
		};
		int error = model_target_add(model, &target);

		if (error)
			return error;
	}
	return 0;
}

/* ---- stepping ------------------------------------------------------------------------ */

static void interval_open(struct synthetic *s)
{
	double seconds = (double)s->config.interval_ns / (double)SYNTHETIC_SECOND_NS;

	quota_open(&s->overlaps, seconds);
	quota_open(&s->unordered, seconds);
	quota_open(&s->stalls, seconds);
	quota_open(&s->short_maps, seconds);
	quota_open(&s->losses, seconds);
}

/* News that the kernel side would have put into its ring, as opposed to counts. */
static bool event_is_news(const struct event_header *event)
{
	return event->kind == EVENT_OVERLAP || event->kind == EVENT_UNORDERED ||
	       event->kind == EVENT_STALL || event->kind == EVENT_CRASH;
}

bool synthetic_step(struct synthetic *synthetic)
{
	struct synthetic *s = synthetic;

	if (s->phase == 0 && s->index == 0 && !s->pending)
		interval_open(s);
	while (synthetic_phases[s->phase]) {
		if (!s->pending && !synthetic_phases[s->phase](s)) {
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
