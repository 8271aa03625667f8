/* SPDX-License-Identifier: MIT */
/* The snapshot as a report for people: 80 columns, the worst first. Names pass through sanitize().
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "core/base/thousands.h"
#include "core/event/trouble.h"
#include "core/probe/access_key.h"
#include "core/report/order_text.h"
#include "core/report/overhead_text.h"
#include "core/report/snapshot_internal.h"

#define COLUMNS         80
#define VERDICT_COLUMNS 9
/* What a report shows in full; the JSON has everything. */
#define CONFLICTS_SHOWN 20
#define MAPS_SHOWN      40
#define NAME_MAX_BYTES  512

enum tone { TONE_PLAIN, TONE_BAD, TONE_WARN, TONE_GOOD, TONE_TITLE };

static const char *const tone_codes[] = {"", "\x1b[1;31m", "\x1b[33m", "\x1b[32m", "\x1b[1m"};

static const enum tone verdict_tones[VERDICT_COUNT] = {
        [VERDICT_CONFLICT] = TONE_BAD, [VERDICT_UNORDERED] = TONE_BAD,
        [VERDICT_SUSPECT] = TONE_WARN, [VERDICT_GUARDED] = TONE_GOOD,
        [VERDICT_SHARED] = TONE_PLAIN, [VERDICT_LOCAL] = TONE_PLAIN,
};

/* Print in a tone; where there is no colour, just print. */
__attribute__((format(printf, 4, 5))) static void
put(const struct snapshot_context *context, FILE *out, enum tone tone, const char *format, ...)
{
	bool colored = context->color && tone != TONE_PLAIN;
	va_list ap;

	if (colored)
		fputs(tone_codes[tone], out);
	va_start(ap, format);
	vfprintf(out, format, ap);
	va_end(ap);
	if (colored)
		fputs("\x1b[0m", out);
}

/* ---- figures ------------------------------------------------------------------------- */

/* 950, 12.3k, 4.56M: at most six characters. */
static const char *figure(double value, char out[16])
{
	const char *unit = thousands(&value);
	bool fraction = *unit ? value < 99.5 : value < 10 && value != (double)(int)value;

	snprintf(out, 16, fraction ? "%.1f%s" : "%.0f%s", value, unit);
	return out;
}

/* Names whole, as the JSON has them; the screen (explain_map_name) shortens them. */
static const char *map_title(const struct map_row *map, char *out, size_t size)
{
	char name[NAME_MAX_BYTES];

	if (map->type)
		sanitize(map->type, name, sizeof(name));
	else if (map->first_use.function)
		sanitize(map->first_use.function, name, sizeof(name));
	else
		snprintf(name, sizeof(name), "0x%" PRIx64, map->addr);
	snprintf(out, size, "m%u %s%s", map->number,
	         map->type || !map->first_use.function ? "" : "in ", name);
	return out;
}

static uint64_t events_lost(const struct model *model)
{
	return model_coverage(model)->lost;
}

/* ---- head ---------------------------------------------------------------------------- */

static void target_print(const struct snapshot_context *context, FILE *out,
                         const struct target_row *target)
{
	char exe[NAME_MAX_BYTES], version[64];

	sanitize(target->exe, exe, sizeof(exe));
	sanitize(target->go_version, version, sizeof(version));
	put(context, out, TONE_TITLE, "%s", *exe ? exe : "(unknown program)");
	fprintf(out, "  pid %u  %s%s%s%s  ", target->tgid,
	        *version ? version : "Go of unknown release", target->map_runtime ? " " : "",
	        target->map_runtime ? target->map_runtime : "",
	        target->stripped ? " stripped" : "");
	if (target->layout == GO_LAYOUT_UNVERIFIED)
		put(context, out, TONE_WARN, "unverified Go version  ");
	put(context, out, target->state == PROCESS_CRASHED ? TONE_BAD : TONE_PLAIN, "%s\n",
	    process_state_name(target->state));
}

/* How many pairs of accesses were decided, and by what. */
static void pairs_count_print(const struct model *model, FILE *out)
{
	struct pair_counts order = model_totals_rest(model, 0).order;
	char text[128], *parts = text;

	order_pairs_text(&order, text, sizeof(text));
	if (*text)
		fprintf(out, "pairs of accesses looked at: %s:\n ", strsep(&parts, ":"));
	if (parts)
		fprintf(out, "%s\n", parts);
}

