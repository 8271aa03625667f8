/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/term/text.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "core/base/sanitize.h"
#include "tui/term/text_shorten.h"

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

static int text_width_of(const char *text, size_t bytes)
{
	uint32_t code;
	bool replaced;
	int width = 0;

	for (size_t at = 0, n; at < bytes && (n = decode(text + at, &code)) != 0; at += n)
		width += columns_of(code, &replaced);
	return width;
}

int text_width(const char *text)
{
	return text_width_of(text, SIZE_MAX);
}

/* ---- shortening --------------------------------------------------------------------
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

size_t text_head(const char *text, int columns)
{
	uint32_t code;
	bool replaced;
	size_t at = 0;

	for (size_t n; (n = decode(text + at, &code)) != 0; at += n) {
		columns -= columns_of(code, &replaced);
		if (columns < 0)
			break;
	}
	return at;
}

size_t text_tail(const char *text, int columns)
{
	int width = text_width(text);
	uint32_t code;
	bool replaced;
	size_t at = 0;

	for (size_t n; width > columns && (n = decode(text + at, &code)) != 0; at += n)
		width -= columns_of(code, &replaced);
	return at;
}

static const char *mark(void)
{
	return utf8_terminal ? "\xe2\x80\xa6" : "..";
}

int text_mark_width(void)
{
	return utf8_terminal ? 1 : 2;
}

int text_least_width(const char *text, enum text_kind kind)
{
	const char *colon = kind == TEXT_PLACE ? strrchr(text, ':') : NULL;
	int width = text_width(text), least = 1;

	if (colon)
		least = text_mark_width() + text_width(colon);
	else if (kind == TEXT_WHOLE || kind == TEXT_PLACE)
		least = width;
	return least < width ? least : width;
}

static int shorten(const char *text, int width, enum text_kind kind, char *out, size_t size)
{
	struct text_cut cut;
	size_t used = 0;
	int done;

	if (!text_cut_find(text, width, kind, &cut))
		return 0;
	done = copy_columns(text, text_width_of(text, cut.head), out, size, &used);
	done += copy_columns(mark(), text_mark_width(), out, size, &used);
	return done + copy_columns(text + cut.tail, width, out, size, &used);
}

/* Clean text that may have to be shortened. */
static int fit_clean(const char *text, int width, enum text_kind kind, char *out, size_t size)
{
	size_t used = 0;

	if (text_width(text) > width)
		return shorten(text, width, kind, out, size);
	return copy_columns(text, width, out, size, &used);
}

/* The function gets half, the place what is left over by it, or the other way round. */
static int fit_site(char *text, int width, char *out, size_t size)
{
	char *blank = strchr(text, ' ');
	const char *function = blank ? blank + strspn(blank, " ") : "";
	int place_width, done;
	size_t used;

	if (blank)
		*blank = '\0';
	place_width = width - text_width(function) - 1;
	place_width = place_width > width / 2 ? place_width : width / 2;
	if (place_width < text_least_width(text, TEXT_PLACE))
		place_width = width;
	done = fit_clean(text, place_width, TEXT_PLACE, out, size);
	used = strlen(out);
	if (!*function || width - done < 3 || used + 1 >= size)
		return done;
	out[used++] = ' ';
	out[used] = '\0';
	return done + 1 +
	       fit_clean(function, width - done - 1, TEXT_FUNCTION, out + used, size - used);
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

int text_fit(const char *text, int width, enum text_kind kind, char *out, size_t size)
{
	int plain;
	char clean[2 * END_BYTES];

	out[0] = '\0';
	if (width < 1 || !text)
		return 0;
	if (width > COLUMNS_MAX)
		width = COLUMNS_MAX;
	if (fit_plain(text, width, out, size, &plain))
		return plain;
	sanitize_ends(text, clean);
	if (kind == TEXT_SITE && text_width(clean) > width)
		return fit_site(clean, width, out, size);
	return fit_clean(clean, width, kind, out, size);
}

/* ---- wrapping ---------------------------------------------------------------------------------
 */

size_t text_wrap(const char *text, int width, size_t *skip)
{
	size_t at = 0, blank = 0, begin;
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
	else if (text_parts_number(text, at, &begin) && begin)
		at = begin;
	*skip = at;
	while (text[*skip] == ' ')
		++*skip;
	return at;
}
