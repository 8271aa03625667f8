/* SPDX-License-Identifier: MIT */
#include "core/report/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/output_file.h"
#include "core/report/snapshot_internal.h"

#define SECOND_NS 1000000000ull

/* ---- times --------------------------------------------------------------------------- */

void snapshot_time_format(uint64_t realtime_ns, char out[SNAPSHOT_TIME_MAX])
{
	time_t seconds = (time_t)(realtime_ns / SECOND_NS);
	unsigned int micros = (unsigned int)(realtime_ns % SECOND_NS / 1000);
	struct tm tm;
	size_t length;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	length = strftime(out, SNAPSHOT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + length, SNAPSHOT_TIME_MAX - length, ".%06uZ", micros);
}

uint64_t snapshot_realtime(const struct snapshot_context *context, uint64_t monotonic_ns)
{
	return monotonic_ns + (uint64_t)context->realtime_offset_ns;
}

uint64_t snapshot_written_at(const struct snapshot_context *context)
{
	struct timespec now;

	if (context->written_realtime_ns)
		return context->written_realtime_ns;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- rows ---------------------------------------------------------------------------- */

/* Lists of the JSON are in the order that the format promises; people want what is proven first,
 * and nothing twice. */
static int news_load(const struct model *model, bool for_people, struct snapshot_rows *rows)
{
	struct snapshot_rows r = {0};

	r.conflict_count = model_conflict_count(model);
	r.crash_count = model_crash_count(model);
	r.conflicts = calloc(r.conflict_count + 1, sizeof(struct conflict_row *));
	r.crashes = calloc(r.crash_count + 1, sizeof(struct crash_row *));
	*rows = r;
	if (!r.conflicts || !r.crashes) {
		snapshot_rows_free(rows);
		return -ENOMEM;
	}
	if (for_people)
		model_findings(model, NULL, r.conflicts, r.conflict_count, &rows->conflict_count);
	else
		rows->conflict_count = model_conflicts(model, NULL, r.conflicts, r.conflict_count);
	rows->crash_count = model_crashes(model, r.crashes, r.crash_count);
	return 0;
}

int snapshot_news_load(const struct model *model, struct snapshot_rows *rows)
{
	return news_load(model, true, rows);
}

static int rows_load(const struct model *model, bool for_people, struct snapshot_rows *rows)
{
	enum map_order order = for_people ? MAPS_BY_FINDINGS : MAPS_BY_CONFLICTS;
	int error = news_load(model, for_people, rows);

	if (error)
		return error;
	rows->target_count = model_target_count(model);
	rows->map_count = model_map_count(model);
	rows->goroutine_count = model_goroutine_count(model);
	rows->targets = calloc(rows->target_count + 1, sizeof(struct target_row *));
	rows->maps = calloc(rows->map_count + 1, sizeof(struct map_row *));
	rows->goroutines = calloc(rows->goroutine_count + 1, sizeof(struct goroutine_row *));
	if (!rows->targets || !rows->maps || !rows->goroutines) {
		snapshot_rows_free(rows);
		return -ENOMEM;
	}
	rows->target_count = model_targets(model, rows->targets, rows->target_count);
	rows->map_count = model_maps(model, order, rows->maps, rows->map_count);
	rows->goroutine_count = model_goroutines(model, rows->goroutines, rows->goroutine_count);
	return 0;
}

void snapshot_rows_free(struct snapshot_rows *rows)
{
	free(rows->targets);
	free(rows->maps);
	free(rows->conflicts);
	free(rows->goroutines);
	free(rows->crashes);
	memset(rows, 0, sizeof(*rows));
}

/* ---- to a stream --------------------------------------------------------------------- */

static int (*const writers[])(const struct model *, const struct snapshot_context *,
                              const struct snapshot_rows *, FILE *) = {
        [SNAPSHOT_JSON] = snapshot_json_write,
        [SNAPSHOT_TEXT] = snapshot_text_write,
        [SNAPSHOT_NDJSON] = snapshot_events_write,
        [SNAPSHOT_MARKDOWN] = snapshot_markdown_write,
};

int snapshot_write(const struct model *model, const struct snapshot_context *context,
                   enum snapshot_format format, FILE *out, struct error *err)
{
	struct snapshot_rows rows;
	int error = rows_load(model, format == SNAPSHOT_TEXT || format == SNAPSHOT_MARKDOWN, &rows);

	if (!error) {
		errno = 0;
		error = writers[format](model, context, &rows, out);
		if (!error && (fflush(out) != 0 || ferror(out)))
			error = errno ? -errno : -EIO;
		snapshot_rows_free(&rows);
	}
	if (error)
		return error_set(err, -error,
		                 "cannot write the snapshot: %s; give it a place that takes data",
		                 strerror(-error));
	return 0;
}

/* ---- to a file ----------------------------------------------------------------------- */

int snapshot_save(const struct model *model, const struct snapshot_context *context,
                  enum snapshot_format format, const char *path, struct error *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return error_no_memory(err);
	rc = snapshot_write(model, context, format, out, err);
	if (fclose(out) && !rc)
		rc = error_no_memory(err);
	if (!rc)
		rc = output_file_write(path, text, size, err);
	free(text);
	return rc;
}
