/* SPDX-License-Identifier: MIT */
#include "tui/widget/column.h"

#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/term/text.h"
#include "tui/words/format.h"

static int width_needed(const struct column *columns, int count, const int *widths)
{
	int need = -1;

	for (int i = 0; i < count; i++)
		need += widths[i] ? widths[i] + 1 : 0;
	(void)columns;
	return need;
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

void columns_fit(const struct column *columns, int count, unsigned int hidden, int width,
                 int widths[COLUMNS_MAX])
{
	int shown = 0;

	for (int i = 0; i < count; i++) {
		widths[i] = hidden >> i & 1 ? 0 : columns[i].width;
		shown += widths[i] > 0;
	}
	if (!shown) { /* all are hidden: then none is */
		columns_fit(columns, count, 0, width, widths);
		return;
	}
	while (shown > 1 && width_needed(columns, count, widths) > width) {
		widths[least_important(columns, count, widths)] = 0;
		shown--;
	}
	if (width_needed(columns, count, widths) <= width)
		grow(columns, count, width - width_needed(columns, count, widths), widths);
	else
		widths[least_important(columns, count, widths)] = width > 0 ? width : 0;
}

static void draw_cell(const struct column *column, int y, int x, int width, enum style style,
                      enum ground ground, const char *text)
{
	if (column->right)
		draw_right(y, x, width, style, ground, text);
	else
		draw_word(y, x, width, style, ground, text);
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
		draw_cell(&columns[i], y, x, widths[i], i == sort ? STYLE_KEY : STYLE_HEAD,
		          GROUND_NONE, columns[i].title);
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
		cell.text[0] = '\0';
		cell.type = NULL;
		cell.style = STYLE_TEXT;
		columns[i].render(row, &cell);
		if (cell.type && text_width(cell.text) > widths[i])
			shorten_type(&cell);
		draw_cell(&columns[i], y, x, widths[i], cell.style, ground, cell.text);
		x += widths[i] + 1;
	}
}
