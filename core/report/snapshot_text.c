/* SPDX-License-Identifier: MIT */
/* The snapshot as a report for people: the worst first; on a terminal what can be broken is broken
 * at 80 columns, elsewhere a row is a line. Names pass through sanitize().
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/local_time.h"
#include "core/base/plural.h"
#include "core/base/sanitize.h"
#include "core/base/thousands.h"
#include "core/event/trouble.h"
#include "core/model/op_rate.h"
#include "core/model/other_side.h"
#include "core/probe/access_key.h"
#include "core/report/enough_text.h"
#include "core/report/order_text.h"
#include "core/report/overhead_text.h"
#include "core/report/rate_text.h"
#include "core/report/snapshot_internal.h"

#define COLUMNS         80
#define VERDICT_COLUMNS 9
/* What a report shows in full; the JSON has everything. */
#define CONFLICTS_SHOWN 20
#define MAPS_SHOWN      40
#define SAME_SHOWN      8
#define NAME_MAX_BYTES  4096

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

/* A sentence that begins a line, in as many lines as it takes. */
static void sentence_print(const struct snapshot_context *context, FILE *out, enum tone tone,
                           const char *text)
{
	const char *more = "";

	while (*text) {
		size_t length = strlen(text), indent = strlen(more);

		while (length + indent > COLUMNS) {
			size_t shorter = length;

			while (shorter && text[--shorter] != ' ')
				;
			if (!shorter)
				break;
			length = shorter;
		}
		put(context, out, tone, "%s%.*s", more, (int)length, text);
		fputc('\n', out);
		text += length;
		text += *text == ' ';
		more = "  ";
	}
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

static bool fits(const struct snapshot_context *context, size_t width)
{
	return context->wide || width <= COLUMNS;
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
	char time[LOCAL_TIME_MAX], total[16], rate[RATE_TEXT_MAX], parts[OVERHEAD_TEXT_MAX];

	local_time_format(snapshot_written_at(context), time);
	fprintf(out, "gomaptop %s  %s  watched %.1f s\n",
	        context->tool_version ? context->tool_version : "", time, context->seconds);
	for (size_t i = 0; i < rows->target_count; i++)
		target_print(context, out, rows->targets[i]);
	fprintf(out, "probes %zu/%zu", context->probes_attached, context->probes_wanted);
	if (context->attach)
		fprintf(out, " %s", context->attach);
	fprintf(out, "  %s operations seen, %s on average",
	        figure((double)coverage->value[COVERAGE_COUNTED], total),
	        rate_average_text(coverage, rate));
	if (coverage->target_cpu_ns)
		fprintf(out, "\noverhead about %.1f %%", 100 * coverage->overhead_estimate);
	else
		fputs("\noverhead not known", out);
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

static void frame_print(const struct snapshot_context *context, FILE *out,
                        const struct frame *frame)
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
	else if (fits(context, (size_t)width + 2 + strlen(place)))
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
		fprintf(out, "%s%s", fits(context, (size_t)width) ? "  " : "\n    in ", name);
	}
	if (access_key_text(access, name, sizeof(name)))
		fprintf(out, "\n    key %s", name);
	fputc('\n', out);
}

/* "      goroutine of main.worker, created by goroutine 1" and the line of the go statement. */
static void origin_print(const struct snapshot_context *context, FILE *out, const struct side *side)
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
	frame_print(context, out, &side->created_by);
}

/* The text of the line with the map operation, or why it is not shown. */
static void source_print(const struct snapshot_context *context, FILE *out, const struct side *side)
{
	struct source_lines *lines = context->source ? calloc(1, sizeof(*lines)) : NULL;
	const char *text;

	if (!lines)
		return;
	context->source(side->access.tgid, &side->chain[0], lines);
	text = lines->count ? lines->text[lines->marked] : lines->missing;
	fputs(lines->count ? "        > " : "        (", out);
	snapshot_put_clean(out, text + strspn(text, " "));
	fputs(lines->count ? "\n" : ")\n", out);
	free(lines);
}

static void side_print(const struct snapshot_context *context, FILE *out, char letter,
                       const char *role, const struct side *side)
{
	side_title(context, out, letter, role, side);
	for (int i = 0; i < side->chain_length; i++) {
		frame_print(context, out, &side->chain[i]);
		if (i == 0)
			source_print(context, out, side);
	}
	if (side->chain_length == 0)
		fputs("      call chain not known\n", out);
	else if (side->access.truncated == CHAIN_LOST)
		fputs("      ... called from C code; what called that is not known\n", out);
	else if (side->access.truncated)
		fputs("      ... cut off here; --stack-depth N keeps more\n", out);
	origin_print(context, out, side);
}

/* What became of each side, by evidence; NULL: it is not known. */
static const char *const roles[EVIDENCE_COUNT][2] = {
        [EVIDENCE_OVERLAP] = {"  (was held)", "  (came meanwhile)"},
        [EVIDENCE_FATAL] = {"  (died of it)", NULL},
        [EVIDENCE_UNORDERED] = {"  (first)", "  (second)"},
};

