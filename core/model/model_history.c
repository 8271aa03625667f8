/* SPDX-License-Identifier: MIT */
/* History of maps and conflicts: see core/model/history.h. */
#include "core/model/model_internal.h"

#include <stdlib.h>

/* ---- maps ---------------------------------------------------------------------------- */

static bool timeline_ready(struct model *model, struct map_entry *entry)
{
	if (entry->timeline)
		return true;
	if (!entry->row.conflicts && !entry->row.order.unordered &&
	    model->timelines >= MODEL_TIMELINES)
		return false;
	entry->timeline = calloc(1, sizeof(*entry->timeline));
	entry->row.timeline = entry->timeline;
	model->timelines += entry->timeline != NULL;
	return entry->timeline != NULL;
}

void entry_timeline_tick(struct model *model, struct map_entry *entry, double conflicts,
                         double unordered)
{
	float rate[TIMELINE_COUNT] = {0};

	for (unsigned int op = 0; op < OP_COUNT; op++)
		rate[op_changes(op) ? TIMELINE_CHANGES : TIMELINE_READS] +=
		        (float)entry->row.rate[op];
	rate[TIMELINE_CONFLICTS] = (float)conflicts;
	rate[TIMELINE_UNORDERED] = (float)unordered;
	if (rate[TIMELINE_READS] + rate[TIMELINE_CHANGES] + rate[TIMELINE_CONFLICTS] +
	                    rate[TIMELINE_UNORDERED] >
	            0 &&
	    timeline_ready(model, entry))
		timeline_add(entry->timeline, model->tick, rate);
}

void entry_timeline_move(struct model *model, struct map_entry *into, struct map_entry *from)
{
	if (from->timeline && timeline_ready(model, into))
		timeline_merge(into->timeline, from->timeline);
	entry_timeline_clear(model, from);
}

void entry_timeline_clear(struct model *model, struct map_entry *entry)
{
	model->timelines -= entry->timeline != NULL;
	free(entry->timeline);
	entry->timeline = NULL;
	entry->row.timeline = NULL;
}

/* ---- conflicts ----------------------------------------------------------------------- */

void conflict_sighting_add(struct model *model, struct conflict_entry *conflict, int depth)
{
	conflict->row.depth = depth;
	if (!conflict->sightings) {
		conflict->sightings = calloc(1, sizeof(*conflict->sightings));
		conflict->row.sightings = conflict->sightings;
	}
	if (conflict->sightings)
		sightings_add(conflict->sightings, model->tick + 1, (uint32_t)depth);
}

void conflict_sightings_move(struct conflict_entry *into, struct conflict_entry *from)
{
	if (from->sightings && into->sightings) {
		sightings_merge(into->sightings, from->sightings);
	} else if (from->sightings) {
		into->sightings = from->sightings;
		from->sightings = NULL;
	}
	into->row.sightings = into->sightings;
	conflict_sightings_clear(from);
}

void conflict_sightings_clear(struct conflict_entry *conflict)
{
	free(conflict->sightings);
	conflict->sightings = NULL;
	conflict->row.sightings = NULL;
}
