/* SPDX-License-Identifier: MIT */
#include "core/base/json_writer.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sanitize.h"

#define BUFFER_SIZE 65536
#define REAL_DIGITS 9
#define NUMBER_MAX  32

struct json_writer {
	FILE *out;
	size_t used;  /* of buffer */
	int depth;    /* objects and lists that are open */
	bool compact; /* on one line */
	bool first;   /* nothing is in the one that was opened last */
	int error;    /* 0, or the first -errno */
	char buffer[BUFFER_SIZE];
};

int json_writer_create(FILE *out, struct json_writer **writer)
{
	struct json_writer *w = malloc(sizeof(*w));

	*writer = w;
	if (!w)
		return -ENOMEM;
	w->out = out;
	w->used = 0;
	w->depth = w->error = 0;
	w->first = true;
	w->compact = false;
	return 0;
}

void json_writer_compact(struct json_writer *writer)
{
	writer->compact = true;
}

void json_writer_destroy(struct json_writer *writer)
{
	free(writer);
}

/* ---- bytes --------------------------------------------------------------------------- */

static void buffer_flush(struct json_writer *w)
{
	if (!w->error && fwrite(w->buffer, 1, w->used, w->out) < w->used)
		w->error = errno ? -errno : -EIO;
	w->used = 0;
}

static void write_bytes(struct json_writer *w, const char *bytes, size_t size)
{
	while (size > BUFFER_SIZE - w->used) {
		size_t part = BUFFER_SIZE - w->used;

		memcpy(w->buffer + w->used, bytes, part);
		w->used += part;
		bytes += part;
		size -= part;
		buffer_flush(w);
	}
	memcpy(w->buffer + w->used, bytes, size);
	w->used += size;
}

static void write_byte(struct json_writer *w, char byte)
{
	if (w->used == BUFFER_SIZE)
		buffer_flush(w);
	w->buffer[w->used++] = byte;
}

int json_writer_finish(struct json_writer *writer)
{
	write_byte(writer, '\n');
	buffer_flush(writer);
	return writer->error;
}

/* ---- strings ------------------------------------------------------------------------- */

static bool is_plain(unsigned char byte)
{
	return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

static void write_unit(struct json_writer *w, unsigned int unit)
{
	char text[8];

	snprintf(text, sizeof(text), "\\u%04X", unit & 0xffff);
	write_bytes(w, text, strlen(text));
}

/* A control character, a quote, a backslash, or what a terminal would act on: the file can be
 * printed with cat. */
static void write_escaped(struct json_writer *w, uint32_t code)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (size_t i = 0; letters[i]; i += 2) {
		if ((unsigned char)letters[i] == code) {
			write_byte(w, '\\');
			write_byte(w, letters[i + 1]);
			return;
		}
	}
	if (code > 0xffff) {
		write_unit(w, 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + ((code - 0x10000) & 0x3ff);
	}
	write_unit(w, code);
}

/* Returns the number of bytes that were used of the text. */
static size_t write_character(struct json_writer *w, const unsigned char *text)
{
	uint32_t code = 0;
	size_t length = utf8_decode(text, &code);

	if (!length || (code >= 0xd800 && code < 0xe000))
		write_bytes(w, "\xef\xbf\xbd", 3);
	else if (length == 1 || sanitize_refuses(code))
		write_escaped(w, code);
	else
		write_bytes(w, (const char *)text, length);
	return length && !(code >= 0xd800 && code < 0xe000) ? length : 1;
}

static void write_string(struct json_writer *w, const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + size;

	write_byte(w, '"');
	while (p < end) {
		size_t length = 0;

		while (p + length < end && is_plain(p[length]))
			length++;
		write_bytes(w, (const char *)p, length);
		p += length;
		if (p == end)
			break;
		p += write_character(w, p);
	}
	write_byte(w, '"');
}

/* ---- values -------------------------------------------------------------------------- */

static void write_line(struct json_writer *w)
{
	if (w->compact)
		return;
	write_byte(w, '\n');
	for (int i = 0; i < w->depth; i++)
		write_byte(w, ' ');
}

/* All that stands before a value. */
static void value_begin(struct json_writer *w, const char *key)
{
	if (!w->first)
		write_byte(w, ',');
	w->first = false;
	if (w->depth)
		write_line(w);
	if (key) {
		write_string(w, key, strlen(key));
		write_bytes(w, ": ", 2);
	}
}

static void group_begin(struct json_writer *w, const char *key, char bracket)
{
	value_begin(w, key);
	write_byte(w, bracket);
	w->depth++;
	w->first = true;
}

static void group_end(struct json_writer *w, char bracket)
{
	w->depth--;
	if (!w->first)
		write_line(w);
	write_byte(w, bracket);
	w->first = false;
}

void json_begin_object(struct json_writer *writer, const char *key)
{
	group_begin(writer, key, '{');
}

void json_end_object(struct json_writer *writer)
{
	group_end(writer, '}');
}

void json_begin_list(struct json_writer *writer, const char *key)
{
	group_begin(writer, key, '[');
}

void json_end_list(struct json_writer *writer)
{
	group_end(writer, ']');
}

static void put_word(struct json_writer *w, const char *key, const char *word)
{
	value_begin(w, key);
	write_bytes(w, word, strlen(word));
}

void json_put_null(struct json_writer *writer, const char *key)
{
	put_word(writer, key, "null");
}

void json_put_bool(struct json_writer *writer, const char *key, bool value)
{
	put_word(writer, key, value ? "true" : "false");
}

void json_put_integer(struct json_writer *writer, const char *key, int64_t value)
{
	char text[NUMBER_MAX], *at = text + sizeof(text);
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (value < 0)
		*--at = '-';
	value_begin(writer, key);
	write_bytes(writer, at, (size_t)(text + sizeof(text) - at));
}

/* The library knows how, whatever the locale says about decimal points. */
void json_put_real(struct json_writer *writer, const char *key, double value)
{
	char text[NUMBER_MAX];
	json_t *number = value != 0 && isfinite(value) ? json_real(value) : NULL;
	size_t length = 0;

	if (number)
		length = json_dumpb(number, text, sizeof(text),
		                    JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(number);
	if (!isfinite(value)) {
		json_put_null(writer, key);
		return;
	}
	value_begin(writer, key);
	if (value == 0)
		write_bytes(writer, "0.0", 3);
	else if (length && length <= sizeof(text))
		write_bytes(writer, text, length);
	else if (!writer->error)
		writer->error = -ENOMEM;
}

void json_put_bytes(struct json_writer *writer, const char *key, const char *text, size_t size)
{
	value_begin(writer, key);
	write_string(writer, text, size);
}

void json_put_text(struct json_writer *writer, const char *key, const char *text)
{
	if (text && *text)
		json_put_bytes(writer, key, text, strlen(text));
	else
		json_put_null(writer, key);
}
