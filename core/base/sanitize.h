/* SPDX-License-Identifier: MIT */
/*
 * sanitize: names from a target, made fit for a terminal or a text report.
 *
 * A symbol name may hold escape sequences, control or bidirectional characters, invalid UTF-8. None
 * of these ever reaches a terminal raw.
 */
#ifndef GOMAPTOP_CORE_SANITIZE_H
#define GOMAPTOP_CORE_SANITIZE_H

#include <stddef.h>

/* Copy text into out (size > 0, always NUL-terminated): control characters, invalid UTF-8,
 * zero-width, bidirectional and private-use code points become '?'. Returns the length written. */
size_t sanitize(const char *text, char *out, size_t size);

#endif
