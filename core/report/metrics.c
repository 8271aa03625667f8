/* SPDX-License-Identifier: MIT */
/* The document as a whole, and the table of what is in it. */
#include "core/report/metrics.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

#include "core/budget/overhead_budget.h"
#include "core/event/coverage_names.h"
#include "core/report/metrics_internal.h"

/* ---- figures of the whole ------------------------------------------------------------ */

static void put_build(struct page *page)
{
	const struct label labels[] = {{"version", page->context->tool_version}, {0}};

	metric_put_number(page, labels, 1);
}

static void put_watch(struct page *page)
{
	const struct snapshot_context *context = page->context;
	const struct label labels[] = {{"attach", context->attach},
	                               {"kernel", context->kernel},
	                               {"arch", context->arch},
	                               {0}};

	metric_put_number(page, labels, 1);
}

static void put_real(struct page *page)
{
	metric_put_double(page, NULL, page->metric->real(page));
}

static void put_count(struct page *page)
{
	metric_put_number(page, NULL, page->metric->count(page));
}

static void put_seconds(struct page *page)
{
	metric_put_ns(page, NULL, page->metric->count(page));
}

/* Zero is unknown. */
static void put_seconds_known(struct page *page)
{
	if (page->metric->count(page))
		put_seconds(page);
}

static double ratio_of(uint64_t part, uint64_t whole)
{
	if (!whole)
		return NAN;
	return part >= whole ? 1 : (double)part / (double)whole;
}

static uint64_t seen_ns(const struct page *page)
{
	uint64_t ns = model_now_ns(page->model);

	return ns ? ns + (uint64_t)page->context->realtime_offset_ns : 0;
}

static uint64_t probes_wanted(const struct page *page)
{
	return page->context->probes_wanted;
}

static uint64_t probes_attached(const struct page *page)
{
	return page->context->probes_attached;
}

static uint64_t replaced(const struct page *page)
{
	return page->context->replaced;
}

static uint64_t watched_ns(const struct page *page)
{
	return page->coverage->watched_ns;
}

static uint64_t armed_ns(const struct page *page)
{
	return page->coverage->armed_ns;
}

static uint64_t sampled_ns(const struct page *page)
{
	return page->coverage->sampled_ns;
}

static uint64_t counted_sampled(const struct page *page)
{
	const uint64_t *value = page->coverage->value;

	return value[COVERAGE_COUNTED] - value[COVERAGE_OUTSIDE];
}

static double armed_ratio(const struct page *page)
{
	return ratio_of(page->coverage->armed_ns, page->coverage->watched_ns);
}

static uint64_t births_ns(const struct page *page)
{
	return page->coverage->births_ns;
}

static uint64_t dropped(const struct page *page)
{
	return model_dropped_ever(page->model);
}

/* ---- figures of coverage: field is an enum coverage_field, or a group of them -------------------
 */

static void put_field(struct page *page)
{
	metric_put_number(page, NULL, page->coverage->value[page->metric->field]);
}

static void put_group(struct page *page)
{
	for (int i = 0; i < COVERAGE_COUNT; i++) {
		const struct label labels[] = {{"cause", coverage_names[i].name}, {0}};

		if ((int)coverage_names[i].group == page->metric->field)
			metric_put_number(page, labels, page->coverage->value[i]);
	}
}

/* ---- what watching costs ------------------------------------------------------------- */

static double budget_ratio(const struct page *page)
{
	return page->context->overhead_limit >= 0 ? page->context->overhead_limit : NAN;
}

static double estimate_ratio(const struct page *page)
{
	return page->coverage->target_cpu_ns ? page->coverage->overhead_estimate : NAN;
}

static double interval_ratio(const struct page *page)
{
	return page->coverage->target_cpu_ns ? page->coverage->overhead_now : NAN;
}

static uint64_t hits_ns(const struct page *page)
{
	return coverage_hits_ns(page->coverage);
}

static uint64_t cold_ns(const struct page *page)
{
	return page->coverage->cold_ns;
}

static uint64_t held_ns(const struct page *page)
{
	return page->coverage->value[COVERAGE_STALL_NS];
}

