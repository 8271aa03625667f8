/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE_EXTENDED 1
#include "tui/term/style.h"

#include <curses.h>

#define PAIRS_MAX 255

struct look {
	short fg, bg;
	attr_t attrs;
};

static const char *const palette_names[PALETTE_COUNT] = {
#define X(id, name, help) [PALETTE_##id] = name,
        PALETTES(X)
#undef X
};

static const char *const palette_helps[PALETTE_COUNT] = {
#define X(id, name, help) [PALETTE_##id] = help,
        PALETTES(X)
#undef X
};

static enum palette palette;

#define N A_NORMAL
#define B A_BOLD
#define R A_REVERSE

static const struct {
	struct look rich, plain;
	attr_t mono;
} table[STYLE_COUNT] = {
#define X(id, f, b, a, pf, pb, pa, m) [STYLE_##id] = {{f, b, a}, {pf, pb, pa}, m},
        STYLES(X)
#undef X
};

#define LIGHT 255
#define DARK  16

/* Levels of heat, {letter, ground}: brightness rises steadily in each palette. Viridis is that of
 * the table of styles. */
static const short heat_rich[PALETTE_COUNT][HEAT_LEVELS][2] = {
        [PALETTE_CIVIDIS] = {{LIGHT, 17},
                             {LIGHT, 18},
                             {LIGHT, 60},
                             {LIGHT, 66},
                             {DARK, 102},
                             {DARK, 144},
                             {DARK, 179},
                             {DARK, 185},
                             {DARK, 227}},
        [PALETTE_FIRE] = {{LIGHT, 53},
                          {LIGHT, 89},
                          {LIGHT, 125},
                          {LIGHT, 161},
                          {DARK, 203},
                          {DARK, 209},
                          {DARK, 215},
                          {DARK, 221},
                          {DARK, 229}},
        [PALETTE_GREY] = {{LIGHT, 235},
                          {LIGHT, 237},
                          {LIGHT, 239},
                          {LIGHT, 241},
                          {DARK, 244},
                          {DARK, 247},
                          {DARK, 250},
                          {DARK, 253},
                          {DARK, 255}},
};

static const short heat_plain[PALETTE_COUNT][HEAT_LEVELS][2] = {
        [PALETTE_CIVIDIS] =
                {{7, 4}, {7, 4}, {7, 4}, {7, 4}, {0, 7}, {0, 7}, {0, 7}, {0, 3}, {0, 3}},
        [PALETTE_FIRE] = {{7, 5}, {7, 5}, {7, 5}, {7, 1}, {7, 1}, {7, 1}, {0, 3}, {0, 3}, {0, 3}},
        [PALETTE_GREY] = {{7, 0}, {7, 0}, {7, 0}, {7, 0}, {7, 0}, {0, 7}, {0, 7}, {0, 7}, {0, 7}},
};

const char *style_palette_name(enum palette id)
{
	return palette_names[id];
}

const char *style_palette_help(enum palette id)
{
	return palette_helps[id];
}

enum palette style_palette(void)
{
	return palette;
}

void style_palette_set(enum palette id)
{
	palette = id;
}

static struct look look_of(enum style style, bool rich)
{
	struct look look = rich ? table[style].rich : table[style].plain;
	int level = (int)style - STYLE_HEAT_1;
	const short *colors;

	if (level < 0 || level >= HEAT_LEVELS || palette == PALETTE_VIRIDIS)
		return look;
	colors = rich ? heat_rich[palette][level] : heat_plain[palette][level];
	return (struct look){colors[0], colors[1], look.attrs};
}

/* Backgrounds of rows. Where there is no colour to spare an attribute is. */
static const struct {
	short rich_bg, plain_bg;
	attr_t plain, mono;
} grounds[GROUND_COUNT] = {
        [GROUND_NONE] = {-1, -1, N, N},
        [GROUND_SELECTED] = {24, 4, N, R},
        [GROUND_MARKED] = {237, -1, B, B},
        [GROUND_CURSOR] = {220, 3, R, R},
};

static enum { DEPTH_MONO, DEPTH_PLAIN, DEPTH_RICH } depth;

static struct {
	short fg, bg;
} pairs[PAIRS_MAX + 1];
static int pair_count, pair_limit;

void style_setup(bool use_color)
{
	depth = DEPTH_MONO;
	if (!use_color || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	depth = COLORS >= 256 && COLOR_PAIRS >= 256 ? DEPTH_RICH : DEPTH_PLAIN;
	pair_limit = COLOR_PAIRS - 1 < PAIRS_MAX ? COLOR_PAIRS - 1 : PAIRS_MAX;
	pair_count = 0;
}

bool style_has_color(void)
{
	return depth != DEPTH_MONO;
}

/* Pairs are made when first used: a terminal with 8 colours has room for 64 of them only. */
static short pair_of(short fg, short bg)
{
	if (fg < 0 && bg < 0)
		return 0;
	for (int i = 1; i <= pair_count; i++)
		if (pairs[i].fg == fg && pairs[i].bg == bg)
			return (short)i;
	if (pair_count >= pair_limit || init_pair((short)(pair_count + 1), fg, bg) == ERR)
		return 0;
	pairs[++pair_count].fg = fg;
	pairs[pair_count].bg = bg;
	return (short)pair_count;
}

void style_set(enum style style, enum ground ground)
{
	struct look look = look_of(style, depth == DEPTH_RICH);
	short under = depth == DEPTH_RICH ? grounds[ground].rich_bg : grounds[ground].plain_bg;

	if (depth == DEPTH_MONO) {
		attr_set(table[style].mono | grounds[ground].mono, 0, NULL);
		return;
	}
	if (depth == DEPTH_PLAIN)
		look.attrs |= grounds[ground].plain;
	if (look.bg < 0 && under >= 0) {
		look.bg = under;
		if (depth == DEPTH_RICH && look.fg < 0)
			look.fg = 255;
		if (depth == DEPTH_RICH && (look.fg == 244 || look.fg == 240))
			look.fg = 250; /* grey on blue would be lost */
		if (depth == DEPTH_PLAIN && look.fg < 0)
			look.fg = 7;
	}
	attr_set(look.attrs, pair_of(look.fg, look.bg), NULL);
}
