/* SPDX-License-Identifier: MIT */
/* Metrics of the model's rows: one sample or more for each process or map. */
#include <string.h>

#include "core/report/metrics_internal.h"

/* ---- processes ----------------------------------------------------------------------- */

/* One sample for each process, and one for those that are too many; more: a further label. */
static void put_totals_field(struct page *page, size_t offset, const struct label *more)
{
	for (size_t i = 0; i <= page->totals_count; i++) {
		bool others = i == page->totals_count;
		const struct model_totals *totals = others ? &page->rest : page->totals[i];
		const struct target_row *target = others ? NULL : page->targets[i];
		const char *figure = (const char *)totals + offset;
		char pid[16];
		const struct label labels[] = {{"pid", others ? "others" : pid},
		                               {"exe", target ? target->exe : NULL},
		                               more ? *more : (struct label){0},
		                               {0}};
		uint64_t number;

		snprintf(pid, sizeof(pid), "%u", totals->tgid);
		memcpy(&number, figure, sizeof(number));
		if (!others || number)
			metric_put_number(page, labels, number);
	}
}

void metric_put_totals(struct page *page)
{
	put_totals_field(page, (size_t)page->metric->field, NULL);
}

void metric_put_totals_kinds(struct page *page)
{
	for (int kind = 0; kind < CONFLICT_KIND_COUNT; kind++) {
		const struct label more = {"kind", conflict_kind_name((enum conflict_kind)kind)};

		put_totals_field(page,
		                 offsetof(struct model_totals, sightings[0]) +
		                         (size_t)kind * sizeof(uint64_t),
		                 &more);
	}
}

void metric_put_totals_pairs(struct page *page)
{
	static const struct {
		const char *order;
		size_t offset;
	} ways[] = {
	        {"under_lock", offsetof(struct model_totals, order.under_lock)},
	        {"ordered", offsetof(struct model_totals, order.ordered)},
	        {"unknown", offsetof(struct model_totals, order.unknown)},
	        {"unordered", offsetof(struct model_totals, order.unordered)},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct label more = {"order", ways[i].order};

		put_totals_field(page, ways[i].offset, &more);
	}
}

void metric_put_totals_ops(struct page *page)
{
	for (unsigned int op = 0; op < OP_COUNT; op++) {
		const struct label more = {"op", map_op_name(op)};

		put_totals_field(
		        page, offsetof(struct model_totals, ops[0]) + op * sizeof(uint64_t), &more);
	}
}

/* Those of which more is known than a number. */
static void each_target(struct page *page, void (*put)(struct page *page, const char *pid,
                                                       const struct target_row *target))
{
	for (size_t i = 0; i < page->totals_count; i++) {
		const struct target_row *target = page->targets[i];
		char pid[16];

		if (!target)
			continue;
		snprintf(pid, sizeof(pid), "%u", target->tgid);
		put(page, pid, target);
	}
}

static void put_target(struct page *page, const char *pid, const struct target_row *target)
{
	metric_put_number(page,
	                  (const struct label[]){{"pid", pid},
	                                         {"exe", target->exe},
	                                         {"go_version", target->go_version},
	                                         {"map_runtime", target->map_runtime},
	                                         {"build_id", target->build_id},
	                                         {0}},
	                  1);
}

void metric_put_target(struct page *page)
{
	each_target(page, put_target);
}

static void put_running(struct page *page, const char *pid, const struct target_row *target)
{
	metric_put_number(page, (const struct label[]){{"pid", pid}, {"exe", target->exe}, {0}},
	                  target->state == PROCESS_RUNNING);
}

void metric_put_target_running(struct page *page)
{
	each_target(page, put_running);
}

/* ---- maps: those of page->maps ------------------------------------------------------- */

void metric_put_verdicts(struct page *page)
{
	size_t counts[VERDICT_COUNT];

	model_verdicts(page->model, counts);
	for (int verdict = 0; verdict < VERDICT_COUNT; verdict++) {
		const struct label labels[] = {
		        {"verdict", map_verdict_name((enum map_verdict)verdict)}, {0}};

		metric_put_number(page, labels, counts[verdict]);
	}
}

struct map_labels {
	char map[16], pid[16];
	struct label labels[5];
};