static uint64_t waiting_ns(const struct page *page)
{
	return page->coverage->waiting_ns;
}

static uint64_t target_cpu_ns(const struct page *page)
{
	return page->coverage->target_cpu_ns;
}

static uint64_t base_ns(const struct page *page)
{
	const struct coverage_row *row = page->coverage;

	return row->target_cpu_ns ? overhead_base_ns(row->target_cpu_ns, row->watched_ns) : 0;
}

static double contention_ratio(const struct page *page)
{
	return page->coverage->contention > 0 ? page->coverage->contention : NAN;
}

static uint64_t let_go(const struct page *page)
{
	return page->coverage->let_go;
}

static uint64_t in_trouble(const struct page *page)
{
	return page->coverage->trouble != 0;
}

static double planned_ratio(const struct page *page)
{
	return page->coverage->planned > 0 ? page->coverage->planned : NAN;
}

static void put_hit_cost(struct page *page)
{
	const struct overhead_costs *costs = page->context->costs;

	for (int body = 0; costs && body < BODY_COUNT; body++) {
		const struct label labels[] = {
		        {"body", overhead_body_names[body]},
		        {"basis", costs->measured >> body & 1 ? "measured" : "assumed"},
		        {0}};

		metric_put_ns(page, labels, costs->ns[body]);
	}
}

/* ---- the table ----------------------------------------------------------------------- */

