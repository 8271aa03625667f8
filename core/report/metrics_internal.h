/* SPDX-License-Identifier: MIT */
/*
 * metrics_internal: what the files that write the metrics share; only core/report/metrics*.c
 * include it.
 */
#ifndef GOMAPTOP_CORE_METRICS_INTERNAL_H
#define GOMAPTOP_CORE_METRICS_INTERNAL_H

#include "core/report/metrics.h"

enum metric_type { COUNTER, GAUGE, INFO };

struct metric_type_words {
	const char *word;
	const char *suffix; /* what a sample's name has behind that of its metric */
};

struct page {
	FILE *out;
	const struct metric *metric; /* whose samples are written now */
	bool told;                   /* its head has been written */
	const struct model *model;
	const struct snapshot_context *context;
	const struct coverage_row *coverage;
	const struct model_totals *totals[METRICS_PROCESSES_MAX];
	const struct target_row *targets[METRICS_PROCESSES_MAX]; /* of the same; NULL: not known */
	size_t totals_count;
	struct model_totals rest;
	struct map_row *maps[METRICS_MAPS_MAX];
	size_t map_count;
};

struct metric {
	const char *name;
	enum metric_type type;
	const char *unit; /* the name ends in it; NULL: a plain number */
	const char *help; /* no quotes, no backslash */
	void (*put)(struct page *page);
	int field; /* which one, of those that put() can write; see there */
	double (*real)(const struct page *page);
	uint64_t (*count)(const struct page *page);
};

/* ---- samples (metrics_sample.c) ---------------------------------------------------------------
 */

extern const struct metric_type_words metric_types[];

/* value NULL or empty: not known, the label is left out. */
struct label {
	const char *name, *value;
};

/* One sample each of page->metric. The labels end with one without a name; NULL: none. */
void metric_put_number(struct page *page, const struct label *labels, uint64_t number);
/* In seconds, to the last nanosecond: sums are exact, and no rounding lets them go down. */
void metric_put_ns(struct page *page, const struct label *labels, uint64_t ns);
/* What is not finite is not known. */
void metric_put_double(struct page *page, const struct label *labels, double number);

/* ---- rows of the model (metrics_rows.c) -------------------------------------------------------
 */

/* One sample a process, of the field of struct model_totals at metric->field bytes; then one for
 * each kind of conflict, each way in which pairs were decided, or each operation. */
void metric_put_totals(struct page *page);
void metric_put_totals_kinds(struct page *page);
void metric_put_totals_pairs(struct page *page);
void metric_put_totals_ops(struct page *page);
void metric_put_target(struct page *page);
void metric_put_target_running(struct page *page);

void metric_put_verdicts(struct page *page);
void metric_put_map_conflicts(struct page *page);
void metric_put_map_unordered(struct page *page);
void metric_put_map_ops(struct page *page);
void metric_put_map_sampled(struct page *page);
void metric_put_map_expected(struct page *page);
void metric_put_map_verdict(struct page *page);
void metric_put_findings(struct page *page);

#endif