static const struct label *map_labels(struct map_labels *of, const struct map_row *row,
                                      struct label more)
{
	snprintf(of->map, sizeof(of->map), "m%u", row->number);
	snprintf(of->pid, sizeof(of->pid), "%u", row->tgid);
	of->labels[0] = (struct label){"map", of->map};
	of->labels[1] = (struct label){"pid", of->pid};
	of->labels[2] = (struct label){"type", row->type};
	of->labels[3] = more;
	of->labels[4] = (struct label){0};
	return of->labels;
}

void metric_put_map_conflicts(struct page *page)
{
	struct map_labels of;

	for (size_t i = 0; i < page->map_count; i++) {
		const struct map_row *row = page->maps[i];

		metric_put_number(page, map_labels(&of, row, (struct label){0}),
		                  row->past_conflicts + row->conflicts);
	}
}

void metric_put_map_unordered(struct page *page)
{
	struct map_labels of;

	for (size_t i = 0; i < page->map_count; i++) {
		const struct map_row *row = page->maps[i];

		metric_put_number(page, map_labels(&of, row, (struct label){0}),
		                  row->past_unordered + row->order.unordered);
	}
}

static void put_map_ops(struct page *page, bool sampled)
{
	struct map_labels of;

	for (size_t i = 0; i < page->map_count * OP_COUNT; i++) {
		const struct map_row *row = page->maps[i / OP_COUNT];
		unsigned int op = i % OP_COUNT;
		const struct label more = {"op", map_op_name(op)};

		metric_put_number(page, map_labels(&of, row, more),
		                  row->past_ops[op] + row->ops[op] -
		                          (sampled ? row->outside[op] : 0));
	}
}

void metric_put_map_ops(struct page *page)
{
	put_map_ops(page, false);
}

void metric_put_map_sampled(struct page *page)
{
	put_map_ops(page, true);
}

void metric_put_map_expected(struct page *page)
{
	struct map_labels of;

	for (size_t i = 0; i < page->map_count; i++)
		metric_put_double(page, map_labels(&of, page->maps[i], (struct label){0}),
		                  page->maps[i]->expected_overlaps);
}

void metric_put_map_verdict(struct page *page)
{
	struct map_labels of;

	for (size_t i = 0; i < page->map_count; i++) {
		const struct map_row *row = page->maps[i];
		const struct label more = {"verdict", map_verdict_name(row->verdict)};

		metric_put_number(page, map_labels(&of, row, more), 1);
	}
}

/* ---- pairs of lines ------------------------------------------------------------------ */

struct place_label {
	char text[METRICS_LABEL_MAX];
};

/* "file:line"; NULL: not known. */
static const char *place_of(const struct side *side, struct place_label *out)
{
	const struct frame *at = side->chain;

	if (!side->chain_length || !at->file)
		return NULL;
	/* Of a path that is too long the end tells more than the begin. */
	snprintf(out->text, sizeof(out->text), "%s:%d",
	         at->file + (strlen(at->file) > METRICS_LABEL_MAX - 16
	                             ? strlen(at->file) - (METRICS_LABEL_MAX - 16)
	                             : 0),
	         at->line);
	return out->text;
}

static const char *function_of(const struct side *side)
{
	return side->chain_length ? side->chain->function : NULL;
}

static void put_finding(struct page *page, const struct conflict_row *row)
{
	bool fatal = row->evidence == EVIDENCE_FATAL; /* b is not known */
	char number[16], pid[16], map[16];
	struct place_label a, b;
	const struct label labels[] = {
	        {"finding", number},
	        {"pid", pid},
	        {"map", row->map ? map : NULL},
	        {"type", row->map ? row->map->type : NULL},
	        {"evidence", conflict_evidence_name(row->evidence)},
	        {"kind", conflict_kind_name(row->kind)},
	        {"a", place_of(&row->a, &a)},
	        {"a_function", function_of(&row->a)},
	        {"b", fatal ? NULL : place_of(&row->b, &b)},
	        {"b_function", fatal ? NULL : function_of(&row->b)},
	        {0},
	};

	snprintf(number, sizeof(number), "%u", row->number);
	snprintf(pid, sizeof(pid), "%u", row->a.access.tgid);
	if (row->map)
		snprintf(map, sizeof(map), "m%u", row->map->number);
	metric_put_number(page, labels, row->count);
}

void metric_put_findings(struct page *page)
{
	struct conflict_row *rows[METRICS_FINDINGS_MAX];
	size_t told, count = model_findings(page->model, NULL, rows, METRICS_FINDINGS_MAX, &told);

	for (size_t i = 0; i < count && i < METRICS_FINDINGS_MAX; i++)
		put_finding(page, rows[i]);
}
