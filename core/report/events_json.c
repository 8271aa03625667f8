/* SPDX-License-Identifier: MIT */
/* Events, one JSON object a line (--format ndjson): event.schema.json says what each kind has. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/report/snapshot_json.h"

/* One line: what all events have, then what `put` adds. */
static int event_write(const struct model *model, const struct snapshot_context *context,
                       const char *name, uint64_t realtime_ns,
                       void (*put)(struct json_writer *w, const struct model *model,
                                   const struct snapshot_context *context, const void *row),
                       const void *row, FILE *out)
{
	struct json_writer *w;
	int error = json_writer_create(out, &w);

	if (error)
		return error;
	json_writer_compact(w);
	json_begin_object(w, NULL);
	json_put_text(w, "schema", EVENT_SCHEMA);
	json_put_text(w, "event", name);
	snapshot_put_time(w, "time", realtime_ns);
	put(w, model, context, row);
	json_end_object(w);
	error = json_writer_finish(w);
	json_writer_destroy(w);
	return error;
}

/* ---- what each kind has -------------------------------------------------------------- */

static void put_target(struct json_writer *w, const struct model *model,
                       const struct snapshot_context *context, const void *row)
{
	(void)model;
	(void)context;
	snapshot_put_target(w, "target", row);
}

static void put_finding(struct json_writer *w, const struct model *model,
                        const struct snapshot_context *context, const void *data)
{
	const struct conflict_row *row = data;
	bool overlap = row->evidence == EVIDENCE_OVERLAP;

	(void)model;
	snapshot_put_count(w, "number", row->number);
	json_put_integer(w, "pid", row->a.access.tgid);
	json_put_text(w, "map_type", row->map->type);
	json_put_real(w, "held_seconds", overlap ? (double)row->hold_ns / 1e9 : NAN);
	json_put_real(w, "arrived_after_seconds", overlap ? (double)row->after_ns / 1e9 : NAN);
	snapshot_put_conflict(w, "conflict", context, row);
}

static void put_crash(struct json_writer *w, const struct model *model,
                      const struct snapshot_context *context, const void *row)
{
	(void)model;
	snapshot_put_crash(w, "crash", context, row);
}

static void put_figures(struct json_writer *w, const struct model *model,
                        const struct snapshot_context *context, const void *row)
{
	const struct coverage_row *coverage = model_coverage(model);
	size_t verdicts[VERDICT_COUNT];

	(void)row;
	json_put_real(w, "seconds", context->seconds);
	snapshot_put_count(w, "conflicts", model_conflict_total(model));
	snapshot_put_count(w, "unordered", model_unordered_total(model));
	snapshot_put_count(w, "crashes", model_totals_rest(model, 0).crashes);
	snapshot_put_count(w, "hits", coverage->value[COVERAGE_HITS]);
	snapshot_put_count(w, "lost", coverage->lost + model_dropped(model));
	json_put_real(w, "overhead", coverage->target_cpu_ns ? coverage->overhead_estimate : NAN);
	model_verdicts(model, verdicts);
	json_begin_object(w, "maps");
	for (int i = 0; i < VERDICT_COUNT; i++)
		snapshot_put_count(w, map_verdict_name((enum map_verdict)i), verdicts[i]);
	json_end_object(w);
}

/* ---- sequences of them --------------------------------------------------------------- */

static int targets_write(const struct model *model, const struct snapshot_context *context,
                         struct snapshot_told *told, FILE *out)
{
	size_t count = model_target_count(model);
	struct target_row **rows = calloc(count + 1, sizeof(*rows));
	int error = rows ? 0 : -ENOMEM;

	if (rows)
		count = model_targets(model, rows, count);
	for (size_t i = told->targets; !error && i < count; i++)
		error = event_write(model, context, "target", snapshot_written_at(context),
		                    put_target, rows[i], out);
	if (!error)
		told->targets = count;
	free(rows);
	return error;
}

static int findings_write(const struct model *model, const struct snapshot_context *context,
                          const struct snapshot_rows *rows, FILE *out)
{
	int error = 0;

	for (size_t i = 0; !error && i < rows->conflict_count; i++)
		error = event_write(model, context, "finding",
		                    snapshot_realtime(context, rows->conflicts[i]->first_ns),
		                    put_finding, rows->conflicts[i], out);
	for (size_t i = 0; !error && i < rows->crash_count; i++)
		error = event_write(model, context, "crash",
		                    snapshot_realtime(context, rows->crashes[i]->time_ns),
		                    put_crash, rows->crashes[i], out);
	return error;
}

int events_news_write(const struct model *model, const struct snapshot_context *context,
                      struct snapshot_told *told, const struct snapshot_rows *rows, FILE *out)
{
	int error = targets_write(model, context, told, out);

	return error ? error : findings_write(model, context, rows, out);
}

int events_interval_write(const struct model *model, const struct snapshot_context *context,
                          bool end, FILE *out)
{
	return event_write(model, context, end ? "end" : "interval", snapshot_written_at(context),
	                   put_figures, NULL, out);
}

int snapshot_events_write(const struct model *model, const struct snapshot_context *context,
                          const struct snapshot_rows *rows, FILE *out)
{
	struct snapshot_told told = {0};
	int error = events_news_write(model, context, &told, rows, out);

	return error ? error : events_interval_write(model, context, true, out);
}
