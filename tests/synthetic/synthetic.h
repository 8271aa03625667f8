/* SPDX-License-Identifier: MIT */
/*
 * synthetic: a made-up process under watch: a source of events for tests of the screen and for
 * benchmarks.
 *
 * It speaks the same wire events as the kernel side, through a real event_queue, with symbols of
 * its own. Nothing depends on the time of day or on chance: the clock is a counter that moves by
 * one interval a step, the dice are seeded. The sums are those of a true source: hits = filtered +
 * counted, counted = all operations of all maps, made = delivered + lost.
 *
 * The maps take turns: the first conflict_maps have conflicts, the next unordered_maps unordered
 * pairs, the others are guarded, suspect, shared and local by turns. Rows are busy by rank: the
 * first map has most operations.
 */
#ifndef GOMAPTOP_TESTS_SYNTHETIC_H
#define GOMAPTOP_TESTS_SYNTHETIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event/event_queue.h"
#include "core/model/model.h"

/* A zero takes the default in brackets, except where it says "none". */
struct synthetic_config {
	uint64_t seed;           /* [1] */
	uint64_t start_ns;       /* clock before the first interval [1000 s] */
	uint64_t interval_ns;    /* [1 s] */
	unsigned int processes;  /* maps and goroutines are dealt out among them [1], at most 16 */
	unsigned int maps;       /* [12] */
	unsigned int goroutines; /* [24] */
	unsigned int depth;      /* deepest call chain, 4 to 64 [12] */
	unsigned int conflict_maps;   /* none: no map has conflicts */
	unsigned int unordered_maps;  /* none: nothing is told of how accesses are ordered */
	double operations_per_second; /* of all maps [100000] */
	double conflicts_per_second;  /* of all maps; none */
	double unordered_per_second;  /* unordered pairs on all maps; none */
	double stalls_per_second;     /* sampled call chains; none */
	double short_maps_per_second; /* maps that live for less than an interval; none */
	double lost_per_second;       /* events lost in a full ring; none */
	unsigned int
	        crash_at_step; /* in this step, 1 is the first, a process dies of map 1; never */
	bool large_values;     /* long names, lines and ids of many digits, shares above 1000 % */
	bool hostile_names;    /* names with escape sequences and bytes that are no UTF-8 */
	bool lossy;            /* a full queue loses events (and counts them) instead of pausing */
};

struct synthetic;

/* The queue is borrowed; this is its producer. 0, -EINVAL or -ENOMEM. */
int synthetic_create(const struct synthetic_config *config, struct event_queue *queue,
                     struct synthetic **out);
void synthetic_destroy(struct synthetic *synthetic); /* accepts NULL */

/* How a model learns names; valid as long as the synthetic. Any thread (constant data). */
struct model_symbols synthetic_symbols(struct synthetic *synthetic);
/* Tell a model about the made-up processes. 0 or -ENOMEM. */
int synthetic_targets_add(const struct synthetic *synthetic, struct model *model);

/* Producer. Push the events of the current interval, its EVENT_TICK last, then move the clock on.
 * True: the queue is full, nothing was lost; drain it and call again to go on. */
bool synthetic_step(struct synthetic *synthetic);

/* One whole interval in one thread: step and feed the model until the tick has passed. Returns the
 * number of events, or -errno of model_apply(). */
int64_t synthetic_run(struct synthetic *synthetic, struct event_queue *queue, struct model *model);

#endif
