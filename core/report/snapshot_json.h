/* SPDX-License-Identifier: MIT */
/*
 * snapshot_json: what the JSON of snapshots and that of events share; only
 * core/report/snapshot_json*.c and events_json.c include it. Lists of the model's rows are in
 * snapshot_json_rows.c, all else of a snapshot in snapshot_json.c.
 */
#ifndef GOMAPTOP_CORE_SNAPSHOT_JSON_H
#define GOMAPTOP_CORE_SNAPSHOT_JSON_H

#include "core/base/json_writer.h"
#include "core/report/snapshot_internal.h"

void snapshot_put_count(struct json_writer *w, const char *key, uint64_t count);
void snapshot_put_rate(struct json_writer *w, double rate, bool estimated);
/* Zero is null: unknown. */
void snapshot_put_known(struct json_writer *w, const char *key, uint64_t number);
void snapshot_put_time(struct json_writer *w, const char *key, uint64_t realtime_ns);
void snapshot_put_target(struct json_writer *w, const char *key, const struct target_row *row);
void snapshot_put_conflict(struct json_writer *w, const char *key,
                           const struct snapshot_context *context, const struct conflict_row *row);
void snapshot_put_crash(struct json_writer *w, const char *key,
                        const struct snapshot_context *context, const struct crash_row *row);
/* "maps", "conflicts", "goroutines" and "crashes". */
void snapshot_put_lists(struct json_writer *w, const struct snapshot_context *context,
                        const struct snapshot_rows *rows);

#endif
