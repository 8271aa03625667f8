/* SPDX-License-Identifier: MIT */
/*
 * range: a part of history that was picked in a heatmap: call-chain depths and a span of time.
 * While it is set, every pane shows only what conflicts in it concern.
 */
#ifndef GOMAPTOP_TUI_RANGE_H
#define GOMAPTOP_TUI_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/words/rows.h"

struct range {
	bool set;
	struct history_range in;
};

/* Whether the conflict was seen in the range; without a range always. Sightings that are forgotten
 * (older than HISTORY_TICKS intervals) do not count. */
bool range_has_conflict(const struct range *range, const struct conflict_row *conflict);
bool range_has_map(const struct range *range, const struct rows *rows, const struct map_row *map);
/* As a party of the latest sighting of such a conflict. */
bool range_has_goroutine(const struct range *range, const struct rows *rows,
                         const struct goroutine_row *goroutine);
/* A call chain of that depth. */
bool range_has_chain(const struct range *range, const struct chain_row *chain);

/* "depth 6 to 8, 40s to 12s ago"; fills out and returns it. */
const char *range_words(const struct range *range, const struct rows *rows, char *out, size_t size);

#endif
