/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/copy_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "core/model/other_side.h"
#include "core/report/order_text.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"

#define LINE_BYTES 4096

void copy_line(struct copy_text *text, const char *fmt, ...)
{
	char line[LINE_BYTES], clean[LINE_BYTES];
	size_t length;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	length = sanitize(line, clean, sizeof(clean));
	if (text->used + length + 2 > text->size)
		return;
	memcpy(text->out + text->used, clean, length);
	text->used += length;
	text->out[text->used++] = '\n';
	text->out[text->used] = '\0';
}

static void add_frame(struct copy_text *text, const struct frame *frame)
{
	char path[LINE_BYTES];

	copy_line(text, "  %s", frame->function ? frame->function : "unknown function");
	copy_line(text, "      %s", format_path(frame, path, sizeof(path)));
}

static void add_side(struct copy_text *text, const struct side *side)
{
	copy_line(text, "%s by goroutine %" PRIu64 ", thread %u, in %s",
	          map_op_name(side->access.op), (uint64_t)side->access.goid, side->access.tid,
	          side->runtime_function ? side->runtime_function : "the runtime");
	for (int i = 0; i < side->chain_length; i++)
		add_frame(text, &side->chain[i]);
	if (side->created_by.function) {
		copy_line(text, "  created by");
		add_frame(text, &side->created_by);
	}
}

size_t copy_conflict(const struct conflict_row *conflict, char *out, size_t size)
{
	bool unordered = conflict->evidence == EVIDENCE_UNORDERED;
	struct copy_text text = {out, size, 0};
	char name[EXPLAIN_MAX], other[OTHER_SIDE_MAX];

	copy_line(&text, "%s%s on %s, seen %" PRIu64 " time%s", unordered ? "unordered " : "",
	          conflict_kind_name(conflict->kind),
	          conflict->map ? explain_map_name(conflict->map, name, sizeof(name)) : "a map",
	          conflict->count, conflict->count == 1 ? "" : "s");
	if (unordered)
		copy_line(&text, UNORDERED_WORDS "; not caught at the same time");
	add_side(&text, &conflict->a);
	if (explain_side_is_known(conflict, &conflict->b))
		add_side(&text, &conflict->b);
	else
		copy_line(&text, "%s", other_side_text(conflict, other));
	return text.used;
}

static size_t copy_chain(const struct chain_row *chain, char *out, size_t size)
{
	struct copy_text text = {out, size, 0};

	copy_line(&text, "%s, seen %" PRIu64 " time%s", map_op_name(chain->op), chain->count,
	          chain->count == 1 ? "" : "s");
	for (int i = 0; i < chain->chain_length; i++)
		add_frame(&text, &chain->chain[i]);
	return text.used;
}

size_t copy_chain_list(const struct chain_list *chains, char *out, size_t size)
{
	const struct conflict_row *conflict = chain_list_conflict(chains);
	size_t index = chains->list.selected - chains->conflict_count;

	if (conflict)
		return copy_conflict(conflict, out, size);
	return chains->list.selected >= chains->conflict_count && index < chains->row_count
	               ? copy_chain(chains->rows[index], out, size)
	               : 0;
}

size_t copy_table(const struct table *table, char *out, size_t size)
{
	struct copy_text text = {out, size, 0};
	const void *row = table_selected(table);
	struct cell cell;

	for (int i = 0; row && i < table->spec->column_count; i++) {
		if (table->hidden >> i & 1)
			continue;
		cell.text[0] = '\0';
		table->spec->columns[i].render(row, &cell);
		copy_line(&text, "%-12s %s", table->spec->columns[i].title, cell.text);
	}
	return text.used;
}
