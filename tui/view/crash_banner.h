/* SPDX-License-Identifier: MIT */
/*
 * crash_banner: the latest crash, over the full width below the header, in every view.
 *
 * A process that dies of a fatal error does so once; the banner stays until its key takes it away.
 * The screen's thread.
 */
#ifndef GOMAPTOP_TUI_CRASH_BANNER_H
#define GOMAPTOP_TUI_CRASH_BANNER_H

#include "tui/view/pane.h"

/* Lines that it needs in a screen of this width; 0: there is no crash, or it was taken away. */
int crash_banner_lines(const struct ui *ui, int width);
/* Draw it into area, which may have fewer lines: then its end is cut. */
void crash_banner_draw(const struct ui *ui, const struct rect *area);
/* Take it away, until there is another crash. */
void crash_banner_dismiss(struct ui *ui);

#endif
