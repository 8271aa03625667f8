/* SPDX-License-Identifier: MIT */
/*
 * synthetic_internal: the made-up process, its cast and its books; only
 * tests/synthetic/synthetic*.c include it.
 */
#ifndef GOMAPTOP_TESTS_SYNTHETIC_INTERNAL_H
#define GOMAPTOP_TESTS_SYNTHETIC_INTERNAL_H

#include "tests/synthetic/synthetic.h"

#define SYNTHETIC_SECOND_NS 1000000000ull
#define SYNTHETIC_FIRST_PID 4242u

/* What kind of life a map leads. */
enum map_life {
	LIFE_CONFLICT,
	LIFE_UNORDERED,
	LIFE_GUARDED,
	LIFE_SUSPECT,
	LIFE_SHARED,
	LIFE_LOCAL
};

struct synthetic_map {
	struct map_key key;
	struct map_counts counts;
	uint64_t unordered; /* pairs */
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
	int phase;          /* index into synthetic_phases[] */
	unsigned int index; /* within the phase */
	bool pending;       /* the event in the buffer waits for room */
	struct synthetic_map *maps;
	struct synthetic_goroutine *goroutines;
	struct quota overlaps, unordered, stalls, short_maps, losses;
	uint64_t short_made;
	uint64_t value[COVERAGE_COUNT];
	union {
		struct event_header header;
		struct event_stall stall;
		struct event_overlap overlap;
		struct event_unordered unordered;
		struct event_order order;
		struct event_crash crash;
		struct event_process process;
		struct event_map map;
		struct event_goroutine goroutine;
		struct event_coverage coverage;
	} event;
};

uint64_t synthetic_dice(struct synthetic *s);

/* One phase of an interval: fill s->event with its s->index-th event; false: the phase is over. */
typedef bool synthetic_phase(struct synthetic *s);

/* In the order in which they are played; NULL ends them. */
extern synthetic_phase *const synthetic_phases[];

#endif
