/* SPDX-License-Identifier: MIT */
/* The snapshot as JSON: what stands before the lists. Every object of the format has one function,
 * named after it. */
#include "core/report/snapshot_json.h"

#include <math.h>

#include "core/event/coverage_names.h"
#include "core/event/trouble.h"

/* ---- TARGET -------------------------------------------------------------------------- */

void snapshot_put_target(struct json_writer *w, const char *key, const struct target_row *row)
{
	json_begin_object(w, key);
	json_put_integer(w, "pid", row->tgid);
	json_put_text(w, "exe", row->exe);
	json_put_text(w, "build_id", row->build_id);
	json_put_text(w, "go_version", row->go_version);
	json_put_text(w, "map_runtime", row->map_runtime);
	json_put_bool(w, "stripped", row->stripped);
	json_put_bool(w, "layout_verified", row->layout != GO_LAYOUT_UNVERIFIED);
	json_put_text(w, "layout", go_layout_trust_name(row->layout));
	snapshot_put_time(w, "started_at", row->started_ns);
	json_put_text(w, "state", process_state_name(row->state));
	json_put_text(w, "module", row->module);
	json_put_text(w, "vcs_revision", row->revision);
	json_end_object(w);
}

/* ---- COVERAGE ------------------------------------------------------------------------ */

static void put_coverage_group(struct json_writer *w, const char *key,
                               const struct coverage_row *row, enum coverage_group group)
{
	json_begin_object(w, key);
	for (int i = 0; i < COVERAGE_COUNT; i++) {
		if (coverage_names[i].group == group)
			snapshot_put_count(w, coverage_names[i].name, row->value[i]);
	}
	json_end_object(w);
}

static void put_reason(struct json_writer *w, const char *key, const char *what, const char *reason)
{
	json_begin_object(w, NULL);
	json_put_text(w, key, what);
	json_put_text(w, "reason", reason);
	json_end_object(w);
}

static void put_probes(struct json_writer *w, const struct snapshot_context *context)
{
	json_begin_object(w, "probes");
	snapshot_put_count(w, "wanted", context->probes_wanted);
	snapshot_put_count(w, "attached", context->probes_attached);
	json_begin_list(w, "skipped");
	for (size_t i = 0; i < context->skip_count; i++)
		put_reason(w, "function", context->skips[i].function, context->skips[i].reason);
	json_end_list(w);
	json_end_object(w);
}

static void put_unseen(struct json_writer *w, const struct snapshot_context *context)
{
	json_begin_list(w, "unseen");
	for (size_t i = 0; i < context->unseen_count; i++)
		put_reason(w, "operation", context->unseen[i]->operation,
		           context->unseen[i]->reason);
	json_end_list(w);
}

/* null: nothing was watched yet. */
static void put_fraction(struct json_writer *w, const char *key, uint64_t part, uint64_t whole)
{
	if (whole)
		json_put_real(w, key, part >= whole ? 1.0 : (double)part / (double)whole);
	else
		json_put_null(w, key);
}

static void put_events(struct json_writer *w, const struct model *model,
                       const struct coverage_row *row)
{
	json_begin_object(w, "events");
	snapshot_put_count(w, "made", row->value[COVERAGE_EVENTS_MADE]);
	snapshot_put_count(w, "delivered", row->value[COVERAGE_EVENTS_DELIVERED]);
	put_coverage_group(w, "lost", row, COVERAGE_GROUP_LOST);
	snapshot_put_count(w, "dropped_by_model", model_dropped(model));
	json_end_object(w);
}

static void put_overhead(struct json_writer *w, const struct snapshot_context *context,
                         const struct coverage_row *row)
{
	json_begin_object(w, "overhead");
	json_put_real(w, "budget", context->overhead_limit >= 0 ? context->overhead_limit : NAN);
	json_put_real(w, "estimate", row->target_cpu_ns ? row->overhead_estimate : NAN);
	snapshot_put_known(w, "ns_per_hit", row->ns_per_hit);
	json_put_real(w, "hits_seconds", (double)coverage_hits_ns(row) / 1e9);
	json_put_real(w, "cold_seconds", (double)row->cold_ns / 1e9);
	json_put_real(w, "held_seconds", (double)row->value[COVERAGE_STALL_NS] / 1e9);
	json_put_real(w, "waiting_seconds", (double)row->waiting_ns / 1e9);
	json_put_real(w, "contention", row->contention > 0 ? row->contention : NAN);
	json_put_real(w, "planned", row->planned > 0 ? row->planned : NAN);
	json_put_real(w, "target_cpu_seconds", (double)row->target_cpu_ns / 1e9);
	json_end_object(w);
}

