/* SPDX-License-Identifier: MIT */
/*
 * sanitize: names from a target, made fit for a terminal or a text report.
 *
 * A symbol name may hold escape sequences, control or bidirectional characters, invalid UTF-8. None
 * of these ever reaches a terminal raw.
 */
#ifndef GOMAPTOP_CORE_SANITIZE_H
#define GOMAPTOP_CORE_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One character of UTF-8. Returns its length in bytes, or 0 when they are not well-formed (overlong
 * forms and values past U+10FFFF included; a NUL ends them). Surrogates are decoded like others. */
size_t utf8_decode(const unsigned char *text, uint32_t *code);

/* A code point that a terminal acts on, or shows as nothing or out of order. */
bool sanitize_refuses(uint32_t code);

/* Copy text into out (size > 0, always NUL-terminated): control characters, invalid UTF-8,
 * zero-width, bidirectional and private-use code points become '?'. Returns the length written. */
size_t sanitize(const char *text, char *out, size_t size);

#endif
