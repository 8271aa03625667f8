/* SPDX-License-Identifier: MIT */
/*
 * json_writer: a JSON text written to a stream value by value, as it comes, indented by one space a
 * level; the memory that it takes does not grow with the text.
 *
 * Every value is put with the key that it has in the object that is open, or with NULL where a list
 * is open and for the outermost value. What fails (the stream) is remembered and said at the end.
 * One thread.
 */
#ifndef GOMAPTOP_CORE_JSON_WRITER_H
#define GOMAPTOP_CORE_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer;

/* 0 or -ENOMEM. The stream stays the caller's. */
int json_writer_create(FILE *out, struct json_writer **writer);
/* All on one line; before the first value. */
void json_writer_compact(struct json_writer *writer);
/* The text is whole: a line feed, and all of it handed to the stream (which is not flushed). 0 or
 * -errno of the first thing that failed. */
int json_writer_finish(struct json_writer *writer);
void json_writer_destroy(struct json_writer *writer); /* accepts NULL */

void json_begin_object(struct json_writer *writer, const char *key);
void json_end_object(struct json_writer *writer);
void json_begin_list(struct json_writer *writer, const char *key);
void json_end_list(struct json_writer *writer);

void json_put_null(struct json_writer *writer, const char *key);
void json_put_bool(struct json_writer *writer, const char *key, bool value);
void json_put_integer(struct json_writer *writer, const char *key, int64_t value);
/* Nine digits; null where it is no number. */
void json_put_real(struct json_writer *writer, const char *key, double value);
/* Each byte that is no part of well-formed UTF-8 becomes U+FFFD. */
void json_put_bytes(struct json_writer *writer, const char *key, const char *text, size_t size);
/* The same up to the NUL; NULL and "" are null. */
void json_put_text(struct json_writer *writer, const char *key, const char *text);

#endif
