/* SPDX-License-Identifier: MIT */
/*
 * match: whether what the user looks for is found in a row: in the type of a map, in the functions
 * and files of call chains, in the numbers of goroutines.
 */
#ifndef GOMAPTOP_TUI_MATCH_H
#define GOMAPTOP_TUI_MATCH_H

#include <stdbool.h>

#include "tui/words/pattern.h"
#include "tui/words/rows.h"

/* A map is found by what happened to it, too: by its conflicts and its sampled call chains. */
bool match_map(const struct rows *rows, const struct map_row *map, const struct pattern *pattern);
bool match_goroutine(const struct goroutine_row *goroutine, const struct pattern *pattern);
bool match_conflict(const struct conflict_row *conflict, const struct pattern *pattern);
bool match_chain(const struct frame *chain, int length, const struct pattern *pattern);

#endif
