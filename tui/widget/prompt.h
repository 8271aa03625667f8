/* SPDX-License-Identifier: MIT */
/*
 * prompt: one line that is typed at the bottom of the screen: a search, a filter, a number.
 *
 * Holds UTF-8; the cursor stands between characters. No curses but its key codes; the screen's
 * thread.
 */
#ifndef GOMAPTOP_TUI_PROMPT_H
#define GOMAPTOP_TUI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#define PROMPT_MAX 128 /* bytes, NUL included */

enum prompt_answer {
	PROMPT_GOES_ON, /* the key was for the prompt */
	PROMPT_DONE,    /* Enter: the text counts */
	PROMPT_LEFT,    /* Esc: it does not */
	PROMPT_NOT_MINE /* a key that has no meaning here; the prompt stays */
};

struct prompt {
	const char *title; /* "search", NULL: no prompt is open */
	const char *hint;  /* shown while nothing is typed */
	char text[PROMPT_MAX];
	size_t length, cursor; /* bytes */
};

/* Open with a text to begin with (NULL: empty); title and hint are borrowed until it is closed. */
void prompt_open(struct prompt *prompt, const char *title, const char *hint, const char *text);
void prompt_close(struct prompt *prompt);

static inline bool prompt_is_open(const struct prompt *prompt)
{
	return prompt->title != NULL;
}

/* A key as wgetch(3) codes it. The caller closes the prompt after PROMPT_DONE and PROMPT_LEFT. */
enum prompt_answer prompt_key(struct prompt *prompt, int code);

/* Draw into one line. */
void prompt_draw(const struct prompt *prompt, int y, int x, int width);

#endif
