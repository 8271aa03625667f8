/* SPDX-License-Identifier: MIT */
/*
 * text: names made to fit a number of terminal columns.
 *
 * Everything a target can name passes through here on its way to the screen: it is sanitized (see
 * core/base/sanitize.h), measured in columns rather than bytes, and elided in the middle when it is
 * too long, because the meaning of a Go name is at both ends (package, method) and that of a path
 * too. No curses here. Call from the screen's thread only: text_set_utf8() is process-wide.
 */
#ifndef GOMAPTOP_TUI_TEXT_H
#define GOMAPTOP_TUI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_MAX 2048 /* bytes that hold any fitted text: 512 columns of 4-byte characters */

enum text_elide { TEXT_ELIDE_MIDDLE, TEXT_ELIDE_END };

/* Whether the terminal takes UTF-8 (the default). Where not, other than ASCII becomes '?'. */
void text_set_utf8(bool utf8);
bool text_is_utf8(void);

/* Columns that already sanitized text takes. */
int text_width(const char *text);

/* Sanitize text (NULL counts as empty) and write at most width columns of it to out (size bytes,
 * NUL-terminated, TEXT_MAX always suffices). Returns the columns used. */
int text_fit(const char *text, int width, enum text_elide where, char *out, size_t size);

/* Bytes of the first line of text when it is broken at blanks (not between a number and its %) to
 * width columns; *skip is how far to advance for the next line. 0 only for empty text or width < 1.
 * Sanitized text only. */
size_t text_wrap(const char *text, int width, size_t *skip);

#endif
