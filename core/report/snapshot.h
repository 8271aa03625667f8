/* SPDX-License-Identifier: MIT */
/*
 * snapshot: the model as one JSON object (gomaptop.snapshot/1) or as a text report.
 */
#ifndef GOMAPTOP_CORE_SNAPSHOT_H
#define GOMAPTOP_CORE_SNAPSHOT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/base/source_lines.h"
#include "core/base/u64_map.h"
#include "core/budget/overhead_cost.h"
#include "core/model/model.h"
#include "core/probe/probe_site.h"

#define SNAPSHOT_SCHEMA "gomaptop.snapshot/1"

#define EVENT_SCHEMA "gomaptop.event/1"

/* NDJSON: events, one JSON object a line. MARKDOWN: a bug report for each finding. */
enum snapshot_format { SNAPSHOT_JSON, SNAPSHOT_TEXT, SNAPSHOT_NDJSON, SNAPSHOT_MARKDOWN };

/* What the model cannot know. */
struct snapshot_context {
	const char *tool_version;
	uint64_t written_realtime_ns; /* 0: now */
	int64_t realtime_offset_ns;   /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	double seconds;               /* length of the watch */
	const char *kernel;           /* release, "6.1.0" */
	const char *arch;             /* "x86_64" */
	const char *hostname;         /* NULL: not known */
	int cpus;
	const char *attach;                 /* "uprobe_multi" | "perf_event" */
	double overhead_limit;              /* 0.03; 1: no limit; negative: not known */
	const struct overhead_costs *costs; /* of a hit; NULL: not known */
	size_t probes_wanted, probes_attached;
	const struct snapshot_skip {
		const char *function, *reason;
	} * skips;
	size_t skip_count;
	const struct probe_note *const *unseen; /* ways to touch a map that no probe sees */
	size_t unseen_count;
	const char *const *news; /* sentences about the executable that is watched (-e) */
	size_t news_count;
	const char *waiting; /* for what, before anything can be seen; NULL or empty: nothing */
	size_t replaced;     /* how often another file took its place, or it was written over */
	bool color;          /* text report with ANSI colours */
	bool wide;           /* the same: one row is one line, however long */
	/* The source around the line of a map operation, or why it is not shown; NULL: sources are
	 * not read. */
	void (*source)(uint32_t tgid, const struct frame *frame, struct source_lines *out);
};

#define SNAPSHOT_GAPS_MAX 160

/* Was anything lost, or could something not be watched, so that "no conflict was seen" says less
 * than it seems to? Then out says what: "12 events lost, 1 function not probed". */
bool snapshot_gaps(const struct model *model, const struct snapshot_context *context,
                   char out[SNAPSHOT_GAPS_MAX]);

/* Write the snapshot to an open stream. 0 or -errno. */
int snapshot_write(const struct model *model, const struct snapshot_context *context,
                   enum snapshot_format format, FILE *out, struct error *err);

/* One finding as a bug report in Markdown. Whether it was written shows when out is closed. */
void snapshot_finding_markdown(const struct model *model, const struct snapshot_context *context,
                               const struct conflict_row *row, FILE *out);

/* Write it to a file, replaced whole or not at all (core/base/output_file.h). 0, or -errno with
 * words. */
int snapshot_save(const struct model *model, const struct snapshot_context *context,
                  enum snapshot_format format, const char *path, struct error *err);

/* What was told one by one already. Zero-initialise; snapshot_told_free() at the end. */
struct snapshot_told {
	struct u64_map pairs; /* of lines */
	unsigned int number;  /* of the latest finding */
	uint64_t crashes;
	size_t targets;
	size_t same; /* findings that were not told: the same two lines on another map */
};

void snapshot_told_free(struct snapshot_told *told);

/* A line for each pair of lines and each crash that was not told so far, in events for each target
 * too; nothing where there is none. format: text or events. 0 or -errno. */
int snapshot_report_news(const struct model *model, const struct snapshot_context *context,
                         enum snapshot_format format, struct snapshot_told *told, FILE *out);

/* The event of an interval, or of the end. 0 or -errno. */
int snapshot_report_event(const struct model *model, const struct snapshot_context *context,
                          bool end, FILE *out);

/* One interval's report for -b, a line: what was new since the last one, in figures. */
int snapshot_report_interval(const struct model *model, const struct snapshot_context *context,
                             FILE *out, uint64_t *since_ns);

#endif