static void head_print(const struct model *model, const struct snapshot_context *context,
                       const struct snapshot_rows *rows, FILE *out)
{
	const struct coverage_row *coverage = model_coverage(model);
	double hits = (double)coverage->value[COVERAGE_HITS];
	char time[SNAPSHOT_TIME_MAX], total[16], rate[16], parts[OVERHEAD_TEXT_MAX];

	snapshot_time_format(snapshot_written_at(context), time);
	fprintf(out, "gomaptop %s  %s  watched %.1f s\n",
	        context->tool_version ? context->tool_version : "", time, context->seconds);
	for (size_t i = 0; i < rows->target_count; i++)
		target_print(context, out, rows->targets[i]);
	fprintf(out, "probes %zu/%zu", context->probes_attached, context->probes_wanted);
	if (context->attach)
		fprintf(out, " %s", context->attach);
	fprintf(out, "  hits %s (%s/s)", figure(hits, total),
	        figure(context->seconds > 0 ? hits / context->seconds : 0, rate));
	if (coverage->target_cpu_ns)
		fprintf(out, "  overhead about %.1f %%", 100 * coverage->overhead_estimate);
	else
		fputs("  overhead not known", out);
	if (context->overhead_limit > 0 && context->overhead_limit < 1)
		fprintf(out, " of %.1f %%", 100 * context->overhead_limit);
	if (coverage->watched_ns > coverage->armed_ns)
		fprintf(out, "\nprobes were in place %.3g %% of the time",
		        100.0 * (double)coverage->armed_ns / (double)coverage->watched_ns);
	if (coverage->let_go)
		fprintf(out,
		        "\nprobes were let go %u time%s, while gomaptop or its keeper did not run",
		        coverage->let_go, coverage->let_go == 1 ? "" : "s");
	if (coverage->trouble)
		fprintf(out, "\nno probe is in place:\n  %s", trouble_words(coverage->trouble));
	overhead_parts_text(coverage, parts, sizeof(parts));
	if (*parts)
		fprintf(out, "\noverhead: %s", parts);
	fputc('\n', out);
	pairs_count_print(model, out);
}

/* ---- conflicts, unordered pairs ------------------------------------------------------ */

static void frame_print(FILE *out, const struct frame *frame)
{
	char function[NAME_MAX_BYTES], file[NAME_MAX_BYTES], place[NAME_MAX_BYTES + 16];
	int width;

	sanitize(frame->function ? frame->function : "", function, sizeof(function));
	sanitize(frame->file ? frame->file : "", file, sizeof(file));
	if (!frame->function)
		snprintf(function, sizeof(function), "0x%" PRIx64, frame->pc);
	snprintf(place, sizeof(place), "%s:%d", file, frame->line);
	width = fprintf(out, "      %s", function);
	if (!frame->file)
		fputc('\n', out);
	else if (width + 2 + (int)strlen(place) <= COLUMNS)
		fprintf(out, "  %s\n", place);
	else
		fprintf(out, "\n          %s\n", place);
}

/* "  a read  goroutine 18  thread 4243  (was held)  runtime.mapaccess2" */
static void side_title(const struct snapshot_context *context, FILE *out, char letter,
                       const char *role, const struct side *side)
{
	const struct access *access = &side->access;
	char goid[24] = "not known", name[NAME_MAX_BYTES];
	int width;

	if (access->goid)
		snprintf(goid, sizeof(goid), "%" PRIu64, (uint64_t)access->goid);
	put(context, out, TONE_TITLE, "  %c %s", letter, map_op_name(access->op));
	width = 4 + (int)strlen(map_op_name(access->op));
	width += fprintf(out, "  goroutine %s  thread %u%s", goid, access->tid, role);
	if (side->runtime_function) {
		sanitize(side->runtime_function, name, sizeof(name));
		width += 2 + (int)strlen(name);
		fprintf(out, "%s%s", width <= COLUMNS ? "  " : "\n    in ", name);
	}
	if (access_key_text(access, name, sizeof(name)))
		fprintf(out, "\n    key %s", name);
	fputc('\n', out);
}

