/* SPDX-License-Identifier: MIT */
/*
 * table_pane: what all panes do whose rows are a table: draw, move, open, click, copy.
 *
 * Functions for struct pane_ops. They use its table, and of its other fields title, rows_name, open
 * and why_empty; all of these must be there. The screen's thread.
 */
#ifndef GOMAPTOP_TUI_TABLE_PANE_H
#define GOMAPTOP_TUI_TABLE_PANE_H

#include "tui/view/pane.h"

/* Title, then the rows, or why there are none; the last `footer` lines stay free. marked: how the
 * selected row looks while the pane has not the focus. False: there are no rows. */
bool table_pane_rows_draw(struct ui *ui, const struct pane_ops *pane, const struct rect *area,
                          bool focused, int footer, enum ground marked);

enum handled table_pane_act(struct ui *ui, const struct pane_ops *pane, enum action action);
bool table_pane_click(struct ui *ui, const struct pane_ops *pane, int y, int x);
size_t table_pane_copy(struct ui *ui, const struct pane_ops *pane, char *out, size_t size);

#endif
