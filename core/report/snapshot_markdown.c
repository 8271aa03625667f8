/* SPDX-License-Identifier: MIT */
/* Findings as bug reports in Markdown, to be pasted into a ticket. Names stand in code spans
 * without backticks, or behind four blanks in fenced blocks, so that none of them is markup. */
#define _GNU_SOURCE /* asprintf() */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/local_time.h"
#include "core/base/sanitize.h"
#include "core/report/order_text.h"
#include "core/report/snapshot_internal.h"

#define REPORTS_MAX 20
#define LINES_MAX   40

/* ---- text ---------------------------------------------------------------------------- */

/* A code span. */
static void put_code(FILE *out, const char *text)
{
	size_t size = strlen(text) + 1;
	char *clean = malloc(size);

	if (!clean)
		return;
	sanitize(text, clean, size);
	for (char *p = clean; *p; p++)
		*p = *p == '`' ? '\'' : *p;
	fprintf(out, "`%s`", *clean ? clean : "?");
	free(clean);
}

/* "- name: `value`"; nothing where it is not known. */
static void put_fact(FILE *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(out, "- %s: ", name);
	put_code(out, value);
	fputc('\n', out);
}

static void put_time(const struct snapshot_context *context, FILE *out, uint64_t monotonic_ns)
{
	char time[LOCAL_TIME_MAX];

	fputs(local_time_format(snapshot_realtime(context, monotonic_ns), time), out);
}

/* "`main.f` at `/src/x.go:12`" */
static void put_frame(FILE *out, const struct frame *frame)
{
	char *place = NULL;

	put_code(out, frame->function ? frame->function : "a function that is not known");
	if (!frame->file || asprintf(&place, "%s:%d", frame->file, frame->line) < 0)
		return;
	fputs(" at ", out);
	put_code(out, place);
	free(place);
}

static const struct frame *line_of(const struct side *side)
{
	static const struct frame unknown;

	return side->chain_length ? &side->chain[0] : &unknown;
}

/* ---- one finding --------------------------------------------------------------------- */

static void put_target(const struct model *model, const struct snapshot_context *context,
                       uint32_t tgid, FILE *out)
{
	const struct target_row *target = model_target(model, tgid);
	char host[256];

	fprintf(out, "- process: pid %u", tgid);
	if (target) {
		fputs(", ", out);
		put_code(out, target->exe);
	}
	fputc('\n', out);
	snprintf(host, sizeof(host), "%.128s, Linux %.64s %.32s",
	         context->hostname ? context->hostname : "not known",
	         context->kernel ? context->kernel : "", context->arch ? context->arch : "");
	put_fact(out, "host", host);
	if (target) {
		put_fact(out, "Go", target->go_version);
		put_fact(out, "module", target->module);
		put_fact(out, "revision", target->revision);
		put_fact(out, "build id", target->build_id);
	}
}

static void put_decided(FILE *out, const struct conflict_row *row)
{
	if (row->evidence == EVIDENCE_OVERLAP)
		fprintf(out,
		        "- proven: a was held inside its operation for %.3g ms (a pause that "
		        "gomaptop adds), and b began its own on the same map after %.3g ms of it\n",
		        (double)row->hold_ns / 1e6, (double)row->after_ns / 1e6);
	else if (row->evidence == EVIDENCE_UNORDERED)
		fprintf(out,
		        "- unordered: b came %.3g ms after a, and no lock, channel, start of a "
		        "goroutine, wake-up or atomic between the two orders them; they were not "
		        "caught at the same time\n",
		        (double)row->gap_ns / 1e6);
	else
		fputs("- proven: the Go runtime ended the process with a fatal error at a; it "
		      "does not name the other side\n",
		      out);
}

static void put_times(const struct snapshot_context *context, FILE *out,
                      const struct conflict_row *row)
{
	fprintf(out, "- seen %" PRIu64 " time%s in %.0f s of watching, first ", row->count,
	        row->count == 1 ? "" : "s", context->seconds);
	put_time(context, out, row->first_ns);
	if (row->last_ns > row->first_ns) {
		fputs(", last ", out);
		put_time(context, out, row->last_ns);
	}
	fputc('\n', out);
}

static void put_source(const struct snapshot_context *context, FILE *out, const struct side *side)
{
	struct source_lines *lines = context->source ? calloc(1, sizeof(*lines)) : NULL;

	if (!lines || !side->chain_length)
		goto cleanup;
	context->source(side->access.tgid, &side->chain[0], lines);
	if (!lines->count) {
		fputs("\nSource not shown: ", out);
		put_code(out, lines->missing);
		fputc('\n', out);
		goto cleanup;
	}
	fputs("\n```go\n", out);
	for (int i = 0; i < lines->count; i++) {
		fprintf(out, "/* %s %5d */ ", i == lines->marked ? ">" : " ", lines->first + i);
		snapshot_put_clean(out, lines->text[i]);
		fputc('\n', out);
	}
	fputs("```\n", out);
cleanup:
	free(lines);
}

static void put_chain(FILE *out, const struct frame *chain, int length)
{
	for (int i = 0; i < length; i++) {
		fputs("    ", out);
		snapshot_put_clean(out, chain[i].function ? chain[i].function : "?");
		if (chain[i].file) {
			fputs("  ", out);
			snapshot_put_clean(out, chain[i].file);
			fprintf(out, ":%d", chain[i].line);
		}
		fputc('\n', out);
	}
}

