/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/view/copy_text.h"
#include "tui/view/pane.h"
#include "tui/words/explain.h"

#define NAME_SHOWN 48 /* columns of the map's name in the title */

static const char *title_of(const struct chain_list *chains)
{
	if (!chains->conflict_count)
		return "Call chains";
	return chains->conflicts[0]->evidence == EVIDENCE_UNORDERED
	               ? "Unordered pairs and call chains"
	               : "Conflicts and call chains";
}

static void draw(struct ui *ui, const struct pane_ops *pane, const struct rect *area, bool focused)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	char name[EXPLAIN_MAX], brief[TEXT_MAX], remark[EXPLAIN_MAX] = "";

	(void)pane;
	if (ui->chains.map)
		text_fit(explain_map_name(ui->chains.map, name, sizeof(name)), NAME_SHOWN,
		         TEXT_NAME, brief, sizeof(brief));
	if (ui->chains.map)
		snprintf(remark, sizeof(remark), "m%u %.*s", ui->chains.map->number,
		         (int)sizeof(remark) - 16, brief);
	draw_title(area, focused, title_of(&ui->chains), remark);
	chain_list_draw(&ui->chains, &ui->rows, &body, focused);
}

static enum handled act(struct ui *ui, const struct pane_ops *pane, enum action action)
{
	(void)pane;
	if (list_act(&ui->chains.list, action))
		return HANDLED;
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	if (chain_list_conflict(&ui->chains))
		conflict_view_open(ui, chain_list_conflict(&ui->chains));
	else
		ui->chains.open = !ui->chains.open;
	return HANDLED;
}

static bool click(struct ui *ui, const struct pane_ops *pane, int y, int x)
{
	bool again, known = chain_list_click(&ui->chains, y, &again);

	(void)x;
	if (again)
		act(ui, pane, ACTION_OPEN);
	return known;
}

static size_t copy(struct ui *ui, const struct pane_ops *pane, char *out, size_t size)
{
	(void)pane;
	return copy_chain_list(&ui->chains, out, size);
}

const struct pane_ops pane_chains = {
        .name = "chains", .draw = draw, .act = act, .click = click, .copy = copy};
