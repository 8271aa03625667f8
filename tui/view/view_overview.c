/* SPDX-License-Identifier: MIT */
/* The first view: all panes that are not hidden, and which of them has the focus. */
#include "tui/term/draw.h"
#include "tui/view/pane.h"

const struct pane_ops *const panes[PANE_COUNT] = {
        [PANE_MAPS] = &pane_maps,
        [PANE_HEAT] = &pane_heat,
        [PANE_GOROUTINES] = &pane_goroutines,
        [PANE_CHAINS] = &pane_chains,
};

static void draw(struct ui *ui, const struct rect *area)
{
	const struct layout *layout = &ui->layout;
	const struct rect *pane = layout->pane;

	(void)area;
	for (int i = 0; i < PANE_COUNT; i++)
		if (pane[i].height > 0) {
			draw_within(&pane[i]);
			panes[i]->draw(ui, panes[i], &pane[i], (int)ui->focus == i);
		}
	draw_within(&layout->body);
	if (layout->upper_divider_x >= 0)
		draw_divider(pane[PANE_MAPS].y, layout->upper_divider_x, pane[PANE_MAPS].height,
		             GLYPH_TEE_DOWN);
	if (layout->lower_divider_x >= 0)
		draw_divider(pane[PANE_CHAINS].y, layout->lower_divider_x, pane[PANE_CHAINS].height,
		             GLYPH_TEE_DOWN);
	if (layout->lower_divider_x >= 0 && layout->upper_divider_x >= 0)
		draw_junction(pane[PANE_CHAINS].y, layout->upper_divider_x,
		              layout->upper_divider_x == layout->lower_divider_x ? GLYPH_CROSS
		                                                                 : GLYPH_TEE_UP);
}

static void focus_move(struct ui *ui, int by)
{
	int pane = (int)ui->focus;

	do
		pane = (pane + by + PANE_COUNT) % PANE_COUNT;
	while (pane != (int)ui->focus && layout_is_out(&ui->wish, (enum pane_id)pane));
	ui->focus = (enum pane_id)pane;
}

/* A click gives a pane the focus and then means what it means there. */
static bool click(struct ui *ui, int y, int x)
{
	for (int i = 0; i < PANE_COUNT; i++) {
		if (!rect_has(&ui->layout.pane[i], y, x))
			continue;
		ui->focus = (enum pane_id)i;
		if (panes[i]->click)
			panes[i]->click(ui, panes[i], y, x);
		return true;
	}
	return false;
}

static enum handled act(struct ui *ui, enum action action)
{
	if (action == ACTION_NEXT_PANE)
		focus_move(ui, 1);
	else if (action == ACTION_PREV_PANE)
		focus_move(ui, -1);
	else
		return panes[ui->focus]->act(ui, panes[ui->focus], action);
	return HANDLED;
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	const struct pane_ops *pane = panes[ui->focus];

	return pane->copy ? pane->copy(ui, pane, out, size) : 0;
}

const struct view_ops view_overview = {
        .name = "overview", .draw = draw, .act = act, .click = click, .copy = copy};
