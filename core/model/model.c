/* SPDX-License-Identifier: MIT */
/* The model as a whole: events in, to the file that knows the kind; the clock; the totals. */
#include "core/model/model.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/budget/overhead_budget.h"
#include "core/model/model_internal.h"

#define MAPS_MAX       65536
#define GOROUTINES_MAX 16384
#define CONFLICTS_MAX  4096
#define CHAINS_MAX     64

/* ---- words --------------------------------------------------------------------------- */

#define X(id, name, changes) [OP_##id] = (name),
static const char *const op_names[] = {MAP_OPS(X)};
#undef X
#define X(id, name) [VERDICT_##id] = (name),
static const char *const verdict_names[] = {MAP_VERDICTS(X)};
#undef X
#define X(id, name) [CONFLICT_##id] = (name),
static const char *const kind_names[] = {CONFLICT_KINDS(X)};
#undef X
#define X(id, name) [EVIDENCE_##id] = (name),
static const char *const evidence_names[] = {CONFLICT_EVIDENCES(X)};
#undef X
static const char *const state_names[] = {"running", "exited", "crashed"};

#define WORD(table, i) ((size_t)(i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : "unknown")

const char *map_op_name(unsigned int op)
{
	return WORD(op_names, op);
}

const char *map_verdict_name(enum map_verdict verdict)
{
	return WORD(verdict_names, verdict);
}

const char *conflict_kind_name(enum conflict_kind kind)
{
	return WORD(kind_names, kind);
}

const char *conflict_evidence_name(enum conflict_evidence evidence)
{
	return WORD(evidence_names, evidence);
}

const char *process_state_name(unsigned int state)
{
	return WORD(state_names, state);
}

/* ---- making one ---------------------------------------------------------------------- */

int model_create(const struct model_config *config, struct model **out)
{
	struct model *model = calloc(1, sizeof(*model));

	*out = model;
	if (!model)
		return -ENOMEM;
	model->symbols = config->symbols;
	model->maps_max = config->maps_max ? config->maps_max : MAPS_MAX;
	model->goroutines_max = config->goroutines_max ? config->goroutines_max : GOROUTINES_MAX;
	model->conflicts_max = config->conflicts_max ? config->conflicts_max : CONFLICTS_MAX;
	model->chains_max = config->chains_per_map_max ? config->chains_per_map_max : CHAINS_MAX;
	return 0;
}

void model_destroy(struct model *model)
{
	if (!model)
		return;
	crashes_free(model);
	free(model->crashes.rows);
	conflicts_destroy(model);
	maps_destroy(model);
	births_destroy(model);
	map_families_destroy(model);
	goroutines_destroy(model);
	chain_pool_clear(&model->chains);
	for (size_t i = 0; i < model->targets.count; i++)
		free(model->targets.rows[i]);
	free(model->targets.rows);
	totals_destroy(model);
	free(model);
}

/* ---- targets ------------------------------------------------------------------------- */

static struct target_row *target_find(const struct model *model, uint32_t tgid)
{
	for (size_t i = 0; i < model->targets.count; i++) {
		struct target_row *target = model->targets.rows[i];

		if (target->tgid == tgid)
			return target;
	}
	return NULL;
}

int model_target_add(struct model *model, const struct target_row *target)
{
	struct target_row *row = target_find(model, target->tgid);
	size_t index;

	if (!row) {
		row = calloc(1, sizeof(*row));
		if (!row || row_list_add(&model->targets, row, &index) < 0) {
			free(row);
			return -ENOMEM;
		}
	}
	*row = *target;
	totals_obtain(model, target->tgid); /* one that never does anything is a process, too */
	return 0;
}

const struct target_row *model_target(const struct model *model, uint32_t tgid)
{
	return target_find(model, tgid);
}

static int process_apply(struct model *model, const struct event_header *header)
{
	const struct event_process *event = (const struct event_process *)header;
	struct target_row *target = target_find(model, header->tgid);

	if (target && !(target->state == PROCESS_CRASHED && event->state == PROCESS_EXITED))
		target->state = event->state;
	if (event->state != PROCESS_RUNNING) {
		maps_process_end(model, header->tgid);
		goroutines_process_end(model, header->tgid);
	}
	return 0;
}

/* ---- totals and the clock ------------------------------------------------------------ */

uint64_t coverage_hits_ns(const struct coverage_row *row)
{
	uint64_t rest = row->value[COVERAGE_STALL_NS] + row->waiting_ns;

	return row->run_ns > rest ? row->run_ns - rest : 0;
}

