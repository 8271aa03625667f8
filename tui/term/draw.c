/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#define _XOPEN_SOURCE_EXTENDED 1
#include "tui/term/draw.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const char *const glyphs[GLYPH_COUNT][2] = {
#define X(id, utf8, ascii) [GLYPH_##id] = {ascii, utf8},
        GLYPHS(X)
#undef X
};

const char *glyph(enum glyph id)
{
	return glyphs[id][text_is_utf8()];
}

static struct rect within; /* height 0: the whole screen */
static unsigned long overruns;

void draw_within(const struct rect *area)
{
	within = area ? *area : (struct rect){0};
}

unsigned long draw_overruns(void)
{
	return overruns;
}

/* How many of the columns lie in the area; 0 also where the line or the first column does not. */
static int clip(int y, int x, int width)
{
	int top = 0, bottom = LINES, left = 0, right = COLS;

	if (within.height) {
		top = within.y;
		bottom = within.y + within.height;
		left = within.x;
		right = within.x + within.width;
	}
	if (y < top || y >= bottom || x < left || x >= right) {
		overruns += width > 0;
		return 0;
	}
	return x + width > right ? right - x : width;
}

static int put(int y, int x, int width, enum style style, enum ground ground, const char *text,
               enum text_kind kind)
{
	char fitted[TEXT_MAX];
	int room = *text ? clip(y, x, width) : width, used;

	if (room <= 0)
		return 0;
	used = text_fit(text, width, kind, fitted, sizeof(fitted));
	if (used > room) {
		overruns++;
		used = text_fit(text, room, kind, fitted, sizeof(fitted));
	}
	if (!used)
		return 0;
	style_set(style, ground);
	mvaddstr(y, x, fitted);
	style_set(STYLE_TEXT, GROUND_NONE);
	return used;
}

/* The same for text of the program's own that has exactly width columns: nothing to fit. */
static void put_known(int y, int x, int width, enum style style, enum ground ground,
                      const char *text)
{
	if (clip(y, x, width) < width) {
		put(y, x, width, style, ground, text, TEXT_SENTENCE);
		return;
	}
	style_set(style, ground);
	mvaddstr(y, x, text);
	style_set(STYLE_TEXT, GROUND_NONE);
}

/* A row of equal characters; blanks where there is no glyph. */
static void repeat(int y, int x, int width, enum style style, enum ground ground, const char *text)
{
	wchar_t wide[2] = L" ";
	cchar_t cell;
	int room = clip(y, x, width);

	overruns += room > 0 && room < width;
	if (room <= 0)
		return;
	if (mbtowc(wide, text, strlen(text)) < 1 || setcchar(&cell, wide, A_NORMAL, 0, NULL) == ERR)
		return;
	style_set(style, ground);
	mvhline_set(y, x, &cell, room);
	style_set(STYLE_TEXT, GROUND_NONE);
}

void draw_glyphs(int y, int x, int width, enum style style, enum ground ground, enum glyph id)
{
	repeat(y, x, width, style, ground, glyph(id));
}

int draw_as(int y, int x, int width, enum style style, enum ground ground, enum text_kind kind,
            const char *text)
{
	return put(y, x, width, style, ground, text, kind);
}

int draw_word(int y, int x, int width, enum style style, enum ground ground, const char *text)
{
	return put(y, x, width, style, ground, text, TEXT_NAME);
}

void draw_text(int y, int x, int width, enum style style, enum ground ground, const char *text)
{
	int used = put(y, x, width, style, ground, text, TEXT_SENTENCE);

	int room = clip(y, x, width);

	overruns += room > 0 && room < width;
	width = room;
	if (used < width)
		repeat(y, x + used, width - used, style, ground, " ");
}

void draw_right(int y, int x, int width, enum style style, enum ground ground, const char *text)
{
	char fitted[TEXT_MAX];
	int used = text_fit(text, width, TEXT_WHOLE, fitted, sizeof(fitted));

	if (used)
		put(y, x + width - used, used, style, ground, text, TEXT_WHOLE);
}

int draw_words(int y, int x, int width, enum style style, enum ground ground, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put(y, x, width, style, ground, text, TEXT_SENTENCE);
}

