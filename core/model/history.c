/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/model/history.h"

void history_clock_tick(struct history_clock *clock, uint32_t tick, uint64_t end_ns)
{
	clock->tick = tick;
	clock->end_ns[tick % HISTORY_TICKS] = end_ns;
}

static bool remembered(uint32_t tick, uint32_t latest)
{
	return tick && tick <= latest && latest - tick < HISTORY_TICKS;
}

uint64_t history_clock_end(const struct history_clock *clock, uint32_t tick)
{
	return remembered(tick, clock->tick) ? clock->end_ns[tick % HISTORY_TICKS] : 0;
}

/* ---- timeline ------------------------------------------------------------------------ */

/* Go on to an interval; those skipped were empty. */
static void timeline_advance(struct timeline *timeline, uint32_t tick)
{
	uint32_t from = timeline->last + 1;

	if (!timeline->first || tick - timeline->last >= HISTORY_TICKS)
		from = tick > HISTORY_TICKS ? tick - HISTORY_TICKS + 1 : 1;
	if (!timeline->first)
		timeline->first = tick;
	for (; from <= tick; from++)
		memset(timeline->rate[from % HISTORY_TICKS], 0, sizeof(timeline->rate[0]));
	timeline->last = tick;
}

void timeline_add(struct timeline *timeline, uint32_t tick, const float rate[TIMELINE_COUNT])
{
	if (tick > timeline->last)
		timeline_advance(timeline, tick);
	if (!remembered(tick, timeline->last))
		return;
	for (int what = 0; what < TIMELINE_COUNT; what++)
		timeline->rate[tick % HISTORY_TICKS][what] += rate[what];
}

void timeline_merge(struct timeline *into, const struct timeline *from)
{
	for (uint32_t tick = from->first; tick && tick <= from->last; tick++)
		if (remembered(tick, from->last))
			timeline_add(into, tick, from->rate[tick % HISTORY_TICKS]);
	if (from->first && (!into->first || from->first < into->first))
		into->first = from->first;
}

float timeline_at(const struct timeline *timeline, uint32_t tick, enum timeline_what what)
{
	if (tick < timeline->first || !remembered(tick, timeline->last))
		return 0;
	return timeline->rate[tick % HISTORY_TICKS][what];
}

/* ---- sightings ----------------------------------------------------------------------- */

const struct sighting_cell *sightings_cell(const struct sightings *sightings, uint32_t index)
{
	return &sightings->cells[(sightings->first + index) % SIGHTING_CELLS];
}

static void cell_put(struct sightings *sightings, const struct sighting_cell *cell)
{
	for (uint32_t i = sightings->count; i-- > 0;) {
		struct sighting_cell *known =
		        &sightings->cells[(sightings->first + i) % SIGHTING_CELLS];

		if (known->tick < cell->tick)
			break;
		if (known->tick == cell->tick && known->depth == cell->depth) {
			known->count += cell->count;
			return;
		}
	}
	if (sightings->count == SIGHTING_CELLS) {
		sightings->first = (sightings->first + 1) % SIGHTING_CELLS;
		sightings->count--;
	}
	sightings->cells[(sightings->first + sightings->count++) % SIGHTING_CELLS] = *cell;
}

void sightings_add(struct sightings *sightings, uint32_t tick, uint32_t depth)
{
	cell_put(sightings, &(struct sighting_cell){tick, 1, depth});
}

/* Both are in order of time: so is what comes out. */
void sightings_merge(struct sightings *into, const struct sightings *from)
{
	struct sightings old = *into;
	uint32_t a = 0, b = 0;

	into->first = into->count = 0;
	while (a < old.count || b < from->count) {
		const struct sighting_cell *x = sightings_cell(&old, a);
		const struct sighting_cell *y = sightings_cell(from, b);
		bool left = b == from->count || (a < old.count && x->tick <= y->tick);

		cell_put(into, left ? x : y);
		*(left ? &a : &b) += 1;
	}
}

uint64_t sightings_count(const struct sightings *sightings, const struct history_range *range)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < sightings->count; i++) {
		const struct sighting_cell *cell = sightings_cell(sightings, i);

		if (cell->tick >= range->tick_low && cell->tick <= range->tick_high &&
		    cell->depth >= range->depth_low && cell->depth <= range->depth_high)
			count += cell->count;
	}
	return count;
}
