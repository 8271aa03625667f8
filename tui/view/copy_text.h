/* SPDX-License-Identifier: MIT */
/*
 * copy_text: rows as text for a ticket or a chat: whole names, whole paths, no columns to fit.
 *
 * Each writes NUL-terminated, sanitized text of whole lines and returns its length, cut at the end
 * of a line where size is too small.
 */
#ifndef GOMAPTOP_TUI_COPY_TEXT_H
#define GOMAPTOP_TUI_COPY_TEXT_H

#include <stddef.h>

#include "tui/view/chain_list.h"
#include "tui/widget/table.h"
#include "tui/words/rows.h"

size_t copy_conflict(const struct conflict_row *conflict, char *out, size_t size);
/* The selected item: a conflict or a call chain. */
size_t copy_chain_list(const struct chain_list *chains, char *out, size_t size);
/* The selected row of a table, a line for each column that is not hidden. */
size_t copy_table(const struct table *table, char *out, size_t size);

/* Text that is being made: lines that do not fit any more are left out. */
struct copy_text {
	char *out;
	size_t size, used;
};

/* Add a line, printf-like, and the end of it. */
void copy_line(struct copy_text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
