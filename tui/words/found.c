/* SPDX-License-Identifier: MIT */
#include "tui/words/found.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/model/other_side.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"

#define CRASHES_MAX    64 /* as many as the model keeps */
#define ROWS_MAX       64 /* findings among which a pair of lines is looked for */
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

static void row_words(const struct conflict_row *row, char *out, size_t size)
{
	bool unordered = row->evidence == EVIDENCE_UNORDERED;
	char a[NAME_MAX_BYTES + 32], b[NAME_MAX_BYTES + 32];

	side_words(&row->a, a, sizeof(a));
	side_words(&row->b, b, sizeof(b));
	snprintf(out, size, "%s %s %s%s", a, unordered ? "and" : "against", b,
	         unordered ? ", with nothing that orders them" : "");
}

/* The runtime names one line of a fatal error. Another finding on the map may have both. */
static void fatal_words(struct conflict_row *const *rows, size_t count, char *out, size_t size)
{
	char a[NAME_MAX_BYTES + 32], pair[2 * NAME_MAX_BYTES + 128], other[OTHER_SIDE_MAX];

	side_words(&rows[0]->a, a, sizeof(a));
	for (size_t i = 1; i < count; i++)
		if (rows[i]->map == rows[0]->map && explain_side_is_known(rows[i], &rows[i]->b)) {
			row_words(rows[i], pair, sizeof(pair));
			snprintf(out, size, "fatal in %s; also seen on that map: %s", a, pair);
			return;
		}
	snprintf(out, size, "fatal in %s; %s", a, other_side_text(rows[0], other));
}

void found_where(const struct model *model, char *out, size_t size)
{
	const struct crash_row *crash = latest_crash(model);
	struct conflict_row *rows[ROWS_MAX];
	char a[NAME_MAX_BYTES + 32];
	size_t told, count = model_findings(model, NULL, rows, ROWS_MAX, &told);

	if (count && explain_side_is_known(rows[0], &rows[0]->b)) {
		row_words(rows[0], out, size);
	} else if (count) {
		fatal_words(rows, count, out, size);
	} else if (crash) {
		side_words(&crash->side, a, sizeof(a));
		snprintf(out, size, "%s by goroutine %" PRIu64, a,
		         (uint64_t)crash->side.access.goid);
	} else {
		snprintf(out, size, "the lines are not known");
	}
}
