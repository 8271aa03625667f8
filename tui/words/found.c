/* SPDX-License-Identifier: MIT */
#include "tui/words/found.h"

#include <inttypes.h>
#include <stdio.h>

#include "tui/words/explain.h"
#include "tui/words/format.h"

#define CRASHES_MAX    64 /* as many as the model keeps */
#define NAME_MAX_BYTES 2048

bool found_anything(const struct model *model)
{
	return model_has_finding(model) || model_crash_count(model) > 0;
}

static const struct crash_row *latest_crash(const struct model *model)
{
	struct crash_row *rows[CRASHES_MAX];
	size_t count = model_crashes(model, rows, CRASHES_MAX);

	return count ? rows[count - 1] : NULL;
}

static int count_add(char *out, size_t size, const char *before, uint64_t count, const char *what)
{
	int used = count ? snprintf(out, size, "%s%" PRIu64 " %s%s", before, count, what,
	                            count == 1 ? "" : "s")
	                 : 0;

	return (size_t)used < size ? used : (int)size - 1;
}

void found_what(const struct model *model, char *out, size_t size)
{
	const struct crash_row *crash = latest_crash(model);
	size_t crashes = model_crash_count(model);
	int used;

	*out = '\0';
	used = count_add(out, size, "", model_conflict_total(model), "conflict");
	used += count_add(out + used, size - (size_t)used, used ? ", " : "",
	                  model_unordered_total(model), "unordered pair");
	if (!crash)
		return;
	used += snprintf(out + used, size - (size_t)used, "%sprocess %u died: fatal error: %s",
	                 used ? "; " : "", crash->tgid, crash->message);
	if (crashes > 1 && (size_t)used < size)
		snprintf(out + used, size - (size_t)used, " (the latest of %zu crashes)", crashes);
}

/* "write at a.go:30 main.debit" */
static void side_words(const struct side *side, char *out, size_t size)
{
	char line[NAME_MAX_BYTES] = "a line that is not known", function[NAME_MAX_BYTES] = "";

	if (side->chain_length) {
		format_line(&side->chain[0], line, sizeof(line));
		if (side->chain[0].function)
			format_function(&side->chain[0], function, sizeof(function));
	}
	snprintf(out, size, "%s at %.1000s%s%.1000s", map_op_name(side->access.op), line,
	         *function ? " " : "", function);
}

void found_where(const struct model *model, char *out, size_t size)
{
	const struct crash_row *crash = latest_crash(model);
	char a[NAME_MAX_BYTES + 32], b[NAME_MAX_BYTES + 32];
	struct conflict_row *row;
	size_t told;

	if (!model_findings(model, NULL, &row, 1, &told)) {
		snprintf(out, size, "the lines are not known");
		if (!crash)
			return;
		side_words(&crash->side, a, sizeof(a));
		snprintf(out, size, "%s by goroutine %" PRIu64, a,
		         (uint64_t)crash->side.access.goid);
		return;
	}
	side_words(&row->a, a, sizeof(a));
	side_words(&row->b, b, sizeof(b));
	if (!explain_side_is_known(row, &row->b))
		snprintf(out, size, "%s; the runtime does not name the other side", a);
	else if (row->evidence == EVIDENCE_UNORDERED)
		snprintf(out, size, "%s and %s, with nothing that orders them", a, b);
	else
		snprintf(out, size, "%s against %s", a, b);
}
