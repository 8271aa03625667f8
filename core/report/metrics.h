/* SPDX-License-Identifier: MIT */
/*
 * metrics: the model as one OpenMetrics 1.0 text document.
 *
 * METRIC rows live in metrics.c: name, type, unit, help, and the function that writes the samples.
 * The document and the manual page are made from that table.
 *
 * A reader takes differences, so a counter never goes down: not by model_reset(), and
 * not when a row is given up (its series ends then). What is not known is left out. There are never
 * more series than the bounds below allow; labels hold text from the target, and are sanitized.
 */
#ifndef GOMAPTOP_CORE_METRICS_H
#define GOMAPTOP_CORE_METRICS_H

#include <stdio.h>

#include "core/model/model.h"
#include "core/report/snapshot.h"

#define METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Those with most conflicts have series of their own, those with most changes after them. */
#define METRICS_MAPS_MAX 50
/* Pairs of lines that conflict or that nothing orders: what is proven first, the most frequent ones
 * first. */
#define METRICS_FINDINGS_MAX 50
/* The latest have; of all others the counters are summed up under pid="others". */
#define METRICS_PROCESSES_MAX 50
/* Bytes of a label; what is longer ends in "...". */
#define METRICS_LABEL_MAX 200

/* Write the document to a stream. model NULL: nothing is watched yet; the document is valid all the
 * same, and context may have nothing but the version. 0 or -errno of the stream. The model's
 * thread. */
int metrics_write(const struct model *model, const struct snapshot_context *context, FILE *out);

/* .TP entries, man(7). 0 or -EIO. */
int metrics_write_manual(FILE *out);

#endif
