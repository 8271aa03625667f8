/* SPDX-License-Identifier: MIT */
/*
 * timeline_chart: reads, changes, conflicts and unordered pairs of one map in the last intervals,
 * as bars, the newest at the right.
 */
#ifndef GOMAPTOP_TUI_TIMELINE_CHART_H
#define GOMAPTOP_TUI_TIMELINE_CHART_H

#include "tui/term/layout.h"
#include "tui/words/rows.h"

/* Each gets the same share of the lines of area, with its largest rate beside it; a bar is
 * linear to that. A map without a timeline gets a sentence instead. */
void timeline_chart_draw(const struct rows *rows, const struct map_row *map,
                         const struct rect *area);

#endif
