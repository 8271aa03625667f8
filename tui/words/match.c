/* SPDX-License-Identifier: MIT */
#include "tui/words/match.h"

#include <stdio.h>
#include <string.h>

#include "core/base/id_table.h"

/* Only where it is asked for, since of one process all rows have the same; and the whole number:
 * pid:42 is not 4242. */
static bool match_pid(uint32_t tgid, const struct pattern *pattern)
{
	char whole[16];

	if (pattern->field != PATTERN_PID)
		return false;
	snprintf(whole, sizeof(whole), "%u", tgid);
	return pattern->is_regex ? pattern_in_number(pattern, PATTERN_PID, tgid)
	                         : strcmp(pattern->needle, whole) == 0;
}

static bool match_frame(const struct frame *frame, const struct pattern *pattern)
{
	return pattern_in_name(pattern, PATTERN_FUNCTION, frame->function) ||
	       pattern_in_name(pattern, PATTERN_FILE, frame->file);
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
	return match_pid(side->access.tgid, pattern) ||
	       pattern_in_number(pattern, PATTERN_GOROUTINE, side->access.goid) ||
	       match_frame(&side->created_by, pattern) ||
	       match_chain(side->chain, side->chain_length, pattern);
}

bool match_conflict(const struct conflict_row *conflict, const struct pattern *pattern)
{
	return pattern_in_name(pattern, PATTERN_TYPE, conflict->map ? conflict->map->type : NULL) ||
	       pattern_in_name(pattern, PATTERN_STATE, conflict_kind_name(conflict->kind)) ||
	       match_side(&conflict->a, pattern) || match_side(&conflict->b, pattern);
}

/* Chains with one key have the same functions and files. */
static bool match_chain_row(const struct chain_row *chain, const struct pattern *pattern)
{
	struct pattern_thing thing = {MEMO_WORDS, chain->key / 2, chain->key};
	bool found;

	if (pattern_knows(pattern, &thing, &found))
		return found;
	found = match_chain(chain->chain, chain->chain_length, pattern);
	pattern_note(pattern, &thing, found);
	return found;
}

static bool match_conflicts_of(const struct rows *rows, const struct map_row *map,
                               const struct pattern *pattern)
{
	bool any = map->conflicts || map->order.unordered;

	for (size_t i = 0; any && i < rows->conflict_count; i++)
		if (rows->conflicts[i]->map == map && match_conflict(rows->conflicts[i], pattern))
			return true;
	return false;
}

static bool map_has(const struct rows *rows, const struct map_row *map,
                    const struct pattern *pattern)
{
	if (match_pid(map->tgid, pattern) || pattern_in_name(pattern, PATTERN_TYPE, map->type) ||
	    pattern_in_name(pattern, PATTERN_STATE, map_verdict_name(map->verdict)) ||
	    match_frame(&map->first_use, pattern))
		return true;
	for (size_t i = 0; i < map->chain_count; i++)
		if (match_chain_row(&map->chains[i], pattern))
			return true;
	return match_conflicts_of(rows, map, pattern);
}

bool match_map(const struct rows *rows, const struct map_row *map, const struct pattern *pattern)
{
	uint64_t hash = id_mix((uint64_t)map->number << 32 | map->names_version);
	struct pattern_thing thing = {MEMO_MAPS, map->number, hash};
	bool found;

	if (pattern_knows(pattern, &thing, &found))
		return found;
	found = map_has(rows, map, pattern);
	pattern_note(pattern, &thing, found);
	return found;
}

static bool goroutine_has(const struct goroutine_row *goroutine, const struct pattern *pattern)
{
	return match_pid(goroutine->tgid, pattern) ||
	       pattern_in_number(pattern, PATTERN_GOROUTINE, goroutine->goid) ||
	       match_frame(&goroutine->created_by, pattern) ||
	       match_frame(&goroutine->last_use, pattern);
}

bool match_goroutine(const struct goroutine_row *goroutine, const struct pattern *pattern)
{
	uint64_t hash = id_mix(goroutine->names_version);
	struct pattern_thing thing = {MEMO_GOROUTINES, goroutine->names_version >> 32, hash};
	bool found;

	if (pattern_knows(pattern, &thing, &found))
		return found;
	found = goroutine_has(goroutine, pattern);
	pattern_note(pattern, &thing, found);
	return found;
}
