/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE_EXTENDED 1
#include "tui/widget/prompt.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"

#define CTRL(letter) ((letter)&0x1f)

void prompt_open(struct prompt *prompt, const char *title, const char *hint, const char *text)
{
	*prompt = (struct prompt){.title = title, .hint = hint};
	snprintf(prompt->text, sizeof(prompt->text), "%s", text ? text : "");
	prompt->length = prompt->cursor = strlen(prompt->text);
}

void prompt_close(struct prompt *prompt)
{
	prompt->title = NULL;
}

/* ---- moving and changing ------------------------------------------------------------- */

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t before(const struct prompt *prompt, size_t at)
{
	if (at)
		at--;
	while (at && is_continuation(prompt->text[at]))
		at--;
	return at;
}

static size_t behind(const struct prompt *prompt, size_t at)
{
	if (at < prompt->length)
		at++;
	while (at < prompt->length && is_continuation(prompt->text[at]))
		at++;
	return at;
}

static size_t word_before(const struct prompt *prompt, size_t at)
{
	while (at && prompt->text[at - 1] == ' ')
		at--;
	while (at && prompt->text[at - 1] != ' ')
		at--;
	return at;
}

/* Take away [from, to) and leave the cursor where it was. */
static void cut(struct prompt *prompt, size_t from, size_t to)
{
	memmove(prompt->text + from, prompt->text + to, prompt->length - to + 1);
	prompt->length -= to - from;
	prompt->cursor = from;
}

static void insert(struct prompt *prompt, char byte)
{
	if (prompt->length + 1 >= sizeof(prompt->text))
		return;
	memmove(prompt->text + prompt->cursor + 1, prompt->text + prompt->cursor,
	        prompt->length - prompt->cursor + 1);
	prompt->text[prompt->cursor++] = byte;
	prompt->length++;
}

static enum prompt_answer edit(struct prompt *prompt, int code)
{
	switch (code) {
	case KEY_LEFT:
	case CTRL('B'):
		prompt->cursor = before(prompt, prompt->cursor);
		break;
	case KEY_RIGHT:
	case CTRL('F'):
		prompt->cursor = behind(prompt, prompt->cursor);
		break;
	case KEY_HOME:
	case CTRL('A'):
		prompt->cursor = 0;
		break;
	case KEY_END:
	case CTRL('E'):
		prompt->cursor = prompt->length;
		break;
	case KEY_BACKSPACE:
	case CTRL('H'):
	case 0x7f:
		cut(prompt, before(prompt, prompt->cursor), prompt->cursor);
		break;
	case KEY_DC:
	case CTRL('D'):
		cut(prompt, prompt->cursor, behind(prompt, prompt->cursor));
		break;
	case CTRL('U'):
		cut(prompt, 0, prompt->cursor);
		break;
	case CTRL('W'):
		cut(prompt, word_before(prompt, prompt->cursor), prompt->cursor);
		break;
	default:
		return PROMPT_NOT_MINE;
	}
	return PROMPT_GOES_ON;
}

enum prompt_answer prompt_key(struct prompt *prompt, int code)
{
	if (code == '\r' || code == '\n' || code == KEY_ENTER)
		return PROMPT_DONE;
	if (code == 0x1b || code == CTRL('C') || code == CTRL('G'))
		return PROMPT_LEFT;
	if (code >= ' ' && code <= 0xff && code != 0x7f) {
		insert(prompt, (char)code);
		return PROMPT_GOES_ON;
	}
	return edit(prompt, code);
}

/* ---- drawing ------------------------------------------------------------------------- */

void prompt_draw(const struct prompt *prompt, int y, int x, int width)
{
	char left[PROMPT_MAX], under[8] = " ";
	int end = x + width;
	size_t next = behind(prompt, prompt->cursor);

	draw_text(y, x, width, STYLE_TEXT, GROUND_NONE, "");
	x += draw_word(y, x, end - x, STYLE_KEY, GROUND_NONE, prompt->title) + 1;
	snprintf(left, sizeof(left), "%.*s", (int)prompt->cursor, prompt->text);
	if (next > prompt->cursor)
		snprintf(under, sizeof(under), "%.*s", (int)(next - prompt->cursor),
		         prompt->text + prompt->cursor);
	x += draw_word(y, x, end - x, STYLE_STRONG, GROUND_NONE, left);
	if (x >= end)
		x = end - 1;
	x += draw_word(y, x, end - x, STYLE_PAUSED, GROUND_NONE, under);
	x += draw_word(y, x, end - x, STYLE_STRONG, GROUND_NONE, prompt->text + next);
	if (!prompt->length && prompt->hint)
		draw_word(y, x + 1, end - x - 1, STYLE_DIM, GROUND_NONE, prompt->hint);
}