static int coverage_apply(struct model *model, const struct event_header *header)
{
	const struct event_coverage *event = (const struct event_coverage *)header;
	struct coverage_row *row = &model->coverage;

	memcpy(row->value, event->value, sizeof(row->value));
	row->armed_ns = event->armed_ns;
	row->sampled_ns = event->sampled_ns;
	row->watched_ns = event->watched_ns;
	row->run_ns = event->run_ns;
	row->target_cpu_ns = event->target_cpu_ns;
	row->ns_per_hit = event->ns_per_hit;
	row->births_ns = event->births_ns;
	row->cold_ns = event->cold_ns;
	row->waiting_ns = event->waiting_ns;
	row->contention = event->contention;
	row->planned = event->planned;
	row->let_go = event->let_go;
	row->trouble = event->trouble;
	row->overhead_estimate = 0;
	if (row->target_cpu_ns)
		row->overhead_estimate =
		        (double)row->run_ns /
		        (double)overhead_base_ns(row->target_cpu_ns, row->watched_ns);
	/* The cost is part of that CPU time; an estimate above it is one of a target at rest. */
	if (row->overhead_estimate > 1)
		row->overhead_estimate = 1;
#define LOST(id) row->lost += row->value[COVERAGE_##id];
#define TOTAL(id)
#define FILTERED(id)
#define UNTRACKED(id)
#define X(id, name, group) group(id)
	row->lost = 0;
	COVERAGE_FIELDS(X)
#undef X
#undef LOST
#undef TOTAL
#undef FILTERED
#undef UNTRACKED
	return 0;
}

/* The limit is kept over some seconds, not in each: what is not spent is saved up, and windows
 * spend it at once. */
static void overhead_recent_tick(struct model *model, double run, double base, double seconds)
{
	struct overhead_recent *recent = &model->overhead_recent;
	struct coverage_row *row = &model->coverage;
	double kept = exp(-seconds / OVERHEAD_SPAN_SECONDS);

	recent->run = recent->run * kept + run;
	recent->base = recent->base * kept + base;
	row->overhead_recent = recent->base > 0 ? fmin(recent->run / recent->base, 1) : 0;
}

/* Of the interval that ends. Before there is a whole one: of what there is. */
static void overhead_tick(struct model *model, uint64_t watched_ns)
{
	struct coverage_row *row = &model->coverage;
	uint64_t base =
	        overhead_base_ns(count_since(row->target_cpu_ns, model->cpu_at_tick), watched_ns);
	uint64_t run = count_since(row->run_ns, model->run_at_tick);

	row->overhead_now = base ? fmin((double)run / (double)base, 1) : 0;
	overhead_recent_tick(model, (double)run, (double)base, (double)watched_ns / 1e9);
	model->run_at_tick = row->run_ns;
	model->cpu_at_tick = row->target_cpu_ns;
}

static struct tick_span tick_span_take(struct model *model, double seconds)
{
	const struct coverage_row *row = &model->coverage;
	uint64_t armed = count_since(row->armed_ns, model->armed_at_tick);
	uint64_t watched = count_since(row->watched_ns, model->watched_at_tick);
	uint64_t sampled = count_since(row->sampled_ns, model->sampled_at_tick);
	double part = watched ? (double)armed / (double)watched : 1;

	overhead_tick(model, watched);
	model->coverage.armed_now = part > 1 ? 1 : part;
	pace_tick(&model->armed, seconds, (double)row->armed_ns / 1e9);
	pace_tick(&model->counted, seconds, (double)row->value[COVERAGE_COUNTED]);
	model->coverage.armed_pace = pace_of(&model->armed);
	model->coverage.counted_pace = pace_of(&model->counted);
	model->armed_at_tick = row->armed_ns;
	model->sampled_at_tick = row->sampled_ns;
	model->watched_at_tick = row->watched_ns;
	model->coverage.rates_estimated = part < ARMED_WHOLE;
	model->coverage.rate_seen = part >= ARMED_WHOLE || sampled > 0;
	return (struct tick_span){
	        .seconds = seconds, .sampled = (double)sampled / 1e9, .whole = part >= ARMED_WHOLE};
}

/* Is there a process left that could do anything? */
static bool targets_run(const struct model *model)
{
	for (size_t i = 0; i < model->targets.count; i++) {
		const struct target_row *target = model->targets.rows[i];

		if (target->state == PROCESS_RUNNING)
			return true;
	}
	return model->targets.count == 0; /* none was told of: what is seen is of some */
}

static void ops_rate_tick(struct model *model, const struct tick_span *span)
{
	struct coverage_row *row = &model->coverage;
	uint64_t ops = row->value[COVERAGE_COUNTED], outside = row->value[COVERAGE_OUTSIDE];
	bool quiet = ops == model->ops_at_tick;

	model->ops_rate.outside = count_since(outside, model->outside_at_tick);
	row->ops_rate = op_rate_tick(&model->ops_rate, count_since(ops, model->ops_at_tick), span);
	model->ops_at_tick = ops;
	model->outside_at_tick = outside;
	if (quiet && !targets_run(model)) {
		op_rate_end(&model->ops_rate);
		row->ops_rate = 0;
	}
}