static const struct metric metrics[] = {
        {"gomaptop_build", INFO, NULL, "Which gomaptop this is", .put = put_build},
        {"gomaptop_watch", INFO, NULL, "How the probes are attached, and where", .put = put_watch},
        {"gomaptop_counts_timestamp_seconds", GAUGE, "seconds",
         "When what follows was seen: stale means that gomaptop does not keep up",
         .put = put_seconds_known, .count = seen_ns},
        {"gomaptop_watched_seconds", COUNTER, "seconds", "Time since watching began",
         .put = put_seconds, .count = watched_ns},
        {"gomaptop_armed_seconds", COUNTER, "seconds",
         "Of gomaptop_watched_seconds_total, the time with the probes in place", .put = put_seconds,
         .count = armed_ns},
        {"gomaptop_sampled_seconds", COUNTER, "seconds",
         "Of that, the time that ..._sampled_total count in: their increase over its increase is a "
         "rate, whatever part of the time was watched",
         .put = put_seconds, .count = sampled_ns},
        {"gomaptop_armed_ratio", GAUGE, "ratio",
         "The same as a part; below 1, counts of operations are samples", .put = put_real,
         .real = armed_ratio},
        {"gomaptop_births_armed_seconds", COUNTER, "seconds",
         "Time in which it was seen where maps are made", .put = put_seconds_known,
         .count = births_ns},
        {"gomaptop_probes_wanted", GAUGE, NULL, "Map functions of the targets", .put = put_count,
         .count = probes_wanted},
        {"gomaptop_probes_attached", GAUGE, NULL, "Of these, those that are probed",
         .put = put_count, .count = probes_attached},

        {"gomaptop_executables_replaced", COUNTER, NULL,
         "How often the file of -e was replaced or written over, and the new one watched",
         .put = put_count, .count = replaced},

        {"gomaptop_target", INFO, NULL, "A process that is or was watched",
         .put = metric_put_target},
        {"gomaptop_target_running", GAUGE, NULL, "1: it runs, 0: it has ended",
         .put = metric_put_target_running},
        {"gomaptop_conflicts", COUNTER, NULL,
         "Conflicts: two goroutines in operations on one map at one time, and one changed it",
         .put = metric_put_totals, .field = offsetof(struct model_totals, conflicts)},
        {"gomaptop_conflict_sightings", COUNTER, NULL,
         "Conflicts by kind; those that an event told of, so fewer where events were lost",
         .put = metric_put_totals_kinds},
        {"gomaptop_unordered_pairs", COUNTER, NULL,
         "Pairs of accesses to one map by two goroutines, one a change, that nothing orders",
         .put = metric_put_totals, .field = offsetof(struct model_totals, order.unordered)},
        {"gomaptop_pairs_decided", COUNTER, NULL,
         "Pairs of such accesses that were looked at, by what was found of their order",
         .put = metric_put_totals_pairs},
        {"gomaptop_crashes", COUNTER, NULL,
         "Fatal errors of the Go runtime, such as its own map check ends a process with",
         .put = metric_put_totals, .field = offsetof(struct model_totals, crashes)},
        {"gomaptop_operations", COUNTER, NULL,
         "Map operations by kind, on maps that are told of one by one; those seen while probes "
         "were in "
         "place, not all: see gomaptop_sampled_seconds for rates",
         .put = metric_put_totals_ops},
        {"gomaptop_goroutines_seen", COUNTER, NULL, "Goroutines that used maps",
         .put = metric_put_totals, .field = offsetof(struct model_totals, goroutines)},

        {"gomaptop_maps", GAUGE, NULL,
         "Rows of maps by verdict; one may stand for many short-lived maps",
         .put = metric_put_verdicts},
        {"gomaptop_map_conflicts", COUNTER, NULL,
         "Conflicts by map; of at most 50 maps, those with most conflicts first",
         .put = metric_put_map_conflicts},
        {"gomaptop_map_unordered_pairs", COUNTER, NULL, "Unordered pairs of these maps",
         .put = metric_put_map_unordered},
        {"gomaptop_map_operations", COUNTER, NULL,
         "Operations on these maps, by kind; those seen while probes were in place, not all",
         .put = metric_put_map_ops},
        {"gomaptop_map_operations_sampled", COUNTER, NULL,
         "Of these, those seen in gomaptop_sampled_seconds", .put = metric_put_map_sampled},
        {"gomaptop_map_expected_overlaps", GAUGE, NULL,
         "Overlaps to be expected by now if nothing kept the goroutines apart",
         .put = metric_put_map_expected},
        {"gomaptop_map_verdict", GAUGE, NULL, "1 for the verdict that a map has now",
         .put = metric_put_map_verdict},

        {"gomaptop_finding_sightings", GAUGE, NULL,
         "How often a pair of lines was seen to conflict, or was found unordered, since the last "
         "reset; of at most 50 pairs, the proven and then the most frequent ones first",
         .put = metric_put_findings},

        {"gomaptop_probe_hits", COUNTER, NULL, "Probe hits: filtered or counted", .put = put_field,
         .field = COVERAGE_HITS},
        {"gomaptop_probe_hits_filtered", COUNTER, NULL, "Hits that are no map operation, by cause",
         .put = put_group, .field = COVERAGE_GROUP_FILTERED},
        {"gomaptop_probe_hits_counted", COUNTER, NULL, "Hits that are a map operation",
         .put = put_field, .field = COVERAGE_COUNTED},
        {"gomaptop_probe_hits_at_call", COUNTER, NULL,
         "Of these, those of probes at single calls: all that there were, no samples",
         .put = put_field, .field = COVERAGE_AT_CALL},
        {"gomaptop_probe_hits_counted_sampled", COUNTER, NULL,
         "Of gomaptop_probe_hits_counted_total, those seen in gomaptop_sampled_seconds",
         .put = put_count, .count = counted_sampled},
        {"gomaptop_untracked", COUNTER, NULL,
         "Operations that are in the totals only, by the table that has no row for them",
         .put = put_group, .field = COVERAGE_GROUP_UNTRACKED},
        {"gomaptop_events_made", COUNTER, NULL, "Events made: delivered or lost", .put = put_field,
         .field = COVERAGE_EVENTS_MADE},
        {"gomaptop_events_delivered", COUNTER, NULL, "Events that arrived", .put = put_field,
         .field = COVERAGE_EVENTS_DELIVERED},
        {"gomaptop_events_lost", COUNTER, NULL, "Events that were lost, by cause", .put = put_group,
         .field = COVERAGE_GROUP_LOST},
        {"gomaptop_rows_dropped", COUNTER, NULL,
         "Rows that found no room after all, and news of them", .put = put_count, .count = dropped},
        {"gomaptop_holds", COUNTER, NULL, "Accesses that were held to see who comes",
         .put = put_field, .field = COVERAGE_STALLS},

        {"gomaptop_overhead_budget_ratio", GAUGE, "ratio",
         "Part of the CPU time of the targets that watching may cost; 1: no limit", .put = put_real,
         .real = budget_ratio},
        {"gomaptop_probes_let_go", COUNTER, NULL,
         "Times all probes were taken out because gomaptop did not run and nothing limited their "
         "cost",
         .put = put_count, .count = let_go},
        {"gomaptop_probes_kept_out", GAUGE, NULL,
         "1: no probe is in place although the limit would allow it", .put = put_count,
         .count = in_trouble},
        {"gomaptop_overhead_planned_ratio", GAUGE, "ratio", "What is planned with of it now",
         .put = put_real, .real = planned_ratio},
        {"gomaptop_overhead_estimate_ratio", GAUGE, "ratio",
         "What watching has cost so far: hits, held and waiting over base", .put = put_real,
         .real = estimate_ratio},
        {"gomaptop_overhead_interval_ratio", GAUGE, "ratio", "The same, of the last interval",
         .put = put_real, .real = interval_ratio},
        {"gomaptop_overhead_hits_seconds", COUNTER, "seconds",
         "CPU time that probe hits took, without what was held or waited", .put = put_seconds,
         .count = hits_ns},
        {"gomaptop_overhead_cold_seconds", COUNTER, "seconds",
         "Of that, what hits took longer than a hit in a loop: their caches were cold",
         .put = put_seconds, .count = cold_ns},
        {"gomaptop_overhead_held_seconds", COUNTER, "seconds", "Time that accesses were held",
         .put = put_seconds, .count = held_ns},
        {"gomaptop_overhead_waiting_seconds", COUNTER, "seconds",
         "CPU time that hits cost beyond that (others that waited), as far as it could be seen",
         .put = put_seconds, .count = waiting_ns},
        {"gomaptop_overhead_base_seconds", COUNTER, "seconds",
         "What these are measured against: the CPU time of the targets, or a third of a CPU",
         .put = put_seconds_known, .count = base_ns},
        {"gomaptop_target_cpu_seconds", COUNTER, "seconds",
         "CPU time of the targets while they were watched", .put = put_seconds_known,
         .count = target_cpu_ns},
        {"gomaptop_overhead_hit_seconds", GAUGE, "seconds",
         "CPU time of one hit, by what it does; a hold without the time that is held",
         .put = put_hit_cost},
        {"gomaptop_overhead_contention_ratio", GAUGE, "ratio",
         "CPU time that is missing for each second that hits take: what others wait included",
         .put = put_real, .real = contention_ratio},
};

