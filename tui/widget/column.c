/* SPDX-License-Identifier: MIT */
#include "tui/widget/column.h"

#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/term/text.h"
#include "tui/words/format.h"

#define WANT_MAX 40 /* columns that a name is widened to before there is room to grow */

static int width_needed(int count, const int *widths)
{
	int need = -1;

	for (int i = 0; i < count; i++)
		need += widths[i] ? widths[i] + 1 : 0;
	return need;
}

/* The first of the idle ones that fits, and so on; returns the columns that are left. */
static int add_idle(const struct column *columns, const struct column_need *needs, int count,
                    unsigned int hidden, int left, int *widths)
{
	for (int i = 0; i < count; i++) {
		int width = columns[i].width > needs[i].least ? columns[i].width : needs[i].least;

		if (!needs[i].idle || widths[i] || hidden >> i & 1 || width + 1 > left)
			continue;
		widths[i] = width;
		left -= width + 1;
	}
	return left;
}

static int least_important(const struct column *columns, int count, const int *widths)
{
	int least = -1;

	for (int i = 0; i < count; i++)
		if (widths[i] && (least < 0 || columns[i].importance <= columns[least].importance))
			least = i;
	return least;
}

static void grow(const struct column *columns, int count, int left, int *widths)
{
	int shares = 0, last = -1, given = 0;

	for (int i = 0; i < count; i++)
		if (widths[i] && columns[i].grow) {
			shares += columns[i].grow;
			last = i;
		}
	for (int i = 0; shares && i < count; i++)
		if (widths[i] && columns[i].grow && i != last) {
			widths[i] += left * columns[i].grow / shares;
			given += left * columns[i].grow / shares;
		}
	if (last >= 0)
		widths[last] += left - given;
}

/* Where places stand in full, from the left on; returns the columns that are left. */
static int widen(const struct column_need *needs, int count, int left, int *widths)
{
	for (int i = 0; i < count; i++) {
		int more = widths[i] ? needs[i].want - widths[i] : 0;

		more = more < left ? more : left;
		if (more > 0) {
			widths[i] += more;
			left -= more;
		}
	}
	return left;
}

void columns_fit(const struct column *columns, int count, unsigned int hidden,
                 const struct column_need *needs, int width, int widths[COLUMNS_MAX])
{
	static const struct column_need none[COLUMNS_MAX];
	int shown = 0, left;

	needs = needs ? needs : none;
	for (int i = 0; i < count; i++) {
		widths[i] = columns[i].width > needs[i].least ? columns[i].width : needs[i].least;
		widths[i] = hidden >> i & 1 || needs[i].idle ? 0 : widths[i];
		shown += widths[i] > 0;
	}
	if (!shown) { /* all are hidden or idle: then none is */
		columns_fit(columns, count, 0, NULL, width, widths);
		return;
	}
	while (shown > 1 && width_needed(count, widths) > width) {
		widths[least_important(columns, count, widths)] = 0;
		shown--;
	}
	left = width - width_needed(count, widths);
	if (left >= 0) {
		left = widen(needs, count, left, widths);
		left = add_idle(columns, needs, count, hidden, left, widths);
		grow(columns, count, left, widths);
	} else
		widths[least_important(columns, count, widths)] = width > 0 ? width : 0;
}

static void cell_fill(const struct column *column, const void *row, struct cell *cell)
{
	cell->text[0] = '\0';
	cell->type = NULL;
	cell->style = STYLE_TEXT;
	column->render(row, cell);
}

/* It stands for nothing: blank, "0", "-". */
static bool says_nothing(const char *text)
{
	return !*text || (!text[1] && (*text == '0' || *text == '-'));
}

void columns_measure(const struct column *columns, int count, unsigned int hidden, const void *row,
                     struct column_need needs[COLUMNS_MAX])
{
	struct cell cell;

	for (int i = 0; i < count; i++) {
		enum text_kind kind = columns[i].holds;
		int least, want;

		if (hidden >> i & 1)
			continue;
		cell_fill(&columns[i], row, &cell);
		needs[i].idle &= says_nothing(cell.text);
		least = kind == TEXT_WHOLE || kind == TEXT_PLACE ? text_least_width(cell.text, kind)
		                                                 : 0;
		want = text_width(cell.text);
		want = kind == TEXT_WHOLE || want < WANT_MAX ? want : WANT_MAX;
		needs[i].least = least > needs[i].least ? least : needs[i].least;
		needs[i].want = want > needs[i].want ? want : needs[i].want;
	}
}

static void draw_cell(const struct column *column, int y, int x, int width, enum style style,
                      enum ground ground, const char *text)
{
	if (column->right)
		draw_right(y, x, width, style, ground, text);
	else
		draw_as(y, x, width, style, ground, column->holds, text);
}

static void shorten_type(struct cell *cell)
{
	char brief[CELL_MAX];

	format_type(cell->type, brief, sizeof(brief));
	snprintf(cell->type, sizeof(cell->text) - (size_t)(cell->type - cell->text), "%s", brief);
}

int columns_at(int count, const int *widths, int dx)
{
	for (int i = 0; i < count; i++) {
		if (!widths[i])
			continue;
		if (dx >= 0 && dx <= widths[i])
			return i;
		dx -= widths[i] + 1;
	}
	return -1;
}

void columns_draw_titles(const struct column *columns, int count, const int *widths, int y, int x,
                         int width, int sort)
{
	draw_text(y, x, width, STYLE_HEAD, GROUND_NONE, "");
	for (int i = 0; i < count; i++) {
		if (!widths[i])
			continue;
		if (columns[i].right)
			draw_right(y, x, widths[i], i == sort ? STYLE_KEY : STYLE_HEAD, GROUND_NONE,
			           columns[i].title);
		else
			draw_word(y, x, widths[i], i == sort ? STYLE_KEY : STYLE_HEAD, GROUND_NONE,
			          columns[i].title);
		x += widths[i] + 1;
	}
}

void columns_draw_row(const struct column *columns, int count, const int *widths, int y, int x,
                      int width, enum ground ground, const void *row)
{
	struct cell cell;

	draw_text(y, x, width, STYLE_TEXT, ground, "");
	for (int i = 0; i < count; i++) {
		if (!widths[i])
			continue;
		cell_fill(&columns[i], row, &cell);
		if (cell.type && text_width(cell.text) > widths[i])
			shorten_type(&cell);
		draw_cell(&columns[i], y, x, widths[i], cell.style, ground, cell.text);
		x += widths[i] + 1;
	}
}
