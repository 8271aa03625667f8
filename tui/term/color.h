/* SPDX-License-Identifier: MIT */
/*
 * color: whether to draw in colours, as --color and NO_COLOR say it.
 */
#ifndef GOMAPTOP_TUI_COLOR_H
#define GOMAPTOP_TUI_COLOR_H

/* AUTO: where the output is a terminal; on the screen, where the terminal has colours. */
enum ui_color { UI_COLOR_AUTO, UI_COLOR_ALWAYS, UI_COLOR_NEVER };

#endif