static void times_print(const struct snapshot_context *context, FILE *out,
                        const struct conflict_row *row)
{
	char time[LOCAL_TIME_MAX];

	fprintf(out, "  pid %u, first seen %s\n", row->a.access.tgid,
	        local_time_format(snapshot_realtime(context, row->first_ns), time));
	if (row->last_ns > row->first_ns)
		fprintf(out, "  last seen %s\n",
		        local_time_format(snapshot_realtime(context, row->last_ns), time));
	if (row->evidence == EVIDENCE_OVERLAP)
		fprintf(out, "  a was held %.3g ms; b came %.3g ms after its begin\n",
		        (double)row->hold_ns / 1e6, (double)row->after_ns / 1e6);
}

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
	times_print(context, out, row);
	if (row->map && row->map->born_length) {
		fputs("  made at\n", out);
		frame_print(context, out, &row->map->born[0]);
	}
}

/* Of a fatal error. */
static void other_print(const struct snapshot_context *context, FILE *out,
                        const struct conflict_row *row)
{
	char text[OTHER_SIDE_MAX], clean[OTHER_SIDE_MAX], line[OTHER_SIDE_MAX + 32];

	sanitize(other_side_text(row, text), clean, sizeof(clean));
	snprintf(line, sizeof(line), "  b not known: %s", clean);
	sentence_print(context, out, TONE_PLAIN, line);
}

static void conflict_print(const struct snapshot_context *context, FILE *out,
                           const struct conflict_row *row)
{
	conflict_title(context, out, row);
	side_print(context, out, 'a', roles[row->evidence][0], &row->a);
	if (roles[row->evidence][1])
		side_print(context, out, 'b', roles[row->evidence][1], &row->b);
	else
		other_print(context, out, row);
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

/* The same two lines on other maps are one thing to mend: they are summed up. */
static void same_lines_print(struct conflict_row *const *rows, size_t count, size_t first,
                             const uint64_t *keys, FILE *out)
{
	size_t maps = 0;
	uint64_t times = 0;

	for (size_t i = first + 1; i < count; i++) {
		if (keys[i] != keys[first])
			continue;
		if (maps++ < SAME_SHOWN)
			fprintf(out, "%s m%u", maps == 1 ? "  the same two lines on" : ",",
			        rows[i]->map->number);
		times += rows[i]->count;
	}
	if (maps > SAME_SHOWN)
		fprintf(out, " and %zu more maps", maps - SAME_SHOWN);
	if (maps)
		fprintf(out, ": seen %" PRIu64 " time%s there\n", times, times == 1 ? "" : "s");
}

static bool told_before(const uint64_t *keys, size_t index, struct u64_map *told)
{
	bool before = u64_map_get(told, keys[index]) != NULL;

	if (!before)
		u64_map_put(told, keys[index], (void *)&keys[index]);
	return before;
}

/* A headline, the first few of count rows, and how many more there are. */
static int pairs_print(const struct model *model, const struct snapshot_context *context,
                       struct conflict_row *const *rows, size_t count, FILE *out)
{
	uint64_t *keys = calloc(count + 1, sizeof(*keys));
	struct u64_map told = {0};
	size_t pairs = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		keys[i] = snapshot_pair_key(rows[i]);
		pairs += !told_before(keys, i, &told);
	}
	u64_map_free(&told);
	told = (struct u64_map){0};
	fprintf(out, ", %zu pair%s of lines", pairs, pairs == 1 ? "" : "s");
	if (events_lost(model))
		fprintf(out, ", %" PRIu64 " event%s lost", events_lost(model),
		        plural(events_lost(model)));
	fputc('\n', out);
	for (size_t i = 0; i < count && told.count < CONFLICTS_SHOWN; i++) {
		if (told_before(keys, i, &told))
			continue;
		fputc('\n', out);
		conflict_print(context, out, rows[i]);
		same_lines_print(rows, count, i, keys, out);
	}
	if (pairs > CONFLICTS_SHOWN)
		fprintf(out, "\n... and %zu more; --format json has them all\n",
		        pairs - CONFLICTS_SHOWN);
	u64_map_free(&told);
	free(keys);
	return 0;
}

static int unordered_print(const struct model *model, const struct snapshot_context *context,
                           const struct snapshot_rows *rows, FILE *out)
{
	size_t proven = proven_count(rows);

	if (model_unordered_total(model) == 0)
		return 0;
	fputc('\n', out);
	put(context, out, TONE_BAD, "Unordered pairs: %" PRIu64 " seen",
	    model_unordered_total(model));
	return pairs_print(model, context, rows->conflicts + proven, rows->conflict_count - proven,
	                   out);
}

