/* SPDX-License-Identifier: MIT */
/*
 * settings: how the user wants the screen, kept in $XDG_CONFIG_HOME/gomaptop/config (by default
 * ~/.config/gomaptop/config).
 *
 * Lines `name = value`, comments from `#`. SETTINGS is the table of names; what belongs to a table
 * of rows, a pane or an action is named after it: `maps.sort`, `goroutines.hide`, `panes.hide`,
 * `key.next_conflict`. A file with a mistake in it is not used at all, and saving then keeps it
 * under another name. The screen's thread.
 */
#ifndef GOMAPTOP_TUI_SETTINGS_H
#define GOMAPTOP_TUI_SETTINGS_H

#include <stddef.h>

struct ui;

/* Read the file and set up the screen as it says. 0, also when there is none. Else -errno with
 * words (the line that is wrong, what to do) in why, and the screen is as if there were no file. */
int settings_load(struct ui *ui, char *why, size_t why_size);

/* Write what the screen is like now; the file is replaced at once or not at all. A file that could
 * not be used is kept beside it, with ".broken" behind its name. 0 or -errno; words for the user in
 * either case. */
int settings_save(struct ui *ui, char *words, size_t words_size);

#endif
