/* SPDX-License-Identifier: MIT */
/*
 * screen: the terminal from the moment curses takes it to the moment it is as it was before.
 *
 * There is one terminal and curses knows one, so there is no handle. Every way out restores it:
 * screen_close(), exit(3), the signals that end a process (INT, TERM, HUP, QUIT ask the loop to
 * end), and the program's own crash (SEGV, BUS, ABRT, FPE, ILL: restored from the handler, then
 * the signal takes its usual course). Suspending and resuming work as in a shell. A terminal that
 * takes no output keeps no function waiting but screen_close() and a suspend, for 3 s at most; then
 * what it was sent is dropped.
 * All functions: the thread that opened the screen.
 */
#ifndef GOMAPTOP_TUI_SCREEN_H
#define GOMAPTOP_TUI_SCREEN_H

#include <stdbool.h>

#include "core/base/error.h"
#include "tui/term/color.h"
#include "tui/term/style.h"

/* Take the terminal. 0, or -ENOTTY / -EINVAL with words: no terminal, TERM unknown or too poor. */
int screen_open(enum ui_color color, struct error *err);
/* Give it back as it was. Idempotent. */
void screen_close(void);

/* What signals have asked for since the last call. */
enum screen_request { SCREEN_NOTHING = 0, SCREEN_REDRAW = 1, SCREEN_QUIT = 2 };

/* Readable when a signal has come: for poll(2). */
int screen_signal_fd(void);
/* Called with true before this process stops itself (Ctrl-Z), with false when it goes on. NULL:
 * not. */
void screen_pause_set(void (*pause)(void *ctx, bool on), void *ctx);

/* Act on the signals that came (resize, suspend, resume); returns a set of enum screen_request. */
int screen_signals_handle(void);

int screen_height(void);
int screen_width(void);

/* Erase the frame that will be drawn next; screen_show() then sends only what differs. Neither
 * waits for the terminal; a frame that is drawn while another is on its way comes behind it. */
void screen_begin(void);
void screen_show(void);
/* A frame is on its way to the terminal. */
bool screen_is_sending(void);
/* For poll(2): readable when that is over. screen_is_sending() makes it unreadable. */
int screen_sent_fd(void);
/* The next screen_show() sends everything. */
void screen_invalidate(void);
/* The next key as wgetch(3) codes it, or -1 when there is none. Waits 25 ms at most, behind an Esc.
 * A sequence that is not known (a focus report, Alt with a letter) is no key and is left out. */
int screen_key(void);

enum mouse_what { MOUSE_NOTHING, MOUSE_CLICK, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct mouse {
	enum mouse_what what;
	int y, x;
};

/* What the mouse did, once screen_key() has said SCREEN_KEY_MOUSE. */
#define SCREEN_KEY_MOUSE 0631 /* KEY_MOUSE of curses.h */
struct mouse screen_mouse(void);

/* Send two strings to the terminal as they are, between two frames: control sequences that draw
 * nothing. */
void screen_send(const char *text, const char *end);

#endif
