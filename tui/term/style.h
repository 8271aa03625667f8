/* SPDX-License-Identifier: MIT */
/*
 * style: what things look like, as one table for 256 colours, 8 or 16 colours and none.
 *
 * Colour never carries anything alone: whatever it says is also in a word, a digit or a shade.
 * Two hues that mean opposites differ in brightness too, and the heat palette follows viridis,
 * whose brightness rises steadily, so that it reads the same to colour-blind eyes.
 */
#ifndef GOMAPTOP_TUI_STYLE_H
#define GOMAPTOP_TUI_STYLE_H

#include <stdbool.h>

#define HEAT_LEVELS 9 /* styles STYLE_HEAT_1 .. STYLE_HEAT_9 */

/* Identifier; foreground and background of 256 colours (-1: the terminal's own) and bold;
 * the same for 8 colours; attributes without colour. B bold, R reverse, D dim, N none. */
#define STYLES(X)                              \
	X(TEXT, -1, -1, N, -1, -1, N, N)       \
	X(DIM, 244, -1, N, -1, -1, N, N)       \
	X(RULE, 240, -1, N, -1, -1, N, N)      \
	X(TITLE, 110, -1, N, 6, -1, N, N)      \
	X(TITLE_FOCUS, 16, 110, B, 0, 6, N, R) \
	X(HEAD, 246, -1, N, 7, -1, N, N)       \
	X(BRAND, 16, 110, B, 0, 6, N, R)       \
	X(STRONG, -1, -1, B, -1, -1, B, B)     \
	X(KEY, 110, -1, B, 6, -1, B, B)        \
	X(PAUSED, 16, 220, B, 0, 3, N, R)      \
	X(GOOD, 78, -1, N, 2, -1, N, N)        \
	X(WARN, 214, -1, N, 3, -1, N, B)       \
	X(BAD, 209, -1, B, 1, -1, B, B)        \
	X(ALARM, 231, 160, B, 7, 1, B, R)      \
	X(CONFLICT, 231, 160, B, 7, 1, B, R)   \
	X(UNORDERED, 16, 214, B, 0, 3, N, R)   \
	X(SUSPECT, 214, -1, N, 3, -1, N, B)    \
	X(GUARDED, 78, -1, N, 2, -1, N, N)     \
	X(SHARED, 110, -1, N, 6, -1, N, N)     \
	X(LOCAL, 244, -1, N, -1, -1, N, N)     \
	X(CHANGE, 215, -1, N, 3, -1, N, B)     \
	X(LOOK, 117, -1, N, 6, -1, N, N)       \
	X(FUNCTION, -1, -1, N, -1, -1, N, N)   \
	X(LINE, 186, -1, N, 3, -1, N, N)       \
	X(HEAT_1, 252, 53, N, 7, 4, N, N)      \
	X(HEAT_2, 252, 54, N, 7, 4, N, N)      \
	X(HEAT_3, 253, 60, N, 7, 4, N, N)      \
	X(HEAT_4, 255, 24, N, 0, 6, N, N)      \
	X(HEAT_5, 255, 30, N, 0, 6, N, N)      \
	X(HEAT_6, 16, 36, N, 0, 2, N, R)       \
	X(HEAT_7, 16, 71, N, 0, 2, N, R)       \
	X(HEAT_8, 16, 148, N, 0, 3, N, R)      \
	X(HEAT_9, 16, 226, N, 0, 3, N, R)

enum style {
#define X(id, ...) STYLE_##id,
	STYLES(X)
#undef X
	        STYLE_COUNT
};

/* Colours of heat: identifier, name, what it is. */
#define PALETTES(X)                                                                  \
	X(VIRIDIS, "viridis", "violet to yellow; the same to colour-blind eyes")     \
	X(CIVIDIS, "cividis", "blue to yellow; made for red-green colour blindness") \
	X(FIRE, "fire", "purple over red to yellow")                                 \
	X(GREY, "grey", "dark to light")

enum palette {
#define X(id, ...) PALETTE_##id,
	PALETTES(X)
#undef X
	        PALETTE_COUNT
};

const char *style_palette_name(enum palette palette);
const char *style_palette_help(enum palette palette);
enum palette style_palette(void);
void style_palette_set(enum palette palette);

/* What lies under a style: nothing, the selected row of the focused pane, of another pane, the
 * cells that the cursor of a heatmap stands for. */
enum ground { GROUND_NONE, GROUND_SELECTED, GROUND_MARKED, GROUND_CURSOR, GROUND_COUNT };

/* Once curses runs: choose the table for this terminal. */
void style_setup(bool use_color);
/* Draw what follows in this style. */
void style_set(enum style style, enum ground ground);
/* Whether a heat cell shows its level as colour; where not, shades and digits have to do. */
bool style_has_color(void);

#endif