/* "      goroutine of main.worker, created by goroutine 1" and the line of the go statement. */
static void origin_print(FILE *out, const struct side *side)
{
	char name[NAME_MAX_BYTES];

	if (side->first_function) {
		sanitize(side->first_function, name, sizeof(name));
		fprintf(out, "      goroutine of %s%s", name,
		        side->created_by.function ? ",\n" : "\n");
	}
	if (!side->created_by.function)
		return;
	fputs("      created by", out);
	if (side->access.parent_goid)
		fprintf(out, " goroutine %" PRIu64, (uint64_t)side->access.parent_goid);
	fputc('\n', out);
	frame_print(out, &side->created_by);
}

static void side_print(const struct snapshot_context *context, FILE *out, char letter,
                       const char *role, const struct side *side)
{
	side_title(context, out, letter, role, side);
	for (int i = 0; i < side->chain_length; i++)
		frame_print(out, &side->chain[i]);
	if (side->chain_length == 0)
		fputs("      call chain not known\n", out);
	else if (side->access.truncated == CHAIN_LOST)
		fputs("      ... called from C code; what called that is not known\n", out);
	else if (side->access.truncated)
		fputs("      ... cut off here; --stack-depth N keeps more\n", out);
	origin_print(out, side);
}

/* What became of each side, by evidence; NULL: it is not known. */
static const char *const roles[EVIDENCE_COUNT][2] = {
        [EVIDENCE_OVERLAP] = {"  (was held)", "  (came meanwhile)"},
        [EVIDENCE_FATAL] = {"  (died of it)", NULL},
        [EVIDENCE_UNORDERED] = {"  (first)", "  (second)"},
};

static void conflict_title(const struct snapshot_context *context, FILE *out,
                           const struct conflict_row *row)
{
	char title[NAME_MAX_BYTES + 32];
	const char *times = row->count == 1 ? "time" : "times";

	put(context, out, TONE_BAD, "#%u %s", row->number, conflict_kind_name(row->kind));
	map_title(row->map, title, sizeof(title));
	if (row->evidence == EVIDENCE_UNORDERED)
		fprintf(out,
		        "  on %s\n  " UNORDERED_WORDS ";\n  seen %" PRIu64
		        " %s; not caught at the same time; %.3g ms apart\n",
		        title, row->count, times, (double)row->gap_ns / 1e6);
	else
		fprintf(out, "  seen %" PRIu64 " %s on %s\n", row->count, times, title);
	if (row->map && row->map->born_length) {
		fputs("  made at\n", out);
		frame_print(out, &row->map->born[0]);
	}
}

static void conflict_print(const struct snapshot_context *context, FILE *out,
                           const struct conflict_row *row)
{
	conflict_title(context, out, row);
	side_print(context, out, 'a', roles[row->evidence][0], &row->a);
	if (roles[row->evidence][1])
		side_print(context, out, 'b', roles[row->evidence][1], &row->b);
	else
		fputs("  b not known: the runtime names one side only\n", out);
}

/* Proven ones come first in the list of rows, unordered pairs behind them. */
static size_t proven_count(const struct snapshot_rows *rows)
{
	size_t count = 0;

	while (count < rows->conflict_count &&
	       rows->conflicts[count]->evidence != EVIDENCE_UNORDERED)
		count++;
	return count;
}

/* A headline, the first few of count rows, and how many more there are. */
static void pairs_print(const struct model *model, const struct snapshot_context *context,
                        struct conflict_row *const *rows, size_t count, FILE *out)
{
	fprintf(out, ", %zu pair%s of lines", count, count == 1 ? "" : "s");
	if (events_lost(model))
		fprintf(out, ", %" PRIu64 " events lost", events_lost(model));
	fputc('\n', out);
	for (size_t i = 0; i < count && i < CONFLICTS_SHOWN; i++) {
		fputc('\n', out);
		conflict_print(context, out, rows[i]);
	}
	if (count > CONFLICTS_SHOWN)
		fprintf(out, "\n... and %zu more; --format json has them all\n",
		        count - CONFLICTS_SHOWN);
}

