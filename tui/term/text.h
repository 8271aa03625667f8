/* SPDX-License-Identifier: MIT */
/*
 * text: names made to fit a number of terminal columns.
 *
 * Everything a target can name passes through here on its way to the screen: it is sanitized (see
 * core/base/sanitize.h), measured in columns rather than bytes, and shortened by what kind of text
 * it is when it is too long. Whatever the kind, no digit of a number is cut off, and the mark of
 * what was left out touches none. No curses here. Call from the screen's thread only:
 * text_set_utf8() is process-wide.
 */
#ifndef GOMAPTOP_TUI_TEXT_H
#define GOMAPTOP_TUI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_MAX 2048 /* bytes that hold any fitted text: 512 columns of 4-byte characters */

/* What a text is, and so what goes of it where it does not fit. */
enum text_kind {
	TEXT_NAME,     /* a type, a command, a program: the middle, its meaning is at both ends */
	TEXT_SENTENCE, /* the last words */
	TEXT_WHOLE,    /* a number with its unit, an id: nothing, else it is not shown at all */
	TEXT_PLACE,    /* "file:line": directories and letters of the file, the line stays */
	TEXT_FUNCTION, /* the package, then the type; the name stays longest */
	TEXT_SITE,     /* "file:line function": both as above */
	TEXT_KINDS
};

/* Whether the terminal takes UTF-8 (the default). Where not, other than ASCII becomes '?'. */
void text_set_utf8(bool utf8);
bool text_is_utf8(void);

/* Columns that already sanitized text takes. */
int text_width(const char *text);
/* Columns of the mark for what was left out. */
int text_mark_width(void);
/* The fewest columns in which something of the text is shown. Sanitized text. */
int text_least_width(const char *text, enum text_kind kind);

/* Of sanitized text: bytes of its longest head, and where its longest tail begins, in as many
 * columns. */
size_t text_head(const char *text, int width);
size_t text_tail(const char *text, int width);

/* Sanitize text (NULL counts as empty) and write at most width columns of it to out (size bytes,
 * NUL-terminated, TEXT_MAX always suffices). Returns the columns used. */
int text_fit(const char *text, int width, enum text_kind kind, char *out, size_t size);

/* Bytes of the first line of text when it is broken at blanks (not between a number and its %) to
 * width columns; *skip is how far to advance for the next line. 0 only for empty text or width < 1.
 * Sanitized text only. */
size_t text_wrap(const char *text, int width, size_t *skip);

#endif
