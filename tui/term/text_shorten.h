/* SPDX-License-Identifier: MIT */
/*
 * text_shorten: what is left out of a text that is too long, by what kind of text it is.
 *
 * Only tui/term/text.c includes it. Pure functions on sanitized text.
 */
#ifndef GOMAPTOP_TUI_TEXT_SHORTEN_H
#define GOMAPTOP_TUI_TEXT_SHORTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/term/text.h"

/* What stays of a text: its first `head` bytes and all from byte `tail` on, with the mark between
 * them. */
struct text_cut {
	size_t head, tail;
};

/* Where to cut text, which is wider than width. False: nothing of it may be shown. TEXT_SITE is
 * two texts: not for this function. */
bool text_cut_find(const char *text, int width, enum text_kind kind, struct text_cut *cut);

/* Whether a break before text + at would part a number, or a name with digits in it; *begin: where
 * that begins. */
bool text_parts_number(const char *text, size_t at, size_t *begin);

#endif
