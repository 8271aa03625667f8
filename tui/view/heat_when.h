/* SPDX-License-Identifier: MIT */
/*
 * heat_when: since when a map has conflicts or unordered pairs, and how often: a row for each map,
 * a cell for each interval, or several, the newest at the right. The remembered history always fits
 * in the width.
 */
#ifndef GOMAPTOP_TUI_HEAT_WHEN_H
#define GOMAPTOP_TUI_HEAT_WHEN_H

#include "tui/term/layout.h"
#include "tui/term/style.h"
#include "tui/words/rows.h"

/* "first  -4m  -2m": what stands above the rows. One line. */
void heat_when_ruler_draw(const struct rows *rows, const struct rect *line);
/* How long ago the first one of a map was seen, then its cells: heat for conflicts, a digit of the
 * same scale without colours for unordered pairs alone. Of a map without either, nothing. */
void heat_when_row_draw(const struct rows *rows, const struct map_row *map, const struct rect *line,
                        enum ground ground);

#endif
