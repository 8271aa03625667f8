/* SPDX-License-Identifier: MIT */
/*
 * found: what a run has found, in two lines for the end: what, and where in the program.
 *
 * Names are those of the target: sanitize the lines before they go to a terminal. The model's
 * thread.
 */
#ifndef GOMAPTOP_TUI_FOUND_H
#define GOMAPTOP_TUI_FOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model/model.h"

#define FOUND_MAX 8192 /* bytes of a line, NUL included */

/* A conflict, an unordered pair or a crash. */
bool found_anything(const struct model *model);
/* "3 conflicts, 1 unordered pair; process 4242 died: fatal error: concurrent map writes" */
void found_what(const struct model *model, char *out, size_t size);
/* "write at a.go:30 main.debit against read at a.go:20 main.credit": of the finding that comes
 * first on the screen; of a fatal error, whose other side the runtime does not name, with another
 * finding on the map behind it. With none, of the latest crash. */
void found_where(const struct model *model, char *out, size_t size);

#endif
