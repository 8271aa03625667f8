/* SPDX-License-Identifier: MIT */
/*
 * text_pager: lines of text read in full: broken where the screen ends, never elided, scrolled.
 *
 * The text must have gone through sanitize(). The screen's thread.
 */
#ifndef GOMAPTOP_TUI_TEXT_PAGER_H
#define GOMAPTOP_TUI_TEXT_PAGER_H

#include "tui/term/layout.h"
#include "tui/words/pattern.h"

/* Draw text into area from its line *scroll on, which is brought within bounds. What a line is
 * indented by, the parts it is broken into are as well. Returns the lines there are in all. */
int text_pager_draw(const char *text, const struct rect *area, int *scroll);

/* The number, from 1, of the next (by = 1) or previous (-1) line with the pattern in it, seen from
 * line number `from` (0: from before the first), round the end. 0: there is none. */
int text_pager_search(const char *text, const struct pattern *pattern, int from, int by);
/* The row, from 0, in which line number `line` begins in an area of this width. */
int text_pager_row(const char *text, int width, int line);

#endif