static void unordered_print(const struct model *model, const struct snapshot_context *context,
                            const struct snapshot_rows *rows, FILE *out)
{
	size_t proven = proven_count(rows);

	if (model_unordered_total(model) == 0)
		return;
	fputc('\n', out);
	put(context, out, TONE_BAD, "Unordered pairs: %" PRIu64 " seen",
	    model_unordered_total(model));
	pairs_print(model, context, rows->conflicts + proven, rows->conflict_count - proven, out);
}

static void conflicts_none_print(const struct model *model, const struct snapshot_context *context,
                                 FILE *out)
{
	char gaps[SNAPSHOT_GAPS_MAX];

	if (model_has_conflict(model))
		put(context, out, TONE_BAD,
		    "Conflicts: one ended its process, on a map that is not known\n");
	else if (!snapshot_gaps(model, context, gaps))
		put(context, out, TONE_GOOD, "No conflicts seen\n");
	else if (!events_lost(model) && !model_dropped(model))
		put(context, out, TONE_WARN, "No conflicts seen, but %s\n", gaps);
	else
		put(context, out, TONE_WARN, "Conflicts: none seen, %s\n", gaps);
}

static void conflicts_print(const struct model *model, const struct snapshot_context *context,
                            const struct snapshot_rows *rows, FILE *out)
{
	/* Where there are unordered pairs, nobody is to read "none". */
	if (model_unordered_total(model) && !model_has_conflict(model))
		return;
	fputc('\n', out);
	if (model_conflict_total(model) == 0) {
		conflicts_none_print(model, context, out);
		return;
	}
	put(context, out, TONE_BAD, "Conflicts: %" PRIu64 " seen", model_conflict_total(model));
	pairs_print(model, context, rows->conflicts, proven_count(rows), out);
}

static void crashes_print(const struct snapshot_context *context, const struct snapshot_rows *rows,
                          FILE *out)
{
	for (size_t i = 0; i < rows->crash_count; i++) {
		const struct crash_row *crash = rows->crashes[i];
		char message[NAME_MAX_BYTES], title[NAME_MAX_BYTES + 32];

		sanitize(crash->message, message, sizeof(message));
		fputc('\n', out);
		put(context, out, TONE_BAD, "Crash of pid %u: %s", crash->tgid, message);
		if (crash->map)
			fprintf(out, "  on %s", map_title(crash->map, title, sizeof(title)));
		fputc('\n', out);
		side_print(context, out, '-', "", &crash->side);
	}
}

/* ---- maps ---------------------------------------------------------------------------- */

/* A sentence below the figures of a map: where it is too long, the place goes on a line of its own.
 */
static void below_print(FILE *out, const char *before, const char *text)
{
	char clean[NAME_MAX_BYTES + 128], *place;
	int indent = VERDICT_COLUMNS + 1;

	if (!*text)
		return;
	sanitize(text, clean, sizeof(clean));
	place = strstr(clean, ", taken at ");
	if (!place || (size_t)indent + strlen(before) + strlen(clean) <= COLUMNS) {
		fprintf(out, "%*s%s%s\n", indent, "", before, clean);
		return;
	}
	*place = '\0';
	fprintf(out, "%*s%s%s,\n%*s%s\n", indent, "", before, clean, indent + 2, "", place + 2);
}

static void guard_print(FILE *out, const struct map_row *row)
{
	char text[NAME_MAX_BYTES + 128];

	below_print(out, "", order_reason_text(map_reason(row)));
	if (!row->guard.lock)
		return;
	order_guard_text(&row->guard, text, sizeof(text));
	below_print(out, "", text);
	order_bare_text(&row->guard, text, sizeof(text));
	below_print(out, "the others: ", text);
}

