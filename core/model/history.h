/* SPDX-License-Identifier: MIT */
/*
 * history: what happened in the last intervals: how much was read, changed and in conflict, and how
 * deep in the call chains.
 *
 * Intervals are numbered 1, 2, ...; the last HISTORY_TICKS of them are remembered. All maps and
 * conflicts share one clock, so that times stand only there. Plain data, any thread that owns it.
 */
#ifndef GOMAPTOP_CORE_HISTORY_H
#define GOMAPTOP_CORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_TICKS  240
#define SIGHTING_CELLS 512

/* When the intervals ended. */
struct history_clock {
	uint32_t tick;                  /* number of the latest complete interval; 0: none */
	uint64_t end_ns[HISTORY_TICKS]; /* [number % HISTORY_TICKS], CLOCK_MONOTONIC */
};

void history_clock_tick(struct history_clock *clock, uint32_t tick, uint64_t end_ns);
/* End of an interval, of the running one too (0: nobody knows yet), 0 for one that is forgotten. */
uint64_t history_clock_end(const struct history_clock *clock, uint32_t tick);

/* ---- how much: a map ----------------------------------------------------------------- */

enum timeline_what {
	TIMELINE_READS,
	TIMELINE_CHANGES,
	TIMELINE_CONFLICTS,
	TIMELINE_UNORDERED,
	TIMELINE_COUNT
};

struct timeline {
	uint32_t first, last; /* numbers of the first and the latest interval in it; 0: empty */
	float rate[HISTORY_TICKS][TIMELINE_COUNT]; /* per second */
};

/* Rates of one interval; numbers go up from call to call, those left out were without anything. */
void timeline_add(struct timeline *timeline, uint32_t tick, const float rate[TIMELINE_COUNT]);
/* Add what another one has. */
void timeline_merge(struct timeline *into, const struct timeline *from);
/* 0 for an interval that it does not know. */
float timeline_at(const struct timeline *timeline, uint32_t tick, enum timeline_what what);

/* ---- how deep: a conflict ------------------------------------------------------------ */

struct sighting_cell {
	uint32_t tick;
	uint32_t count;
	uint32_t depth; /* frames of the deeper call chain */
};

/* The latest SIGHTING_CELLS cells, in a ring, oldest first from first. */
struct sightings {
	uint32_t first, count;
	struct sighting_cell cells[SIGHTING_CELLS];
};

/* What part of history is meant; both ends belong to it. */
struct history_range {
	uint32_t tick_low, tick_high;
	uint32_t depth_low, depth_high;
};

void sightings_add(struct sightings *sightings, uint32_t tick, uint32_t depth);
/* Add what another one has; where there is no room for both the oldest cells go. */
void sightings_merge(struct sightings *into, const struct sightings *from);
/* By age, 0 is the oldest. */
const struct sighting_cell *sightings_cell(const struct sightings *sightings, uint32_t index);
uint64_t sightings_count(const struct sightings *sightings, const struct history_range *range);

#endif
