/* SPDX-License-Identifier: MIT */
/*
 * draw: text, rules and glyphs, clipped to where they belong.
 *
 * The only file besides screen, style and keymap that calls curses. Text is fitted by text_fit(),
 * so whatever a target is called, it neither breaks the layout nor reaches the terminal raw.
 */
#ifndef GOMAPTOP_TUI_DRAW_H
#define GOMAPTOP_TUI_DRAW_H

#include <stdbool.h>

#include "tui/term/layout.h"
#include "tui/term/style.h"
#include "tui/term/text.h"

/* UTF-8, and what stands in for it on a terminal that has none. */
#define GLYPHS(X)                                       \
	X(HLINE, "\xe2\x94\x80", "-")                   \
	X(VLINE, "\xe2\x94\x82", "|")                   \
	X(TEE_DOWN, "\xe2\x94\xac", "+")                \
	X(TEE_UP, "\xe2\x94\xb4", "+")                  \
	X(CROSS, "\xe2\x94\xbc", "+")                   \
	X(POINTER, "\xe2\x96\xb8", ">")                 \
	X(BULLET, "\xe2\x80\xa2", "*")                  \
	X(TIMES, "\xc3\x97", "x")                       \
	X(AGAINST, "\xe2\x86\x94", "<>")                \
	X(FROM, "\xe2\x97\x82", "<")                    \
	X(UP_DOWN, "\xe2\x86\x91\xe2\x86\x93", "Up/Dn") \
	X(ENTER, "\xe2\x8f\x8e", "Enter")               \
	X(DOT, "\xc2\xb7", ".")                         \
	X(INLINED, "\xe2\x86\xb3", "^")                 \
	X(SHADE_1, "\xe2\x96\x91", ".")                 \
	X(SHADE_2, "\xe2\x96\x92", "o")                 \
	X(SHADE_3, "\xe2\x96\x93", "O")                 \
	X(SHADE_4, "\xe2\x96\x88", "#")                 \
	X(BAR_1, "\xe2\x96\x81", "_")                   \
	X(BAR_2, "\xe2\x96\x82", ".")                   \
	X(BAR_3, "\xe2\x96\x83", ":")                   \
	X(BAR_4, "\xe2\x96\x84", "-")                   \
	X(BAR_5, "\xe2\x96\x85", "=")                   \
	X(BAR_6, "\xe2\x96\x86", "+")                   \
	X(BAR_7, "\xe2\x96\x87", "*")                   \
	X(BAR_8, "\xe2\x96\x88", "#")

enum glyph {
#define X(id, utf8, ascii) GLYPH_##id,
	GLYPHS(X)
#undef X
	        GLYPH_COUNT
};

const char *glyph(enum glyph id);

/* From now on nothing is drawn outside of area (NULL: of the screen), whatever is asked for: panes
 * cannot run over into each other. */
void draw_within(const struct rect *area);
/* How often something outside was asked for since the program began: for tests, which want 0. */
unsigned long draw_overruns(void);

/* A sentence in exactly width columns, padded with blanks. */
void draw_text(int y, int x, int width, enum style style, enum ground ground, const char *text);
/* Text of a kind at its own width (at most width). Returns the columns used: 0 also where it cannot
 * be shortened as far as it would have to be. */
int draw_as(int y, int x, int width, enum style style, enum ground ground, enum text_kind kind,
            const char *text);
/* The same for a name. */
int draw_word(int y, int x, int width, enum style style, enum ground ground, const char *text);
/* A number at the right edge of the columns x .. x + width - 1, whole or not at all. */
void draw_right(int y, int x, int width, enum style style, enum ground ground, const char *text);
/* printf of a sentence, at its own width. */
int draw_words(int y, int x, int width, enum style style, enum ground ground, const char *fmt, ...)
        __attribute__((format(printf, 6, 7)));
/* One glyph over and over, width times (one that takes a single column). */
void draw_glyphs(int y, int x, int width, enum style style, enum ground ground, enum glyph id);
/* Text broken at blanks, at most lines lines. Returns the lines used. */
int draw_wrapped(int y, int x, int width, int lines, enum style style, const char *text);
/* A title line: rule, title, rule, right-hand remark (may be NULL). */
void draw_title(const struct rect *area, bool focused, const char *title, const char *remark);
/* A vertical line from y downwards; a tee at its top. */
void draw_divider(int y, int x, int height, enum glyph top);
/* Where a line from above meets a rule: the glyph, unless a title stands there. */
void draw_junction(int y, int x, enum glyph junction);
/* A level of heat, 0 (nothing) .. HEAT_LEVELS, as a cell of width columns. */
void draw_heat(int y, int x, int width, int level, enum ground ground);

#endif