_Static_assert(METRICS_MAPS_MAX == 50, "as the help of gomaptop_map_conflicts says");
_Static_assert(METRICS_FINDINGS_MAX == 50, "as the help of gomaptop_finding_sightings says");

#define METRIC_COUNT (sizeof(metrics) / sizeof(metrics[0]))

/* ---- documents ----------------------------------------------------------------------- */

int metrics_write(const struct model *model, const struct snapshot_context *context, FILE *out)
{
	struct page page = {.out = out, .model = model, .context = context};

	errno = 0;
	if (model) {
		page.coverage = model_coverage(model);
		page.totals_count = model_totals(model, page.totals, METRICS_PROCESSES_MAX);
		page.rest = model_totals_rest(model, METRICS_PROCESSES_MAX);
		for (size_t i = 0; i < page.totals_count; i++)
			page.targets[i] = model_target(model, page.totals[i]->tgid);
		page.map_count = model_maps(model, MAPS_BY_FINDINGS, page.maps, METRICS_MAPS_MAX);
	}
	/* The first row needs no model. */
	for (size_t i = 0; i < (model ? METRIC_COUNT : 1); i++) {
		page.metric = &metrics[i];
		page.told = false;
		metrics[i].put(&page);
	}
	fputs("# EOF\n", out);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

int metrics_write_manual(FILE *out)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		fprintf(out, ".TP\n.BR %s%s \" (%s)\"\n%s.\n", metrics[i].name,
		        metric_types[metrics[i].type].suffix, metric_types[metrics[i].type].word,
		        metrics[i].help);
	return ferror(out) ? -EIO : 0;
}
