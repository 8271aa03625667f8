/* SPDX-License-Identifier: MIT */
/* Findings and crashes, one line each, as soon as they are seen. Names are whole. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/local_time.h"
#include "core/base/sanitize.h"
#include "core/report/snapshot_internal.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* ---- which were told ----------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * FNV_PRIME;
	return hash;
}

/* Of operation and line; where that is not known, of the address in that process. */
static uint64_t line_hash(const struct side *side)
{
	const struct frame *frame = side->chain;
	uint64_t hash = hash_bytes(FNV_START, &side->access.op, sizeof(side->access.op));

	if (!side->chain_length || !frame->file) {
		hash = hash_bytes(hash, &side->access.tgid, sizeof(side->access.tgid));
		return hash_bytes(hash, &side->access.caller, sizeof(side->access.caller));
	}
	hash = hash_bytes(hash, frame->file, strlen(frame->file));
	return hash_bytes(hash, &frame->line, sizeof(frame->line));
}

uint64_t snapshot_pair_key(const struct conflict_row *row)
{
	uint64_t a = line_hash(&row->a);
	uint64_t b = row->evidence == EVIDENCE_FATAL ? 0 : line_hash(&row->b);
	uint64_t pair[3] = {a < b ? a : b, a < b ? b : a, row->evidence};

	return hash_bytes(FNV_START, pair, sizeof(pair));
}

/* Numbers rise in the order of the first sightings. */
static int by_number(const void *a, const void *b)
{
	const struct conflict_row *x = *(struct conflict_row *const *)a;
	const struct conflict_row *y = *(struct conflict_row *const *)b;

	return x->number < y->number ? -1 : x->number > y->number;
}

size_t snapshot_news_take(const struct model *model, struct snapshot_told *told,
                          struct snapshot_rows *rows)
{
	uint64_t crashes = model_totals_rest(model, 0).crashes;
	size_t fresh = crashes - told->crashes, kept = 0;

	qsort(rows->conflicts, rows->conflict_count, sizeof(rows->conflicts[0]), by_number);
	for (size_t i = 0; i < rows->conflict_count; i++) {
		struct conflict_row *row = rows->conflicts[i];
		uint64_t key;

		if (row->number <= told->number)
			continue;
		told->number = row->number;
		key = snapshot_pair_key(row);
		if (u64_map_get(&told->pairs, key)) {
			told->same++;
			continue;
		}
		u64_map_put(&told->pairs, key, row); /* no memory: it is told again */
		rows->conflicts[kept++] = row;
	}
	rows->conflict_count = kept;
	if (fresh > rows->crash_count)
		fresh = rows->crash_count;
	memmove(rows->crashes, rows->crashes + rows->crash_count - fresh,
	        fresh * sizeof(rows->crashes[0]));
	rows->crash_count = fresh;
	told->crashes = crashes;
	return kept + fresh;
}

void snapshot_told_free(struct snapshot_told *told)
{
	u64_map_free(&told->pairs);
	memset(told, 0, sizeof(*told));
}

/* ---- in words ------------------------------------------------------------------------ */

void snapshot_put_clean(FILE *out, const char *text)
{
	size_t size = strlen(text) + 1;
	char *clean = malloc(size);

	if (!clean)
		return;
	sanitize(text, clean, size);
	fputs(clean, out);
	free(clean);
}

void snapshot_put_place(FILE *out, const struct side *side)
{
	const struct frame *frame = side->chain;

	fputs(map_op_name(side->access.op), out);
	if (side->chain_length == 0 || !frame->function) {
		fprintf(out, " 0x%" PRIx64, (uint64_t)side->access.caller);
		return;
	}
	fputc(' ', out);
	snapshot_put_clean(out, frame->function);
	if (!frame->file)
		return;
	fputc(' ', out);
	snapshot_put_clean(out, frame->file);
	fprintf(out, ":%d", frame->line);
}

void snapshot_put_map(FILE *out, const struct map_row *map)
{
	fprintf(out, "m%u", map->number);
	if (map->type) {
		fputc(' ', out);
		snapshot_put_clean(out, map->type);
	} else if (map->first_use.function) {
		fputs(" first used in ", out);
		snapshot_put_clean(out, map->first_use.function);
	} else {
		fprintf(out, " 0x%" PRIx64, map->addr);
	}
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* "a write main.f /src/x.go:12 `m[k]++` goroutine 18" */
static void side_put(const struct snapshot_context *context, FILE *out, const char *name,
                     const struct side *side)
{
	struct source_lines *lines = context->source ? calloc(1, sizeof(*lines)) : NULL;

	fputs(name, out);
	snapshot_put_place(out, side);
	if (lines && side->chain_length) {
		context->source(side->access.tgid, &side->chain[0], lines);
		if (lines->count) {
			fputs(" `", out);
			snapshot_put_clean(out, skip_blanks(lines->text[lines->marked]));
			fputc('`', out);
		}
	}
	if (side->access.goid)
		fprintf(out, " goroutine %" PRIu64, (uint64_t)side->access.goid);
	free(lines);
}

static void time_put(const struct snapshot_context *context, FILE *out, uint64_t monotonic_ns)
{
	char time[LOCAL_TIME_MAX];

	fprintf(out, "%s  ", local_time_format(snapshot_realtime(context, monotonic_ns), time));
}

/* What is known of the two times. */
static void timing_put(FILE *out, const struct conflict_row *row)
{
	if (row->evidence == EVIDENCE_UNORDERED)
		fprintf(out, ", %.3g ms later, nothing between them orders them",
		        (double)row->gap_ns / 1e6);
	else
		fprintf(out, ", %.3g ms after a, which was held %.3g ms",
		        (double)row->after_ns / 1e6, (double)row->hold_ns / 1e6);
}

static void finding_put(const struct snapshot_context *context, FILE *out,
                        const struct conflict_row *row)
{
	time_put(context, out, row->first_ns);
	fprintf(out, "new %s #%u %s on ",
	        row->evidence == EVIDENCE_UNORDERED ? "unordered pair" : "conflict", row->number,
	        conflict_kind_name(row->kind));
	snapshot_put_map(out, row->map);
	fprintf(out, ", pid %u: ", row->a.access.tgid);
	side_put(context, out, "a ", &row->a);
	side_put(context, out, "; b ", &row->b);
	timing_put(out, row);
	fputc('\n', out);
}

static void crash_put(const struct snapshot_context *context, FILE *out,
                      const struct crash_row *crash)
{
	time_put(context, out, crash->time_ns);
	fprintf(out, "pid %u crashed: ", crash->tgid);
	snapshot_put_clean(out, crash->message);
	if (crash->map) {
		fputs(" on ", out);
		snapshot_put_map(out, crash->map);
	}
	side_put(context, out, ": ", &crash->side);
	fputc('\n', out);
}

/* A fatal error has its row for the map; here the crash tells of it. */
void snapshot_news_text(const struct snapshot_context *context, const struct snapshot_rows *rows,
                        FILE *out)
{
	for (size_t i = 0; i < rows->conflict_count; i++)
		if (rows->conflicts[i]->evidence != EVIDENCE_FATAL)
			finding_put(context, out, rows->conflicts[i]);
	for (size_t i = 0; i < rows->crash_count; i++)
		crash_put(context, out, rows->crashes[i]);
}
