/* SPDX-License-Identifier: MIT */
/* The report of one interval for batch mode: one line, and one more for each thing that is new. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "core/report/rate_text.h"
#include "core/report/snapshot_internal.h"

#define NAME_MAX_BYTES 256
#define NEWS_SHOWN     10

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "write main.f ledger.go:12" */
static void place_print(FILE *out, const struct side *side)
{
	char function[NAME_MAX_BYTES], file[NAME_MAX_BYTES];
	const struct frame *frame = side->chain;

	if (side->chain_length == 0 || !frame->function) {
		fprintf(out, "%s 0x%" PRIx64, map_op_name(side->access.op),
		        (uint64_t)side->access.caller);
		return;
	}
	sanitize(frame->function, function, sizeof(function));
	sanitize(frame->file ? base_name(frame->file) : "?", file, sizeof(file));
	fprintf(out, "%s %s %s:%d", map_op_name(side->access.op), function, file, frame->line);
}

/* What is counted as news: conflicts, and unordered pairs. */
#define NEWS_KINDS 2

static const char *const news_words[NEWS_KINDS] = {"conflict", "unordered pair"};

static void conflict_news(FILE *out, const struct conflict_row *row)
{
	char type[NAME_MAX_BYTES];

	sanitize(row->map->type ? row->map->type : "", type, sizeof(type));
	fprintf(out, "  new %s #%u %s on m%u%s%s, %" PRIu64 " time%s\n    a ",
	        news_words[row->evidence == EVIDENCE_UNORDERED], row->number,
	        conflict_kind_name(row->kind), row->map->number, *type ? " " : "", type, row->count,
	        row->count == 1 ? "" : "s");
	place_print(out, &row->a);
	fputs("\n    b ", out);
	if (row->evidence == EVIDENCE_FATAL)
		fputs("not known: the runtime ended the process at a", out);
	else
		place_print(out, &row->b);
	fputc('\n', out);
}

struct news {
	size_t fresh[NEWS_KINDS], again[NEWS_KINDS];
	bool any;
};

static struct news news_count(const struct snapshot_rows *rows, uint64_t since_ns)
{
	struct news news = {0};

	for (size_t i = 0; i < rows->conflict_count; i++) {
		const struct conflict_row *row = rows->conflicts[i];

		int kind = row->evidence == EVIDENCE_UNORDERED;

		news.fresh[kind] += row->first_ns > since_ns;
		news.again[kind] += row->first_ns <= since_ns && row->last_ns > since_ns;
		news.any |= row->last_ns > since_ns;
	}
	return news;
}

static void news_count_print(const struct news *news, FILE *out)
{
	const char *before = "";

	for (int kind = 0; kind < NEWS_KINDS; kind++) {
		if (!news->fresh[kind] && !news->again[kind])
			continue;
		fprintf(out, "%s%zu new %s%s, %zu seen again", before, news->fresh[kind],
		        news_words[kind], news->fresh[kind] == 1 ? "" : "s", news->again[kind]);
		before = ", ";
	}
}

static const char *none_words(const struct model *model)
{
	if (model_has_conflict(model))
		return "no conflict seen in this interval";
	return model_has_finding(model) ? "nothing new in this interval"
	                                : "no conflict seen so far";
}

/* When anything was lost, "no conflict" would say too much; so does "none" where there are
 * unordered pairs. */
static void verdict_print(const struct model *model, const struct news *news, uint64_t lost,
                          FILE *out)
{
	bool only_unordered = model_has_finding(model) && !model_has_conflict(model);

	if (news->any)
		news_count_print(news, out);
	else
		fputs(lost && !only_unordered ? "none seen" : none_words(model), out);
	if (lost)
		fprintf(out, ", %" PRIu64 " events lost", lost);
}

static void line_print(const struct model *model, const struct snapshot_context *context,
                       const struct news *news, FILE *out)
{
	const struct coverage_row *coverage = model_coverage(model);
	uint64_t lost = coverage->lost + model_dropped(model);
	char time[SNAPSHOT_TIME_MAX], rate[RATE_TEXT_MAX];

	snapshot_time_format(snapshot_written_at(context), time);
	time[19] = '\0'; /* whole seconds are enough here */
	fprintf(out, "%s  %zu maps  %s  ", time + 11, model_map_count(model),
	        rate_text(coverage, rate));
	if (coverage->target_cpu_ns)
		fprintf(out, "overhead %.1f %% so far  ", 100 * coverage->overhead_estimate);
	verdict_print(model, news, lost, out);
	fputc('\n', out);
}

static void news_print(const struct snapshot_rows *rows, uint64_t since_ns, FILE *out)
{
	size_t shown = 0, fresh = 0;

	for (size_t i = 0; i < rows->conflict_count; i++) {
		if (rows->conflicts[i]->first_ns <= since_ns)
			continue;
		if (++fresh <= NEWS_SHOWN) {
			conflict_news(out, rows->conflicts[i]);
			shown++;
		}
	}
	if (fresh > shown)
		fprintf(out, "  ... and %zu more that are new\n", fresh - shown);
	for (size_t i = 0; i < rows->crash_count; i++) {
		char message[NAME_MAX_BYTES];

		if (rows->crashes[i]->time_ns <= since_ns)
			continue;
		sanitize(rows->crashes[i]->message, message, sizeof(message));
		fprintf(out, "  pid %u crashed: %s\n", rows->crashes[i]->tgid, message);
	}
}

int snapshot_report_interval(const struct model *model, const struct snapshot_context *context,
                             FILE *out, uint64_t *since_ns)
{
	struct snapshot_rows rows;
	int error = snapshot_news_load(model, &rows);
	struct news news;

	if (error)
		return error;
	errno = 0;
	news = news_count(&rows, *since_ns);
	line_print(model, context, &news, out);
	news_print(&rows, *since_ns, out);
	*since_ns = model_now_ns(model);
	snapshot_rows_free(&rows);
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