static int tick_apply(struct model *model, const struct event_header *header)
{
	uint64_t since = model->last_tick_ns ? model->last_tick_ns : model->first_ns;
	struct tick_span span;

	model->tick++;
	crashes_tick(model);
	if (header->time_ns <= since)
		return 0;
	span = tick_span_take(model, (double)(header->time_ns - since) / 1e9);
	model->last_tick_ns = header->time_ns;
	history_clock_tick(&model->clock, model->tick, header->time_ns);
	ops_rate_tick(model, &span);
	maps_tick(model, &span);
	conflicts_tick(model, span.seconds);
	goroutines_tick(model, &span);
	return 0;
}

/* ---- dispatch ------------------------------------------------------------------------ */

/* Accesses may be cut off behind the last used entry of their stack when they end the event. */
#define ACCESS_MIN offsetof(struct access, stack)

/* size: smallest; access: where an access lies that must be sound, 0: none. */
static const struct event_rule {
	size_t size;
	size_t access[2];
	int (*apply)(struct model *model, const struct event_header *event);
} event_rules[EVENT_KINDS] = {
        [EVENT_STALL] = {offsetof(struct event_stall, access) + ACCESS_MIN,
                         {offsetof(struct event_stall, access)},
                         stall_apply},
        [EVENT_OVERLAP] = {offsetof(struct event_overlap, came) + ACCESS_MIN,
                           {offsetof(struct event_overlap, held),
                            offsetof(struct event_overlap, came)},
                           overlap_apply},
        [EVENT_UNORDERED] = {offsetof(struct event_unordered, second) + ACCESS_MIN,
                             {offsetof(struct event_unordered, first),
                              offsetof(struct event_unordered, second)},
                             unordered_apply},
        [EVENT_ORDER] = {sizeof(struct event_order), {0}, order_apply},
        [EVENT_CRASH] = {offsetof(struct event_crash, access) + ACCESS_MIN,
                         {offsetof(struct event_crash, access)},
                         crash_apply},
        [EVENT_PROCESS] = {sizeof(struct event_process), {0}, process_apply},
        [EVENT_MAP] = {sizeof(struct event_map), {0}, map_apply},
        [EVENT_GOROUTINE] = {sizeof(struct event_goroutine), {0}, goroutine_apply},
        [EVENT_COVERAGE] = {sizeof(struct event_coverage), {0}, coverage_apply},
        [EVENT_BIRTH] = {offsetof(struct event_birth, access) + ACCESS_MIN,
                         {offsetof(struct event_birth, access)},
                         birth_apply},
        [EVENT_TICK] = {sizeof(struct event_header), {0}, tick_apply},
};

static bool access_sound(const struct event_header *event, size_t offset)
{
	const struct access *access = (const void *)((const char *)event + offset);

	return access->op < OP_COUNT && access->depth <= STACK_DEPTH_MAX &&
	       offset + ACCESS_MIN + access->depth * sizeof(access->stack[0]) <= event->size;
}

int model_apply(struct model *model, const struct event_header *event)
{
	const struct event_rule *rule;

	if (event->size < sizeof(*event) || event->size % 8 != 0)
		return -EINVAL;
	if (event->kind >= EVENT_KINDS || !event_rules[event->kind].apply)
		return 0;
	rule = &event_rules[event->kind];
	if (event->size < rule->size)
		return -EINVAL;
	for (int i = 0; i < 2; i++) {
		if (rule->access[i] && !access_sound(event, rule->access[i]))
			return -EINVAL;
	}
	if (event->time_ns > model->now_ns)
		model->now_ns = event->time_ns;
	if (!model->first_ns)
		model->first_ns = event->time_ns;
	return rule->apply(model, event);
}

void model_reset(struct model *model)
{
	crashes_reset(model);
	conflicts_reset(model);
	maps_reset(model);
	goroutines_reset(model);
	model->at_reset = model->coverage;
	model->past_dropped += model->dropped;
	model->dropped = 0;
}

/* ---- totals -------------------------------------------------------------------------- */

const struct coverage_row *model_coverage(const struct model *model)
{
	return &model->coverage;
}

uint64_t model_conflict_total(const struct model *model)
{
	return model->conflict_total;
}

uint64_t model_unordered_total(const struct model *model)
{
	return model->unordered_total;
}

bool model_has_finding(const struct model *model)
{
	return model->unordered_total || model_has_conflict(model);
}

const struct history_clock *model_clock(const struct model *model)
{
	return &model->clock;
}

uint64_t model_now_ns(const struct model *model)
{
	return model->now_ns;
}

uint64_t model_dropped(const struct model *model)
{
	return model->dropped;
}

uint64_t model_dropped_ever(const struct model *model)
{
	return model->past_dropped + model->dropped;
}