int draw_wrapped(int y, int x, int width, int lines, enum style style, const char *text)
{
	char line[TEXT_MAX];
	int used = 0;
	size_t skip;

	for (size_t n; used < lines && (n = text_wrap(text, width, &skip)) != 0; text += skip) {
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		/* The last line there is room for says that there is more. */
		put(y + used, x, width, style, GROUND_NONE, used + 1 < lines ? line : text,
		    TEXT_SENTENCE);
		used++;
	}
	return used;
}

void draw_title(const struct rect *area, bool focused, const char *title, const char *remark)
{
	char padded[TEXT_MAX];
	int used, room;

	draw_glyphs(area->y, area->x, area->width, STYLE_RULE, GROUND_NONE, GLYPH_HLINE);
	snprintf(padded, sizeof(padded), " %s ", title);
	used = put(area->y, area->x + 1, area->width - 2, focused ? STYLE_TITLE_FOCUS : STYLE_TITLE,
	           GROUND_NONE, padded, TEXT_SENTENCE);
	room = area->width - used - 4;
	if (!remark || !*remark || text_width(remark) + 2 > room)
		return;
	snprintf(padded, sizeof(padded), " %s ", remark);
	draw_right(area->y, area->x + used + 2, area->width - used - 3, STYLE_DIM, GROUND_NONE,
	           padded);
}

void draw_divider(int y, int x, int height, enum glyph top)
{
	for (int i = 0; i < height; i++)
		draw_glyphs(y + i, x, 1, STYLE_RULE, GROUND_NONE, i ? GLYPH_VLINE : top);
}

void draw_junction(int y, int x, enum glyph junction)
{
	wchar_t there[2] = {0};

	if (clip(y, x, 1) == 1 && mvinnwstr(y, x, there, 1) == 1 &&
	    there[0] == (text_is_utf8() ? L'\u2500' : L'-'))
		put(y, x, 1, STYLE_RULE, GROUND_NONE, glyph(junction), TEXT_SENTENCE);
}

/* ---- heat ---------------------------------------------------------------------------------------
 */

static const char *shade(int level)
{
	static const enum glyph shades[HEAT_LEVELS + 1] = {
	        GLYPH_DOT,     GLYPH_SHADE_1, GLYPH_SHADE_1, GLYPH_SHADE_1, GLYPH_SHADE_2,
	        GLYPH_SHADE_2, GLYPH_SHADE_3, GLYPH_SHADE_3, GLYPH_SHADE_4, GLYPH_SHADE_4,
	};
	return glyph(shades[level]);
}

/* The cell of a cursor: its ground instead of the colour, the digit says the level. */
static void draw_heat_cursor(int y, int x, int width, int level, enum ground ground)
{
	char digit[2] = {level ? (char)('0' + level) : '0', '\0'};

	draw_text(y, x, width, STYLE_PAUSED, ground, "");
	put(y, x + width / 2, 1, STYLE_PAUSED, ground, digit, TEXT_SENTENCE);
}

#define HEAT_WIDTH_MAX 3

/* What stands in a cell: a digit with blanks around it, a dot where there is nothing; without
 * colour shades stand around the digit. One column has room for the digit or dot. */
static void heat_text(int width, int level, char out[4 * HEAT_WIDTH_MAX + 1])
{
	const char *side = level && !style_has_color() ? shade(level) : " ";
	char digit[2] = {(char)('0' + level), '\0'};
	char *end = out;

	*end = '\0';
	for (int i = 0; i < width; i++)
		end = stpcpy(end, i != width / 2 ? side : level ? digit : shade(0));
}

void draw_heat(int y, int x, int width, int level, enum ground ground)
{
	enum style style = level ? (enum style)(STYLE_HEAT_1 + level - 1) : STYLE_DIM;
	char text[4 * HEAT_WIDTH_MAX + 1];

	if (width > HEAT_WIDTH_MAX)
		width = HEAT_WIDTH_MAX;
	if (ground == GROUND_CURSOR)
		draw_heat_cursor(y, x, width, level, ground);
	else {
		heat_text(width, level, text);
		if (level)
			ground = style_has_color() ? GROUND_NONE : ground;
		put_known(y, x, width, level && !style_has_color() ? STYLE_STRONG : style, ground,
		          text);
	}
}
