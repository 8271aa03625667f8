/* SPDX-License-Identifier: MIT */
/*
 * clipboard: text for elsewhere: through the terminal to the clipboard of the desktop that
 * shows it (the control sequence OSC 52, which xterm, kitty, iTerm2, Windows Terminal, tmux and
 * others know), and into a file, for terminals that do not.
 */
#ifndef GOMAPTOP_TUI_CLIPBOARD_H
#define GOMAPTOP_TUI_CLIPBOARD_H

#include <stddef.h>

/* Send text to the terminal and write it to a file of the user's own, whose name is put into
 * path: gomaptop-copy.txt in $XDG_RUNTIME_DIR, else gomaptop-copy-UID.txt in $TMPDIR or /tmp. The
 * file is replaced. 0, or -errno of writing it: the terminal has the text all the same. Between two
 * frames, the screen's thread. */
int clipboard_copy(const char *text, size_t length, char *path, size_t path_size);

#endif