static void conflicts_none_print(const struct model *model, const struct snapshot_context *context,
                                 FILE *out)
{
	char gaps[SNAPSHOT_GAPS_MAX], said[ENOUGH_TEXT_MAX], text[ENOUGH_TEXT_MAX + 16];
	struct enough enough;

	enough_of(model, &enough);
	if (model_has_conflict(model)) {
		put(context, out, TONE_BAD,
		    "Conflicts: one ended its process, on a map that is not known\n");
	} else if (snapshot_gaps(model, context, gaps)) {
		bool lost = events_lost(model) || model_dropped(model);

		put(context, out, TONE_WARN,
		    lost ? "Conflicts: none seen, %s\n" : "No conflicts seen, but %s\n", gaps);
	} else if (enough_seen(&enough)) {
		put(context, out, TONE_GOOD, "No conflicts seen\n");
	} else {
		snprintf(text, sizeof(text), "Conflicts: %s", enough_text(&enough, said));
		sentence_print(context, out, TONE_WARN, text);
	}
}

static int conflicts_print(const struct model *model, const struct snapshot_context *context,
                           const struct snapshot_rows *rows, FILE *out)
{
	/* Where there are unordered pairs, nobody is to read "none". */
	if (model_unordered_total(model) && !model_has_conflict(model))
		return 0;
	fputc('\n', out);
	if (model_conflict_total(model) == 0) {
		conflicts_none_print(model, context, out);
		return 0;
	}
	put(context, out, TONE_BAD, "Conflicts: %" PRIu64 " seen", model_conflict_total(model));
	return pairs_print(model, context, rows->conflicts, proven_count(rows), out);
}

static void crashes_print(const struct snapshot_context *context, const struct snapshot_rows *rows,
                          FILE *out)
{
	for (size_t i = 0; i < rows->crash_count; i++) {
		const struct crash_row *crash = rows->crashes[i];
		char message[NAME_MAX_BYTES], title[NAME_MAX_BYTES + 32], time[LOCAL_TIME_MAX];

		sanitize(crash->message, message, sizeof(message));
		fputc('\n', out);
		put(context, out, TONE_BAD, "Crash of pid %u at %s: %s", crash->tgid,
		    local_time_format(snapshot_realtime(context, crash->time_ns), time), message);
		if (crash->map)
			fprintf(out, "  on %s", map_title(crash->map, title, sizeof(title)));
		fputc('\n', out);
		side_print(context, out, '-', "", &crash->side);
	}
}

/* ---- maps ---------------------------------------------------------------------------- */

/* A sentence below the figures of a map: where it is too long, the place goes on a line of its own.
 */
static void below_print(const struct snapshot_context *context, FILE *out, const char *before,
                        const char *text)
{
	char clean[NAME_MAX_BYTES + 128], *place;
	int indent = VERDICT_COLUMNS + 1;

	if (!*text)
		return;
	sanitize(text, clean, sizeof(clean));
	place = strstr(clean, ", taken at ");
	if (!place || fits(context, (size_t)indent + strlen(before) + strlen(clean))) {
		fprintf(out, "%*s%s%s\n", indent, "", before, clean);
		return;
	}
	*place = '\0';
	fprintf(out, "%*s%s%s,\n%*s%s\n", indent, "", before, clean, indent + 2, "", place + 2);
}

static void guard_print(const struct snapshot_context *context, FILE *out,
                        const struct map_row *row)
{
	char text[NAME_MAX_BYTES + 128];

	below_print(context, out, "", order_reason_text(map_reason(row)));
	if (!row->guard.lock)
		return;
	order_guard_text(&row->guard, text, sizeof(text));
	below_print(context, out, "", text);
	order_bare_text(&row->guard, text, sizeof(text));
	below_print(context, out, "the others: ", text);
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
	if (fits(context, VERDICT_COLUMNS + strlen(figures) + strlen(title)))
		fprintf(out, "%s%s\n", figures, title);
	else
		fprintf(out, "%s\n%*s%s\n", figures, VERDICT_COLUMNS + 1, "", title);
	guard_print(context, out, row);
}

static void maps_print(const struct snapshot_context *context, const struct snapshot_rows *rows,
                       bool sampled, FILE *out)
{
	if (rows->map_count == 0) {
		fputs("\nMaps: none was used while watching\n", out);
		return;
	}
	fputc('\n', out);
	put(context, out, TONE_TITLE, "%-*s %6s %7s %6s %6s %13s %s\n", VERDICT_COLUMNS, "verdict",
	    "reads", "changes", "ranges", "gorout", "seen/expected", "map");
	if (sampled)
		fputs("  (reads, changes, ranges: what was seen while the probes were in place)\n",
		      out);
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
	int error;
	const struct coverage_row *coverage = model_coverage(model);

	head_print(model, context, rows, out);
	error = conflicts_print(model, context, rows, out);
	if (!error)
		error = unordered_print(model, context, rows, out);
	if (error)
		return error;
	crashes_print(context, rows, out);
	maps_print(context, rows,
	           (double)coverage->armed_ns < ARMED_WHOLE * (double)coverage->watched_ns, out);
	gaps_print(model, context, out);
	return 0;
}
