/* SPDX-License-Identifier: MIT */
/*
 * screen_output: between curses and the terminal, so that a terminal that takes nothing (^S, a
 * connection that hangs) never keeps the screen's thread waiting.
 *
 * Curses writes each frame to a descriptor and goes on only when all of it is written. That
 * descriptor is the terminal while curses sets it up, and a file in memory from then on; what has
 * gathered there is handed to a writer (core/base/writer.h). The modes of the terminal are no
 * longer curses's affair then: tui/term/screen sets them.
 *
 * As with the screen there is one. All functions: the thread that opened the screen.
 */
#ifndef GOMAPTOP_TUI_SCREEN_OUTPUT_H
#define GOMAPTOP_TUI_SCREEN_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* The stream for newterm(3), still on the terminal. 0 or -errno. */
int screen_output_open(FILE **out);
/* From now on into memory. 0 or -errno. */
int screen_output_redirect(void);
/* Idempotent; after delscreen(3). What waits is dropped. */
void screen_output_close(void);

/* Hand over what curses has written. */
void screen_output_send(void);
/* Hand over a text of our own, behind what curses has written. */
void screen_output_text(const char *text);

/* Something is on its way to the terminal. */
bool screen_output_waits(void);
/* For poll(2): readable when nothing is on its way any more. */
int screen_output_fd(void);
/* Wait for that, but no longer than patience_ms without a byte taken. True: all was sent. */
bool screen_output_drain(unsigned int patience_ms);

#endif
