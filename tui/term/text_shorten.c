/* SPDX-License-Identifier: MIT */
#include "tui/term/text_shorten.h"

#include <ctype.h>
#include <string.h>

/* ---- words with digits ----------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of one number, unit or name with the byte before it. */
static bool goes_on(const char *text, size_t at)
{
	char c = text[at], before = at ? text[at - 1] : ' ';

	if (isalnum((unsigned char)c) || c == '_')
		return isalnum((unsigned char)before) || before == '_' || before == '~' ||
		       before == '<' || (before == '.' && is_digit(c) && at > 1);
	return (c == '.' && (is_digit(before) || before == '~') && is_digit(text[at + 1])) ||
	       (c == '%' && is_digit(before));
}

/* The word that has the byte before `at` in it: [*begin, *end). Whether it has a digit. */
static bool word_around(const char *text, size_t at, size_t *begin, size_t *end)
{
	bool digit = false;

	*begin = at - 1;
	*end = at;
	while (*begin && goes_on(text, *begin))
		--*begin;
	while (text[*end] && goes_on(text, *end))
		++*end;
	for (size_t i = *begin; i < *end; i++)
		digit |= is_digit(text[i]);
	return digit;
}

bool text_parts_number(const char *text, size_t at, size_t *begin)
{
	size_t end;

	return at && text[at] && goes_on(text, at) && word_around(text, at, begin, &end);
}

/* A head that ends neither within nor right behind a number. */
static size_t head_without_number(const char *text, size_t head)
{
	size_t begin, end;

	while (head && word_around(text, head, &begin, &end))
		head = begin;
	return head;
}

/* The same for a tail that begins at `tail`. */
static size_t tail_without_number(const char *text, size_t tail)
{
	size_t begin, end;

	while (text[tail] && word_around(text, tail + 1, &begin, &end) &&
	       (begin < tail || strchr("~<.", text[tail]) || is_digit(text[tail])))
		tail = end;
	return tail;
}

/* ---- kinds of text --------------------------------------------------------------------- */

static bool keeps_tail(const char *text, int width, size_t tail, struct text_cut *cut)
{
	int left = width - text_mark_width() - text_width(text + tail);

	if (left < 0 || is_digit(text[tail]))
		return false;
	cut->head = head_without_number(text, text_head(text, left));
	cut->tail = tail;
	return true;
}

/* The end goes. Of a single word with a digit in it what stands before the digit stays. */
static bool cut_end(const char *text, int width, struct text_cut *cut)
{
	size_t most = text_head(text, width - text_mark_width());
	size_t letters = strcspn(text, "0123456789~<");

	if (width < text_mark_width())
		return false;
	cut->tail = strlen(text);
	cut->head = head_without_number(text, most);
	if (!cut->head)
		cut->head = letters < most ? letters : most;
	return true;
}

/* The middle goes: the meaning of a name is at both ends, more of it at the tail. */
static bool cut_middle(const char *text, int width, struct text_cut *cut)
{
	int left = width - text_mark_width(), front = left * 2 / 5;

	if (left < 0)
		return false;
	cut->tail = tail_without_number(text, text_tail(text, left - front));
	/* What one end gives up for a number the other may have. */
	front = left - text_width(text + cut->tail);
	cut->head = head_without_number(text, text_head(text, front));
	front = text_width(text) - text_width(text + cut->head);
	cut->tail = tail_without_number(text, text_tail(text, left - front));
	return cut->head || text[cut->tail] || cut_end(text, width, cut);
}

/* As many whole words as there is room for; a blank keeps the mark away from a number. */
static bool cut_sentence(const char *text, int width, struct text_cut *cut)
{
	size_t lead = strspn(text, " "), most = text_head(text, width - text_mark_width());

	for (size_t head = most; head > lead; head--) {
		bool number;

		if (text[head] != ' ' || text[head - 1] == ' ' || text[head + 1] == '%')
			continue;
		number = head_without_number(text, head) < head;
		if (number && head == most)
			continue;
		*cut = (struct text_cut){head + number, strlen(text)};
		return true;
	}
	return cut_end(text, width, cut);
}

/* "file:line": directories go, then letters of the file; the line stays. */
static bool cut_place(const char *text, int width, struct text_cut *cut)
{
	const char *colon = strrchr(text, ':');

	if (!colon)
		return false;
	for (const char *p = text; p < colon; p++)
		if (*p == '/' && keeps_tail(text, width, (size_t)(p - text), cut))
			return true;
	return keeps_tail(text, width, (size_t)(colon - text), cut);
}

/* "path/package.(*Type).Method": the package goes, then the type. */
static bool cut_function(const char *text, int width, struct text_cut *cut)
{
	int depth = 0;

	for (size_t i = 0; text[i]; i++) {
		depth += (text[i] == '[') - (text[i] == ']');
		if (depth || (text[i] != '.' && text[i] != '/') || is_digit(text[i + 1]))
			continue;
		if (text[i] == '.' && keeps_tail(text, width, i + 1, cut))
			return true;
	}
	return cut_end(text, width, cut);
}

bool text_cut_find(const char *text, int width, enum text_kind kind, struct text_cut *cut)
{
	switch (kind) {
	case TEXT_NAME:
		return cut_middle(text, width, cut);
	case TEXT_SENTENCE:
		return cut_sentence(text, width, cut);
	case TEXT_PLACE:
		return cut_place(text, width, cut);
	case TEXT_FUNCTION:
		return cut_function(text, width, cut);
	default:
		return false;
	}
}
