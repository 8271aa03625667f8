/* SPDX-License-Identifier: MIT */
/* Heat: how deep in the call chain the conflicts of a map are. */
#include "core/model/model_internal.h"

#include <stdlib.h>

/* What a map without conflicts shows. */
static const struct heat heat_none;

void heat_init(struct map_entry *entry)
{
	entry->row.heat_depth = entry->heat ? entry->heat->depth : heat_none.depth;
	entry->row.heat_rate = entry->heat ? entry->heat->rate : heat_none.rate;
}

static bool heat_ready(struct map_entry *entry)
{
	if (!entry->heat) {
		entry->heat = calloc(1, sizeof(*entry->heat));
		heat_init(entry);
	}
	return entry->heat != NULL;
}

void heat_add(struct map_entry *entry, int depth)
{
	if (depth <= 0 || !heat_ready(entry))
		return;
	if (depth > STACK_DEPTH_MAX)
		depth = STACK_DEPTH_MAX;
	entry->heat->depth[depth - 1]++;
}

void heat_move(struct map_entry *into, struct map_entry *from)
{
	if (!from->heat || !heat_ready(into))
		return;
	for (int d = 0; d < STACK_DEPTH_MAX; d++) {
		into->heat->depth[d] += from->heat->depth[d];
		into->heat->depth_at_tick[d] += from->heat->depth_at_tick[d];
		into->heat->rate[d] += from->heat->rate[d];
	}
	heat_clear(from);
}

void heat_tick(struct map_entry *entry, double seconds)
{
	struct heat *heat = entry->heat;

	if (!heat)
		return;
	for (int d = 0; d < STACK_DEPTH_MAX; d++) {
		double latest = (double)(heat->depth[d] - heat->depth_at_tick[d]) / seconds;

		heat->rate[d] = (float)rate_smooth((double)heat->rate[d], latest);
		heat->depth_at_tick[d] = heat->depth[d];
	}
}

void heat_clear(struct map_entry *entry)
{
	free(entry->heat);
	entry->heat = NULL;
	heat_init(entry);
}
