/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/term/text.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "core/base/sanitize.h"

#define COLUMNS_MAX 512
/* Of a longer name only both ends can reach the screen, whatever its width. */
#define END_BYTES (TEXT_MAX)

static bool utf8_terminal = true;

void text_set_utf8(bool utf8)
{
	utf8_terminal = utf8;
}

bool text_is_utf8(void)
{
	return utf8_terminal;
}

/* One code point of valid UTF-8; the length in bytes, 0 at the end of the text. */
static size_t decode(const char *text, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t length = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc0 ? 2 : 1;

	if (!*p)
		return 0;
	*code = length == 1 ? *p : *p & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80) { /* not sanitized: never run past the end */
			*code = '?';
			return i;
		}
		*code = *code << 6 | (p[i] & 0x3f);
	}
	return length;
}

/* What the terminal shows for a code point: its columns, *shown set when it is replaced. */
static int columns_of(uint32_t code, bool *replaced)
{
	int columns = code < 0x80 ? 1 : wcwidth((wchar_t)code);

	*replaced = code < 0x20 || code == 0x7f || (code >= 0x80 && !utf8_terminal) || columns < 1;
	return *replaced ? 1 : columns;
}

int text_width(const char *text)
{
	uint32_t code;
	bool replaced;
	int width = 0;

	for (size_t n; (n = decode(text, &code)) != 0; text += n)
		width += columns_of(code, &replaced);
	return width;
}

/* ---- eliding ----------------------------------------------------------------------------------
 */

/* Append code points of *from until the columns or the bytes are used up. */
static int copy_columns(const char *from, int columns, char *out, size_t size, size_t *used)
{
	uint32_t code;
	bool replaced;
	int done = 0;

	for (size_t n; (n = decode(from, &code)) != 0; from += n) {
		int width = columns_of(code, &replaced);
		size_t bytes = replaced ? 1 : n;

		if (done + width > columns || *used + bytes + 1 > size)
			break;
		memcpy(out + *used, replaced ? "?" : from, bytes);
		*used += bytes;
		done += width;
	}
	out[*used] = '\0';
	return done;
}

/* The longest tail of text that fits the columns. */
static const char *tail_of(const char *text, int columns)
{
	int width = text_width(text);
	uint32_t code;
	bool replaced;

	for (size_t n; width > columns && (n = decode(text, &code)) != 0; text += n)
		width -= columns_of(code, &replaced);
	return text;
}

static int elide(const char *text, int width, enum text_elide where, char *out, size_t size)
{
	const char *mark = utf8_terminal ? "\xe2\x80\xa6" : "~";
	int room = width - 1;
	/* The tail says more than the head: the method, the file and line. */
	int tail = where == TEXT_ELIDE_END ? 0 : room - room * 2 / 5;
	size_t used = 0;
	int done = copy_columns(text, room - tail, out, size, &used);

	done += copy_columns(mark, 1, out, size, &used);
	return done + copy_columns(tail_of(text, tail), tail, out, size, &used);
}

/* Sanitize a name of any length into a bounded buffer, keeping both of its ends. */
static void sanitize_ends(const char *text, char out[2 * END_BYTES])
{
	size_t length = strlen(text);
	size_t used;

	if (length < 2 * END_BYTES - 1) {
		sanitize(text, out, 2 * END_BYTES);
		return;
	}
	used = sanitize(text, out, END_BYTES);
	text += length - (END_BYTES - 1);
	while (((unsigned char)*text & 0xc0) == 0x80)
		text++;
	sanitize(text, out + used, 2 * END_BYTES - used);
}

/* Most text is printable ASCII that fits: it is copied as it is. False: look closer. */
static bool fit_plain(const char *text, int width, char *out, size_t size, int *used)
{
	int n = 0;

	while (n <= width && text[n] >= ' ' && text[n] < 0x7f)
		n++;
	if (text[n] || n > width || (size_t)n >= size)
		return false;
	memcpy(out, text, (size_t)n + 1);
	*used = n;
	return true;
}

int text_fit(const char *text, int width, enum text_elide where, char *out, size_t size)
{
	int plain;
	char clean[2 * END_BYTES];
	size_t used = 0;

	out[0] = '\0';
	if (width < 1 || !text)
		return 0;
	if (width > COLUMNS_MAX)
		width = COLUMNS_MAX;
	if (fit_plain(text, width, out, size, &plain))
		return plain;
	sanitize_ends(text, clean);
	if (text_width(clean) > width)
		return elide(clean, width, where, out, size);
	return copy_columns(clean, width, out, size, &used);
}

/* ---- wrapping ---------------------------------------------------------------------------------
 */

size_t text_wrap(const char *text, int width, size_t *skip)
{
	size_t at = 0, blank = 0;
	uint32_t code;
	bool replaced;
	int columns = 0;

	for (size_t n; (n = decode(text + at, &code)) != 0; at += n) {
		columns += columns_of(code, &replaced);
		if (columns > width && code != ' ')
			break;
		if (code == ' ' && text[at + n] != '%' && columns <= width + 1)
			blank = at;
	}
	if (text[at] && blank)
		at = blank;
	*skip = at;
	while (text[*skip] == ' ')
		++*skip;
	return at;
}
