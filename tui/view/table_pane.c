/* SPDX-License-Identifier: MIT */
#include "tui/view/table_pane.h"

#include "tui/term/draw.h"
#include "tui/view/copy_text.h"
#include "tui/words/explain.h"

static void draw_why_empty(struct ui *ui, const struct pane_ops *pane, const struct rect *body)
{
	const struct table *table = pane->table(ui);
	char why[EXPLAIN_MAX];

	draw_wrapped(body->y, body->x + 1, body->width - 2, body->height, STYLE_DIM,
	             table->total
	                     ? explain_filtered(table->total, pane->rows_name, &ui->filter, why)
	                     : pane->why_empty(&ui->rows, ui->gone, why));
}

bool table_pane_rows_draw(struct ui *ui, const struct pane_ops *pane, const struct rect *area,
                          bool focused, int footer, enum ground marked)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	struct table *table = pane->table(ui);
	char title[96], order[64];

	table_title(table, pane->title, title, sizeof(title));
	draw_title(area, focused, title, table_order(table, order, sizeof(order)));
	if (!table->count) {
		draw_why_empty(ui, pane, &body);
		return false;
	}
	table_draw(table, &body, footer, focused ? GROUND_SELECTED : marked);
	return true;
}

enum handled table_pane_act(struct ui *ui, const struct pane_ops *pane, enum action action)
{
	struct table *table = pane->table(ui);

	if (list_act(&table->list, action))
		return HANDLED;
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	if (table_selected(table))
		pane->open(ui, table_selected(table));
	return HANDLED;
}

bool table_pane_click(struct ui *ui, const struct pane_ops *pane, int y, int x)
{
	bool opened, known = table_click(pane->table(ui), y, x, &opened);

	if (opened)
		pane->act(ui, pane, ACTION_OPEN);
	return known;
}

size_t table_pane_copy(struct ui *ui, const struct pane_ops *pane, char *out, size_t size)
{
	return copy_table(pane->table(ui), out, size);
}
