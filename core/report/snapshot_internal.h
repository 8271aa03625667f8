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

/* ---- news (news_text.c) ---------------------------------------------------------------------- */

/* Leave in the rows what was not told so far, in the order of the first sightings: one finding for
 * each pair of lines, and crashes; returns how many. From then on they count as told. */
size_t snapshot_news_take(const struct model *model, struct snapshot_told *told,
                          struct snapshot_rows *rows);
/* Equal for the same two operations and lines with the same evidence, on whatever map, whichever
 * came first. */
uint64_t snapshot_pair_key(const struct conflict_row *row);
/* A line for each of the rows. */
void snapshot_news_text(const struct snapshot_context *context, const struct snapshot_rows *rows,
                        FILE *out);

/* The same as events, targets included; and the event of an interval, or of the end. 0 or -errno.
 */
int events_news_write(const struct model *model, const struct snapshot_context *context,
                      struct snapshot_told *told, const struct snapshot_rows *rows, FILE *out);
int events_interval_write(const struct model *model, const struct snapshot_context *context,
                          bool end, FILE *out);

/* Names of any length, sanitized: a text; "write main.f /src/x.go:12"; "m3 map[string]int". */
void snapshot_put_clean(FILE *out, const char *text);
void snapshot_put_place(FILE *out, const struct side *side);
void snapshot_put_map(FILE *out, const struct map_row *map);

/* ---- forms ----------------------------------------------------------------------------------- */

/* 0, or -errno when the stream failed or memory ran out. */
int snapshot_json_write(const struct model *model, const struct snapshot_context *context,
                        const struct snapshot_rows *rows, FILE *out);
int snapshot_events_write(const struct model *model, const struct snapshot_context *context,
                          const struct snapshot_rows *rows, FILE *out);
int snapshot_markdown_write(const struct model *model, const struct snapshot_context *context,
                            const struct snapshot_rows *rows, FILE *out);
int snapshot_text_write(const struct model *model, const struct snapshot_context *context,
                        const struct snapshot_rows *rows, FILE *out);

#endif
