/* SPDX-License-Identifier: MIT */
/*
 * explain: sentences about what is seen and, above all, about what is not.
 *
 * An empty pane always says why it is empty, and no sentence claims more than was measured: with
 * lost events there is no "no conflict", only "none seen, N events lost".
 */
#ifndef GOMAPTOP_TUI_EXPLAIN_H
#define GOMAPTOP_TUI_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/words/pattern.h"
#include "tui/words/rows.h"

#define EXPLAIN_MAX 512

/* Each fills out (EXPLAIN_MAX bytes) and returns it. */
const char *explain_no_maps(const struct rows *rows, bool gone, char *out);
const char *explain_no_goroutines(const struct rows *rows, bool gone, char *out);
/* map == NULL: on all maps. */
const char *explain_no_conflicts(const struct rows *rows, const struct map_row *map, char *out);
const char *explain_no_chains(const struct rows *rows, const struct map_row *map, char *out);
/* What to do about a conflict or an unordered pair: which two lines must be under which lock. Empty
 * where the lines are not known. */
const char *explain_remedy(const struct rows *rows, const struct map_row *map, char *out);
/* The evidence behind the verdict on a map, and what to do about it. */
const char *explain_verdict(const struct rows *rows, const struct map_row *map, char *out);

/* There are `total` rows of this name ("maps"), but the filter hides them all. */
const char *explain_filtered(size_t total, const char *name, const struct pattern *filter,
                             char *out);

/* The runtime's own check names one side of a fatal conflict; of the other nothing is known. */
bool explain_side_is_known(const struct conflict_row *conflict, const struct side *side);

/* What to call a map: its type, else where it was first used, else its address. */
const char *explain_map_name(const struct map_row *map, char *out, size_t size);

#endif
