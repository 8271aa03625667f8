/* SPDX-License-Identifier: MIT */
/*
 * snapshot_internal: what the two forms of a snapshot share; only core/report/snapshot*.c include
 * it.
 */
#ifndef GOMAPTOP_CORE_SNAPSHOT_INTERNAL_H
#define GOMAPTOP_CORE_SNAPSHOT_INTERNAL_H

#include "core/report/snapshot.h"

#define SNAPSHOT_TIME_MAX 40

/* RFC 3339, UTC, microseconds. */
void snapshot_time_format(uint64_t realtime_ns, char out[SNAPSHOT_TIME_MAX]);
/* A time of an event (CLOCK_MONOTONIC) as CLOCK_REALTIME. */
uint64_t snapshot_realtime(const struct snapshot_context *context, uint64_t monotonic_ns);
uint64_t snapshot_written_at(const struct snapshot_context *context);

/* Everything that the lists of the model hold, in their order. */
struct snapshot_rows {
	struct target_row **targets;
	struct map_row **maps;
	struct conflict_row **conflicts;
	struct goroutine_row **goroutines;
	struct crash_row **crashes;
	size_t target_count, map_count, conflict_count, goroutine_count, crash_count;
};

/* Load findings and crashes alone: all that an interval's report tells one by one. */
int snapshot_news_load(const struct model *model, struct snapshot_rows *rows); /* 0 or -ENOMEM */
void snapshot_rows_free(struct snapshot_rows *rows);

/* 0, or -errno when the stream failed or memory ran out. */
int snapshot_json_write(const struct model *model, const struct snapshot_context *context,
                        const struct snapshot_rows *rows, FILE *out);
int snapshot_text_write(const struct model *model, const struct snapshot_context *context,
                        const struct snapshot_rows *rows, FILE *out);

#endif
