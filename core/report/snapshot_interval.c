/* SPDX-License-Identifier: MIT */
/* What batch mode says while it runs: a line at once for each thing that is new, and one an
 * interval. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/local_time.h"
#include "core/base/plural.h"
#include "core/base/sanitize.h"
#include "core/report/enough_text.h"
#include "core/report/rate_text.h"
#include "core/report/snapshot_internal.h"

/* What is counted as news: conflicts, and unordered pairs. */
#define NEWS_KINDS 2

static const char *const news_words[NEWS_KINDS] = {"conflict", "unordered pair"};

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

static const char *none_words(const struct model *model, const struct snapshot_context *context,
                              char text[ENOUGH_TEXT_MAX])
{
	struct enough enough;

	if (context->waiting && *context->waiting && !model_map_count(model))
		return context->waiting;
	if (model_has_conflict(model))
		return "no conflict seen in this interval";
	if (model_has_finding(model))
		return "nothing new in this interval";
	enough_of(model, &enough);
	return enough_seen(&enough) ? "no conflict seen so far" : enough_short(&enough, 1, text);
}

/* When anything was lost, "no conflict" would say too much; so does "none" where there are
 * unordered pairs. */
static void verdict_print(const struct model *model, const struct snapshot_context *context,
                          const struct news *news, uint64_t lost, FILE *out)
{
	bool only_unordered = model_has_finding(model) && !model_has_conflict(model);
	char text[ENOUGH_TEXT_MAX];

	if (news->any)
		news_count_print(news, out);
	else
		fputs(lost && !only_unordered ? "none seen" : none_words(model, context, text),
		      out);
	if (lost)
		fprintf(out, ", %" PRIu64 " event%s lost", lost, plural(lost));
}

static void line_print(const struct model *model, const struct snapshot_context *context,
                       const struct news *news, FILE *out)
{
	const struct coverage_row *coverage = model_coverage(model);
	uint64_t lost = coverage->lost + model_dropped(model);
	char time[LOCAL_TIME_MAX], rate[RATE_TEXT_MAX];

	fprintf(out, "%s  %zu map%s  %s  ", local_time_format(snapshot_written_at(context), time),
	        model_map_count(model), plural(model_map_count(model)), rate_text(coverage, rate));
	if (coverage->target_cpu_ns)
		fprintf(out, "overhead %.1f %% so far  ", 100 * coverage->overhead_estimate);
	verdict_print(model, context, news, lost, out);
	fputc('\n', out);
}

static int flush(FILE *out)
{
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

int snapshot_report_event(const struct model *model, const struct snapshot_context *context,
                          bool end, FILE *out)
{
	int error = events_interval_write(model, context, end, out);

	return error ? error : flush(out);
}

int snapshot_report_news(const struct model *model, const struct snapshot_context *context,
                         enum snapshot_format format, struct snapshot_told *told, FILE *out)
{
	size_t count;
	struct snapshot_rows rows;
	int error = snapshot_news_load(model, &rows);

	if (error)
		return error;
	errno = 0;
	count = snapshot_news_take(model, told, &rows);
	if (format == SNAPSHOT_NDJSON)
		error = events_news_write(model, context, told, &rows, out);
	else if (count)
		snapshot_news_text(context, &rows, out);
	snapshot_rows_free(&rows);
	return error ? error : flush(out);
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
	*since_ns = model_now_ns(model);
	snapshot_rows_free(&rows);
	return flush(out);
}
