/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/range.h"

#include <inttypes.h>
#include <stdio.h>

#include "tui/words/format.h"

bool range_has_conflict(const struct range *range, const struct conflict_row *conflict)
{
	return !range->set ||
	       (conflict->sightings && sightings_count(conflict->sightings, &range->in) > 0);
}

bool range_has_map(const struct range *range, const struct rows *rows, const struct map_row *map)
{
	if (!range->set)
		return true;
	for (size_t i = 0; map->conflicts && i < rows->conflict_count; i++)
		if (rows->conflicts[i]->map == map && range_has_conflict(range, rows->conflicts[i]))
			return true;
	return false;
}

static bool is_party(const struct goroutine_row *goroutine, const struct access *access)
{
	return access->goid == goroutine->goid && access->tgid == goroutine->tgid;
}

bool range_has_goroutine(const struct range *range, const struct rows *rows,
                         const struct goroutine_row *goroutine)
{
	if (!range->set)
		return true;
	for (size_t i = 0; goroutine->conflicts && i < rows->conflict_count; i++) {
		const struct conflict_row *conflict = rows->conflicts[i];

		if ((is_party(goroutine, &conflict->a.access) ||
		     is_party(goroutine, &conflict->b.access)) &&
		    range_has_conflict(range, conflict))
			return true;
	}
	return false;
}

bool range_has_chain(const struct range *range, const struct chain_row *chain)
{
	uint32_t depth = (uint32_t)chain->chain_length;

	return !range->set || (depth >= range->in.depth_low && depth <= range->in.depth_high);
}

static void words_of_depth(const struct history_range *in, char *out, size_t size)
{
	if (in->depth_low == 0 && in->depth_high == UINT32_MAX)
		snprintf(out, size, "every depth");
	else if (in->depth_low == in->depth_high)
		snprintf(out, size, "depth %" PRIu32, in->depth_low);
	else
		snprintf(out, size, "depth %" PRIu32 " to %" PRIu32, in->depth_low, in->depth_high);
}

const char *range_words(const struct range *range, const struct rows *rows, char *out, size_t size)
{
	const struct history_range *in = &range->in;
	uint64_t from = history_clock_end(&rows->clock, in->tick_low > 1 ? in->tick_low - 1 : 1);
	uint64_t to = history_clock_end(&rows->clock, in->tick_high);
	char depth[64], begin[FORMAT_MAX], end[FORMAT_MAX];

	words_of_depth(in, depth, sizeof(depth));
	if (in->tick_low <= 1 && in->tick_high == UINT32_MAX)
		snprintf(out, size, "%s", depth);
	else
		snprintf(out, size, "%s, %s to %s ago", depth,
		         from ? format_age(rows->now_ns, from, begin) : "long",
		         format_age(rows->now_ns, to ? to : rows->now_ns, end));
	return out;
}
