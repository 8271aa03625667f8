/* SPDX-License-Identifier: MIT */
/* Samples of metrics: one line each, as OpenMetrics has them. */
#include <inttypes.h>
#include <math.h>

#include "core/base/sanitize.h"
#include "core/report/metrics_internal.h"

#define NS_PER_SECOND 1000000000u

const struct metric_type_words metric_types[] = {
        [COUNTER] = {"counter", "_total"},
        [GAUGE] = {"gauge", ""},
        [INFO] = {"info", "_info"},
};

static void write_label_value(FILE *out, const char *text)
{
	char clean[METRICS_LABEL_MAX + 8]; /* room to see that there is more than fits */
	size_t length = sanitize(text, clean, sizeof(clean));
	bool cut = length > METRICS_LABEL_MAX;

	if (cut) {
		length = METRICS_LABEL_MAX - 3;
		while ((clean[length] & 0xc0) == 0x80) /* not within a character */
			length--;
	}
	for (size_t i = 0; i < length; i++) {
		if (clean[i] == '"' || clean[i] == '\\')
			fputc('\\', out);
		fputc(clean[i], out);
	}
	fputs(cut ? "..." : "", out);
}

/* Before the first sample: a metric of which nothing is known is not mentioned. */
static void head_write(struct page *page)
{
	const struct metric *metric = page->metric;

	if (page->told)
		return;
	page->told = true;
	fprintf(page->out, "# TYPE %s %s\n", metric->name, metric_types[metric->type].word);
	if (metric->unit)
		fprintf(page->out, "# UNIT %s %s\n", metric->name, metric->unit);
	fprintf(page->out, "# HELP %s %s\n", metric->name, metric->help);
}

/* All that stands before the value. The labels end with one without a name; NULL: none. */
static void sample_begin(struct page *page, const struct label *labels)
{
	const char *before = "{";

	head_write(page);
	fprintf(page->out, "%s%s", page->metric->name, metric_types[page->metric->type].suffix);
	for (; labels && labels->name; labels++) {
		if (!labels->value || !*labels->value)
			continue;
		fprintf(page->out, "%s%s=\"", before, labels->name);
		write_label_value(page->out, labels->value);
		fputc('"', page->out);
		before = ",";
	}
	fprintf(page->out, "%s ", *before == ',' ? "}" : "");
}

void metric_put_number(struct page *page, const struct label *labels, uint64_t number)
{
	sample_begin(page, labels);
	fprintf(page->out, "%" PRIu64 "\n", number);
}

void metric_put_ns(struct page *page, const struct label *labels, uint64_t ns)
{
	sample_begin(page, labels);
	fprintf(page->out, "%" PRIu64 ".%09" PRIu64 "\n", ns / NS_PER_SECOND, ns % NS_PER_SECOND);
}

void metric_put_double(struct page *page, const struct label *labels, double number)
{
	if (!isfinite(number))
		return;
	sample_begin(page, labels);
	fprintf(page->out, "%.10g\n", number);
}
