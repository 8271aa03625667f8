/* SPDX-License-Identifier: MIT */
/*
 * text_pager: lines of text read in full: broken where the screen ends, never elided, scrolled.
 *
 * The text must have gone through sanitize(). The screen's thread.
 */
#ifndef GOMAPTOP_TUI_TEXT_PAGER_H
#define GOMAPTOP_TUI_TEXT_PAGER_H

#include "tui/term/layout.h"

/* Draw text into area from its line *scroll on, which is brought within bounds. What a line is
 * indented by, the parts it is broken into are as well. Returns the lines there are in all. */
int text_pager_draw(const char *text, const struct rect *area, int *scroll);

#endif
