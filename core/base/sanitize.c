/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/sanitize.h"

struct code_range {
	uint32_t first, last;
};

/* What a terminal acts on, or shows as nothing or out of order. By code point. */
static const struct code_range refused[] = {
        {0x0000, 0x001f},    /* C0 controls */
        {0x007f, 0x009f},    /* delete and C1 controls */
        {0x00ad, 0x00ad},    /* soft hyphen */
        {0x0300, 0x036f},    /* combining marks: no width of their own */
        {0x0483, 0x0489},    /* combining Cyrillic */
        {0x061c, 0x061c},    /* Arabic letter mark: bidirectional */
        {0x115f, 0x1160},    /* Hangul fillers: invisible */
        {0x17b4, 0x17b5},    /* Khmer inherent vowels: invisible */
        {0x180b, 0x180f},    /* Mongolian selectors and separator */
        {0x1ab0, 0x1aff},    /* combining marks, extended */
        {0x1dc0, 0x1dff},    /* combining marks, supplement */
        {0x200b, 0x200f},    /* zero-width, left-to-right and right-to-left marks */
        {0x2028, 0x202e},    /* line and paragraph separators, bidirectional embeddings */
        {0x2060, 0x206f},    /* invisible operators, bidirectional isolates */
        {0x20d0, 0x20ff},    /* combining marks for symbols */
        {0x3164, 0x3164},    /* Hangul filler */
        {0xd800, 0xf8ff},    /* surrogates, private use */
        {0xfdd0, 0xfdef},    /* noncharacters */
        {0xfe00, 0xfe0f},    /* variation selectors */
        {0xfe20, 0xfe2f},    /* combining half marks */
        {0xfeff, 0xfeff},    /* byte order mark */
        {0xffa0, 0xffa0},    /* halfwidth Hangul filler */
        {0xfff0, 0xffff},    /* specials: annotation, replacement, noncharacters */
        {0x1d173, 0x1d17a},  /* musical formatting */
        {0xe0000, 0x10ffff}, /* tags, variation selectors, private use planes */
};

bool sanitize_refuses(uint32_t code)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (code >= refused[i].first && code <= refused[i].last)
			return true;
	return (code & 0xfffe) == 0xfffe;
}

size_t utf8_decode(const unsigned char *text, uint32_t *code)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
	        {0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	size_t length = 0;

	while (length < 4 && (text[0] & forms[length].mask) != forms[length].lead)
		length++;
	if (length == 4)
		return 0;
	*code = text[0] & (unsigned char)~forms[length].mask;
	for (size_t i = 1; i <= length; i++) {
		if ((text[i] & 0xc0) != 0x80) /* the terminating NUL ends here too */
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	return *code >= forms[length].least && *code <= 0x10ffff ? length + 1 : 0;
}

size_t sanitize(const char *text, char *out, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t written = 0;

	while (*at) {
		uint32_t code;
		size_t length = utf8_decode(at, &code);
		bool bad = length == 0 || sanitize_refuses(code);
		size_t width = bad ? 1 : length;
		if (written + width >= size)
			break;
		if (bad)
			out[written] = '?';
		else
			memcpy(out + written, at, length);
		written += width;
		at += length ? length : 1;
	}
	out[written] = '\0';
	return written;
}