/* null: this kernel lets nobody see maps being made at a bearable price. */
static void put_births(struct json_writer *w, const struct coverage_row *row)
{
	if (!row->births_ns || !row->watched_ns) {
		json_put_null(w, "births");
		return;
	}
	json_begin_object(w, "births");
	snapshot_put_count(w, "seen", row->value[COVERAGE_BIRTH_SITE]);
	put_fraction(w, "armed_fraction", row->births_ns, row->watched_ns);
	json_end_object(w);
}

static void put_coverage(struct json_writer *w, const struct model *model,
                         const struct snapshot_context *context)
{
	const struct coverage_row *row = model_coverage(model);

	json_begin_object(w, "coverage");
	json_put_text(w, "attach", context->attach);
	put_probes(w, context);
	put_unseen(w, context);
	put_fraction(w, "armed_fraction", row->armed_ns, row->watched_ns);
	snapshot_put_count(w, "let_go", row->let_go);
	if (row->trouble)
		json_put_text(w, "trouble", trouble_name(row->trouble));
	else
		json_put_null(w, "trouble");
	snapshot_put_count(w, "hits", row->value[COVERAGE_HITS]);
	put_coverage_group(w, "filtered", row, COVERAGE_GROUP_FILTERED);
	snapshot_put_count(w, "counted", row->value[COVERAGE_COUNTED]);
	snapshot_put_count(w, "at_call", row->value[COVERAGE_AT_CALL]);
	snapshot_put_count(w, "outside", row->value[COVERAGE_OUTSIDE]);
	json_put_real(w, "sampled_seconds", (double)row->sampled_ns / 1e9);
	snapshot_put_rate(w, row->ops_rate, row->rates_estimated);
	put_coverage_group(w, "untracked", row, COVERAGE_GROUP_UNTRACKED);
	snapshot_put_count(w, "stalls", row->value[COVERAGE_STALLS]);
	json_put_real(w, "stall_seconds", (double)row->value[COVERAGE_STALL_NS] / 1e9);
	put_events(w, model, row);
	put_overhead(w, context, row);
	put_births(w, row);
	json_end_object(w);
}

/* ---- the whole ----------------------------------------------------------------------- */

static void put_tool(struct json_writer *w, const struct snapshot_context *context)
{
	json_begin_object(w, "tool");
	json_put_text(w, "version", context->tool_version);
	json_end_object(w);
}

static void put_host(struct json_writer *w, const struct snapshot_context *context)
{
	json_begin_object(w, "host");
	json_put_text(w, "kernel", context->kernel);
	json_put_text(w, "arch", context->arch);
	snapshot_put_known(w, "cpus", context->cpus > 0 ? (uint64_t)context->cpus : 0);
	json_end_object(w);
}

static void put_snapshot(struct json_writer *w, const struct model *model,
                         const struct snapshot_context *context, const struct snapshot_rows *rows)
{
	json_begin_object(w, NULL);
	json_put_text(w, "schema", SNAPSHOT_SCHEMA);
	snapshot_put_time(w, "written_at", snapshot_written_at(context));
	json_put_real(w, "seconds", context->seconds);
	put_tool(w, context);
	put_host(w, context);
	json_begin_list(w, "targets");
	for (size_t i = 0; i < rows->target_count; i++)
		snapshot_put_target(w, NULL, rows->targets[i]);
	json_end_list(w);
	put_coverage(w, model, context);
	snapshot_put_lists(w, context, rows);
	json_end_object(w);
}

int snapshot_json_write(const struct model *model, const struct snapshot_context *context,
                        const struct snapshot_rows *rows, FILE *out)
{
	struct json_writer *w;
	int error = json_writer_create(out, &w);

	if (error)
		return error;
	model_lengths_read(model, rows->maps, rows->map_count);
	put_snapshot(w, model, context, rows);
	error = json_writer_finish(w);
	json_writer_destroy(w);
	return error;
}
