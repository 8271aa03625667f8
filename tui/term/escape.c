/* SPDX-License-Identifier: MIT */
#include "tui/term/escape.h"

#include <string.h>

#define ESC 0x1b
#define BEL 0x07

static enum escape_answer begin(struct escape *escape)
{
	escape->part = ESCAPE_BEGUN;
	return ESCAPE_IS_PENDING;
}

/* The code behind ESC. Alt with a letter is dropped like all else; a key that curses knows, or a
 * second Esc, was pressed after an Esc. */
static enum escape_answer second(struct escape *escape, int code, bool *esc_first)
{
	if (code == ESC) {
		*esc_first = true;
		return begin(escape);
	}
	escape->part = ESCAPE_NONE;
	if (code > 0xff) {
		*esc_first = true;
		return ESCAPE_IS_KEY;
	}
	if (code == '[')
		escape->part = ESCAPE_PARAMETERS;
	else if (code == 'O')
		escape->part = ESCAPE_ONE_MORE;
	else if (code && strchr("]P_^X", code))
		escape->part = ESCAPE_TEXT;
	return ESCAPE_IS_PART;
}

static enum escape_answer within(struct escape *escape, int code)
{
	bool ends = escape->part == ESCAPE_PARAMETERS ? code >= '@' && code <= '~'
	            : escape->part == ESCAPE_ONE_MORE ? code < '0' || code > '9'
	                                              : code == BEL;

	if (escape->part == ESCAPE_TEXT && code == ESC)
		escape->part = ESCAPE_TEXT_END;
	else if (escape->part == ESCAPE_PARAMETERS && code == '[') /* a function key of Linux */
		escape->part = ESCAPE_ONE_MORE;
	else if (ends)
		escape->part = ESCAPE_NONE;
	return ESCAPE_IS_PART;
}

enum escape_answer escape_take(struct escape *escape, int code, uint64_t now_ns, bool *esc_first)
{
	bool late = now_ns - escape->last_ns > ESCAPE_WAIT_NS;

	*esc_first = false;
	escape->last_ns = now_ns;
	if (late || escape->part == ESCAPE_TEXT_END) {
		bool ended = escape->part == ESCAPE_TEXT_END && !late;

		escape->part = ESCAPE_NONE;
		if (ended && code == '\\')
			return ESCAPE_IS_PART;
	}
	if (escape->part == ESCAPE_BEGUN)
		return second(escape, code, esc_first);
	/* A known key or a new ESC: the sequence before was cut short. */
	if (code > 0xff || (code == ESC && escape->part != ESCAPE_TEXT))
		escape->part = ESCAPE_NONE;
	if (escape->part != ESCAPE_NONE)
		return within(escape, code);
	return code == ESC ? begin(escape) : ESCAPE_IS_KEY;
}

bool escape_is_over(struct escape *escape)
{
	if (escape->part != ESCAPE_BEGUN)
		return false;
	escape->part = ESCAPE_NONE;
	return true;
}
