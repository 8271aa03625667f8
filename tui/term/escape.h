/* SPDX-License-Identifier: MIT */
/*
 * escape: tells a press of Esc from the beginning of a sequence that curses does not know.
 *
 * Curses hands out an unknown sequence byte by byte: ESC, `[`, `I` for a focus report, ESC, `r` for
 * Alt-r. Its letters must not be taken for commands, so such a sequence is dropped whole. No curses
 * here but its key codes; one thread at a time.
 */
#ifndef GOMAPTOP_TUI_ESCAPE_H
#define GOMAPTOP_TUI_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

enum escape_part {
	ESCAPE_NONE,
	ESCAPE_BEGUN,      /* ESC came */
	ESCAPE_PARAMETERS, /* ESC [: up to a byte from @ to ~ */
	ESCAPE_ONE_MORE,   /* ESC O or ESC [ [: one byte, behind digits */
	ESCAPE_TEXT,       /* ESC ], P, _, ^, X: up to BEL or ESC \ */
	ESCAPE_TEXT_END    /* ESC within such a text */
};

/* All zero: nothing has come yet. */
struct escape {
	enum escape_part part;
	uint64_t last_ns; /* when the code before came, CLOCK_MONOTONIC */
};

/* What waited longer than this is a key of its own: no terminal takes that long for a sequence. */
#define ESCAPE_WAIT_NS UINT64_C(1000000000)

/* What to do with a code. */
enum escape_answer {
	ESCAPE_IS_KEY,    /* it is a key */
	ESCAPE_IS_PART,   /* of a sequence: drop it */
	ESCAPE_IS_PENDING /* ESC: it depends on what comes next */
};

/* A code came, as wgetch(3) has it, at this time. After ESCAPE_IS_PENDING the next call decides:
 * where nothing follows at once, call escape_is_over() instead. *esc_first: the ESC before was a
 * key of its own and comes before this code. */
enum escape_answer escape_take(struct escape *escape, int code, uint64_t now_ns, bool *esc_first);
/* Nothing follows at once. True: the ESC that was pending was a press of Esc. */
bool escape_is_over(struct escape *escape);

#endif
