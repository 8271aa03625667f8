/* SPDX-License-Identifier: MIT */
#include "tui/match.h"

static bool match_frame(const struct frame *frame, const struct pattern *pattern)
{
	return pattern_in(pattern, PATTERN_FUNCTION, frame->function) ||
	       pattern_in(pattern, PATTERN_FILE, frame->file);
}

bool match_chain(const struct frame *chain, int length, const struct pattern *pattern)
{
	for (int i = 0; i < length; i++)
		if (match_frame(&chain[i], pattern))
			return true;
	return false;
}

static bool match_side(const struct side *side, const struct pattern *pattern)
{
	return pattern_in_number(pattern, PATTERN_GOROUTINE, side->access.goid) ||
	       match_frame(&side->created_by, pattern) ||
	       match_chain(side->chain, side->chain_length, pattern);
}

bool match_conflict(const struct conflict_row *conflict, const struct pattern *pattern)
{
	return pattern_in(pattern, PATTERN_TYPE, conflict->map ? conflict->map->type : NULL) ||
	       pattern_in(pattern, PATTERN_STATE, conflict_kind_name(conflict->kind)) ||
	       match_side(&conflict->a, pattern) || match_side(&conflict->b, pattern);
}

static bool match_conflicts_of(const struct rows *rows, const struct map_row *map,
                               const struct pattern *pattern)
{
	for (size_t i = 0; map->conflicts && i < rows->conflict_count; i++)
		if (rows->conflicts[i]->map == map && match_conflict(rows->conflicts[i], pattern))
			return true;
	return false;
}

bool match_map(const struct rows *rows, const struct map_row *map, const struct pattern *pattern)
{
	if (pattern_in(pattern, PATTERN_TYPE, map->type) ||
	    pattern_in(pattern, PATTERN_STATE, map_verdict_name(map->verdict)) ||
	    match_frame(&map->first_use, pattern))
		return true;
	for (size_t i = 0; i < map->chain_count; i++)
		if (match_chain(map->chains[i].chain, map->chains[i].chain_length, pattern))
			return true;
	return match_conflicts_of(rows, map, pattern);
}

bool match_goroutine(const struct goroutine_row *goroutine, const struct pattern *pattern)
{
	return pattern_in_number(pattern, PATTERN_GOROUTINE, goroutine->goid) ||
	       match_frame(&goroutine->created_by, pattern) ||
	       match_frame(&goroutine->last_use, pattern);
}
