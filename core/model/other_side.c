/* SPDX-License-Identifier: MIT */
#include "core/model/other_side.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/plural.h"
#include "core/event/event.h"

#define LINES_MAX 3

/* The lines that change the map, the most frequent ones first; how many there are in all. */
static size_t changes_find(const struct map_row *map, const struct chain_row *most[LINES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; map && i < map->chain_count; i++) {
		const struct chain_row *chain = &map->chains[i];
		size_t at = count < LINES_MAX ? count : LINES_MAX;

		if (!op_changes(chain->op) || chain->chain_length < 1 || !chain->chain[0].function)
			continue;
		count++;
		while (at > 0 && chain->count > most[at - 1]->count) {
			if (at < LINES_MAX)
				most[at] = most[at - 1];
			at--;
		}
		if (at < LINES_MAX)
			most[at] = chain;
	}
	return count;
}

static size_t put_line(const struct chain_row *chain, char *out, size_t size)
{
	const struct frame *at = &chain->chain[0];
	const char *file = at->file ? strrchr(at->file, '/') : NULL;
	int used;

	used = snprintf(out, size, " %s", at->function);
	if (at->file && used >= 0 && (size_t)used < size)
		used += snprintf(out + used, size - (size_t)used, " %s:%d",
		                 file ? file + 1 : at->file, at->line);
	if (used >= 0 && (size_t)used < size)
		used += snprintf(out + used, size - (size_t)used, " (%s, seen %" PRIu64 " time%s)",
		                 map_op_name(chain->op), chain->count, plural(chain->count));
	return used < 0 || (size_t)used >= size ? 0 : (size_t)used;
}

const char *other_side_text(const struct conflict_row *fatal, char out[OTHER_SIDE_MAX])
{
	const struct chain_row *most[LINES_MAX];
	size_t count = changes_find(fatal->map, most), told = 0;
	size_t used =
	        (size_t)snprintf(out, OTHER_SIDE_MAX, "the runtime does not name the other side");

	if (!count)
		return out;
	used += (size_t)snprintf(out + used, OTHER_SIDE_MAX - used,
	                         count == 1 ? ", which was not caught in the act; the only line "
	                                      "that was seen to change this map is"
	                                    : ", which was not caught in the act; lines that were "
	                                      "seen to change this map are");
	for (; told < count && told < LINES_MAX; told++) {
		char line[OTHER_SIDE_MAX];
		size_t more = put_line(most[told], line, sizeof(line));

		/* Whole or not at all, and room for the last words. */
		if (!more || used + more + 40 > OTHER_SIDE_MAX)
			break;
		used += (size_t)snprintf(out + used, OTHER_SIDE_MAX - used, "%s%s", told ? "," : "",
		                         line);
	}
	if (!told)
		snprintf(out, OTHER_SIDE_MAX, "the runtime does not name the other side");
	else if (told < count)
		snprintf(out + used, OTHER_SIDE_MAX - used, ", and %zu more", count - told);
	return out;
}