static void map_print(const struct snapshot_context *context, FILE *out, const struct map_row *row)
{
	char title[NAME_MAX_BYTES + 64], figures[80], buffers[5][16];
	uint64_t changes = OPS_CHANGING(row->ops);
	size_t length;

	put(context, out, verdict_tones[row->verdict], "%-*s", VERDICT_COLUMNS,
	    map_verdict_name(row->verdict));
	snprintf(figures, sizeof(figures), " %6s %7s %6s %5u%c %6s/%-6s ",
	         figure((double)row->ops[OP_READ], buffers[0]), figure((double)changes, buffers[1]),
	         figure((double)row->ops[OP_ITERATE], buffers[2]), row->goroutines,
	         row->goroutines_estimated ? '~' : ' ', figure((double)row->conflicts, buffers[3]),
	         figure(row->expected_overlaps, buffers[4]));
	map_title(row, title, NAME_MAX_BYTES + 32);
	length = strlen(title);
	if (row->maps > 1)
		snprintf(title + length, sizeof(title) - length, " (%" PRIu64 " maps)", row->maps);
	/* A long name goes below its figures, whole: names are what people search for. */
	if (VERDICT_COLUMNS + strlen(figures) + strlen(title) <= COLUMNS)
		fprintf(out, "%s%s\n", figures, title);
	else
		fprintf(out, "%s\n%*s%s\n", figures, VERDICT_COLUMNS + 1, "", title);
	guard_print(out, row);
}

static void maps_print(const struct snapshot_context *context, const struct snapshot_rows *rows,
                       FILE *out)
{
	if (rows->map_count == 0) {
		fputs("\nMaps: none was used while watching\n", out);
		return;
	}
	fputc('\n', out);
	put(context, out, TONE_TITLE, "%-*s %6s %7s %6s %6s %13s %s\n", VERDICT_COLUMNS, "verdict",
	    "reads", "changes", "ranges", "gorout", "seen/expected", "map");
	for (size_t i = 0; i < rows->map_count && i < MAPS_SHOWN; i++)
		map_print(context, out, rows->maps[i]);
	if (rows->map_count > MAPS_SHOWN)
		fprintf(out, "... and %zu more; --format json has them all\n",
		        rows->map_count - MAPS_SHOWN);
}

/* ---- what is missing ----------------------------------------------------------------- */

static const struct {
	enum coverage_field field;
	const char *words;
} losses[] = {
        {COVERAGE_RING_FULL, "lost in the kernel's ring buffer"},
        {COVERAGE_QUEUE_FULL, "lost in the event queue"},
        {COVERAGE_TABLE_FULL, "lost because the table of maps or that of processes was full"},
        {COVERAGE_STACK_FAILED, "lost because the stack could not be walked"},
        {COVERAGE_TABLE_UNREAD,
         "times a table of the kernel could not be read: what it said is lost"},
        {COVERAGE_GOROUTINES_UNTRACKED, "operations counted without their goroutine"},
        {COVERAGE_SITES_UNTRACKED, "operations counted without their call site"},
        {COVERAGE_MAPS_UNTRACKED, "operations counted without their short-lived map"},
};

static void gaps_print(const struct model *model, const struct snapshot_context *context, FILE *out)
{
	const struct coverage_row *coverage = model_coverage(model);
	char function[NAME_MAX_BYTES], reason[NAME_MAX_BYTES], text[2 * NAME_MAX_BYTES];

	fputc('\n', out);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		if (coverage->value[losses[i].field])
			put(context, out, TONE_WARN, "%" PRIu64 " %s\n",
			    coverage->value[losses[i].field], losses[i].words);
	}
	if (model_dropped(model))
		put(context, out, TONE_WARN, "%" PRIu64 " events found no room in the tables\n",
		    model_dropped(model));
	for (size_t i = 0; i < context->skip_count; i++) {
		sanitize(context->skips[i].function, function, sizeof(function));
		sanitize(context->skips[i].reason, reason, sizeof(reason));
		fprintf(out, "not probed: %s: %s\n", function, reason);
	}
	for (size_t i = 0; i < context->news_count; i++) {
		sanitize(context->news[i], text, sizeof(text));
		put(context, out, TONE_WARN, "%s\n", text);
	}
	if (coverage->lost == 0 && model_dropped(model) == 0)
		fputs("No events lost\n", out);
	if (context->cpus == 1)
		fputs("One CPU only: two goroutines are never inside a map at once while one is "
		      "held\n",
		      out);
}

int snapshot_text_write(const struct model *model, const struct snapshot_context *context,
                        const struct snapshot_rows *rows, FILE *out)
{
	head_print(model, context, rows, out);
	conflicts_print(model, context, rows, out);
	unordered_print(model, context, rows, out);
	crashes_print(context, rows, out);
	maps_print(context, rows, out);
	gaps_print(model, context, out);
	return 0;
}