static void put_side(const struct snapshot_context *context, FILE *out, const char *name,
                     const struct side *side)
{
	fprintf(out, "\n### %s: %s by goroutine %" PRIu64 ", thread %u\n\n", name,
	        map_op_name(side->access.op), (uint64_t)side->access.goid, side->access.tid);
	put_frame(out, line_of(side));
	fputs(", ", out);
	put_time(context, out, side->access.time_ns);
	fputc('\n', out);
	put_source(context, out, side);
	fputs("\n```\n", out);
	put_chain(out, side->chain, side->chain_length);
	if (side->created_by.function) {
		fputs("    created by\n", out);
		put_chain(out, &side->created_by, 1);
	}
	fputs("```\n", out);
}

/* All lines that were seen to use the map. */
static void put_lines(FILE *out, const struct map_row *map)
{
	char text[512];

	fputs("\n### The map\n\n", out);
	order_pairs_text(&map->order, text, sizeof(text));
	put_fact(out, "pairs of accesses", text);
	order_guard_text(&map->guard, text, sizeof(text));
	put_fact(out, "guard", text);
	order_bare_text(&map->guard, text, sizeof(text));
	put_fact(out, "without it", text);
	if (map->born_length) {
		fputs("- made in ", out);
		put_frame(out, &map->born[0]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < map->chain_count && i < LINES_MAX; i++) {
		const struct chain_row *chain = &map->chains[i];

		if (!chain->chain_length)
			continue;
		fprintf(out, "- %s in ", map_op_name(chain->op));
		put_frame(out, &chain->chain[0]);
		fprintf(out, ", sampled %" PRIu64 " time%s\n", chain->count,
		        chain->count == 1 ? "" : "s");
	}
	if (map->chain_count > LINES_MAX)
		fprintf(out, "- and %zu more call chains\n", map->chain_count - LINES_MAX);
}

static const char *const advice[CONFLICT_KIND_COUNT] = {
        [CONFLICT_READ_WRITE] =
                "Both lines must hold the same lock: the one that changes the map `Lock`, the one "
                "that reads it at least `RLock` of the same `sync.RWMutex`. Or replace the map: "
                "by a `sync.Map`, or by one that is never changed and swapped whole through an "
                "`atomic.Pointer`.",
        [CONFLICT_WRITE_WRITE] =
                "Both lines change the map and must hold the same lock exclusively (`Lock`; "
                "`RLock` is not enough). Or let one goroutine own the map and send it what is to "
                "be changed through a channel, or replace the map by a `sync.Map`.",
        [CONFLICT_ITERATE_WRITE] =
                "The whole `range` loop and the line that changes the map must hold the same lock; "
                "a loop that takes long can range over a copy (`maps.Clone`) that is made under "
                "it. `sync.Map` has `Range` for this.",
};

static void put_advice(FILE *out, const struct conflict_row *row)
{
	fputs("\n### What to do\n\n", out);
	put_frame(out, line_of(&row->a));
	if (row->evidence != EVIDENCE_FATAL) {
		fputs(" and ", out);
		put_frame(out, line_of(&row->b));
	}
	fprintf(out, ": %s Every other line above that uses the map needs the same.\n",
	        advice[row->kind]);
}

void snapshot_finding_markdown(const struct model *model, const struct snapshot_context *context,
                               const struct conflict_row *row, FILE *out)
{
	fprintf(out, "## %s %s on Go map ",
	        row->evidence == EVIDENCE_UNORDERED ? "Unordered" : "Concurrent",
	        conflict_kind_name(row->kind));
	put_code(out, row->map && row->map->type ? row->map->type : "of a type that is not known");
	fputs("\n\n", out);
	put_target(model, context, row->a.access.tgid, out);
	put_times(context, out, row);
	put_decided(out, row);
	put_side(context, out, "a", &row->a);
	if (row->evidence != EVIDENCE_FATAL)
		put_side(context, out, "b", &row->b);
	if (row->map)
		put_lines(out, row->map);
	put_advice(out, row);
	fprintf(out, "\nFound by gomaptop %s.\n",
	        context->tool_version ? context->tool_version : "");
}

/* ---- a whole watch ------------------------------------------------------------------- */

static void put_crashes(const struct snapshot_context *context, const struct snapshot_rows *rows,
                        FILE *out)
{
	for (size_t i = 0; i < rows->crash_count; i++) {
		const struct crash_row *crash = rows->crashes[i];

		fprintf(out, "## Process %u died: fatal error: ", crash->tgid);
		put_code(out, crash->message);
		fputs("\n", out);
		put_side(context, out, "where", &crash->side);
		fputc('\n', out);
	}
}

int snapshot_markdown_write(const struct model *model, const struct snapshot_context *context,
                            const struct snapshot_rows *rows, FILE *out)
{
	char gaps[SNAPSHOT_GAPS_MAX];

	put_crashes(context, rows, out);
	for (size_t i = 0; i < rows->conflict_count && i < REPORTS_MAX; i++) {
		if (i)
			fputc('\n', out);
		snapshot_finding_markdown(model, context, rows->conflicts[i], out);
	}
	if (rows->conflict_count > REPORTS_MAX)
		fprintf(out, "\nAnd %zu more; `--format json` has them all.\n",
		        rows->conflict_count - REPORTS_MAX);
	if (!rows->conflict_count && !rows->crash_count)
		fprintf(out, "No finding in %.0f s of watching%s%s.\n", context->seconds,
		        snapshot_gaps(model, context, gaps) ? ", but " : "", gaps);
	return 0;
}
