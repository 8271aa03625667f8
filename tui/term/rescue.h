/* SPDX-License-Identifier: MIT */
/*
 * rescue: the terminal as it was, from inside a signal handler.
 *
 * Curses may not be called there. What endwin() would write is worked out at the start and kept as
 * bytes; a handler then needs write(2) and tcsetattr(3) only, both async-signal-safe.
 */
#ifndef GOMAPTOP_TUI_RESCUE_H
#define GOMAPTOP_TUI_RESCUE_H

#include <termios.h>

/* After curses has started: saved is the terminal's state from before. The terminal is written
 * to through standard output. */
void rescue_prepare(const struct termios *saved);
/* Any context, any number of times; does nothing unless prepared. */
void rescue_terminal(void);
/* The terminal is whole again: rescue_terminal() has nothing to do any more. */
void rescue_forget(void);

#endif
