/* SPDX-License-Identifier: MIT */
/* The snapshot as JSON: every object of the format has one function, named after it. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/access_key.h"
#include "core/snapshot_internal.h"

#define SNAPSHOT_CHAINS_MAX 8 /* of one map */

/* ---- values: unknown is null --------------------------------------------------------- */

/* Length of the well-formed UTF-8 sequence at text, or 0. */
static size_t utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

	for (size_t n = 0; n < sizeof(forms) / sizeof(forms[0]); n++) {
		uint32_t code = text[0] & (unsigned char)~forms[n].mask;

		if ((text[0] & forms[n].mask) != forms[n].lead)
			continue;
		for (size_t i = 1; i <= n; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (text[i] & 0x3f);
		}
		if (code < forms[n].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		return n + 1;
	}
	return 0;
}

/* A name from a target may hold any byte: what is no UTF-8 becomes U+FFFD. A NUL follows text. */
static json_t *json_repaired(const char *text, size_t size)
{
	char *copy = malloc(3 * size + 1), *to = copy;
	const char *end = text + size;
	json_t *value;

	if (!copy)
		return NULL;
	while (text < end) {
		size_t length = utf8_length((const unsigned char *)text);

		memcpy(to, length ? text : "\xef\xbf\xbd", length ? length : 3);
		to += length ? length : 3;
		text += length ? length : 1;
	}
	value = json_stringn(copy, (size_t)(to - copy));
	free(copy);
	return value;
}

static json_t *json_text(const char *text)
{
	json_t *value;

	if (!text || !*text)
		return json_null();
	value = json_string(text);
	return value ? value : json_repaired(text, strlen(text));
}

static json_t *json_count(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *json_known(uint64_t number)
{
	return number ? json_count(number) : json_null();
}

static json_t *json_number(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

static json_t *json_address(uint64_t address)
{
	return json_sprintf("0x%" PRIx64, address);
}

static json_t *json_time(uint64_t realtime_ns)
{
	char text[SNAPSHOT_TIME_MAX];

	if (!realtime_ns)
		return json_null();
	snapshot_time_format(realtime_ns, text);
	return json_string(text);
}

static json_t *json_event_time(const struct snapshot_context *context, uint64_t monotonic_ns)
{
	return monotonic_ns ? json_time(snapshot_realtime(context, monotonic_ns)) : json_null();
}

static json_t *json_map_id(const struct map_row *map)
{
	return map ? json_sprintf("m%u", map->number) : json_null();
}

/* ---- FRAME, ACCESS ------------------------------------------------------------------- */

static json_t *json_frame(const struct frame *frame)
{
	return json_pack("{s:o, s:o, s:o, s:b, s:o}", "function", json_text(frame->function),
	                 "file", json_text(frame->file), "line",
	                 json_known(frame->line > 0 ? (uint64_t)frame->line : 0), "inlined",
	                 frame->inlined, "pc", json_address(frame->pc));
}

static json_t *json_frame_known(const struct frame *frame)
{
	return frame->function ? json_frame(frame) : json_null();
}

static json_t *json_stack(const struct frame *chain, int length)
{
	json_t *stack = json_array();

	for (int i = 0; i < length; i++)
		json_array_append_new(stack, json_frame(&chain[i]));
	return stack;
}

/* Numbers that JSON's readers cannot hold (above 2^63) are strings; key_kind tells them apart. */
static json_t *json_key(const struct access *access)
{
	char text[24], copy[KEY_BYTES_MAX + 1] = "";
	int64_t number;

	if (access_key_integer(access, &number))
		return json_integer(number);
	if (access_key_number(access, text))
		return json_string(text);
	if (!access_key_is_string(access))
		return json_null();
	memcpy(copy, access->key, access->key_size);
	return json_repaired(copy, access->key_size);
}

static json_t *json_access(const struct snapshot_context *context, const struct side *side)
{
	const struct access *access = &side->access;

	return json_pack(
	        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:b}", "op",
	        map_op_name(access->op), "runtime_function", json_text(side->runtime_function),
	        "pid", json_known(access->tgid), "tid", json_known(access->tid), "goid",
	        json_known(access->goid), "time", json_event_time(context, access->time_ns), "key",
	        json_key(access), "stack", json_stack(side->chain, side->chain_length),
	        "stack_truncated", access->truncated != CHAIN_WHOLE, "created_by",
	        json_frame_known(&side->created_by), "parent_goid", json_known(access->parent_goid),
	        "first_function", json_text(side->first_function), "key_kind",
	        json_text(access_key_kind(access)), "key_truncated", access_key_truncated(access));
}

/* The other party of a fatal conflict: the runtime does not name it. */
static json_t *json_access_unknown(void)
{
	return json_pack("{s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:[], s:b, s:n, s:n, s:n, s:n, s:b}",
	                 "op", "runtime_function", "pid", "tid", "goid", "time", "key", "stack",
	                 "stack_truncated", 0, "created_by", "parent_goid", "first_function",
	                 "key_kind", "key_truncated", 0);
}

/* ---- TARGET, COVERAGE ---------------------------------------------------------------- */

static json_t *json_target(const struct target_row *row)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:b, s:b, s:s, s:o, s:s}", "pid",
	                 (json_int_t)row->tgid, "exe", json_text(row->exe), "build_id",
	                 json_text(row->build_id), "go_version", json_text(row->go_version),
	                 "map_runtime", json_text(row->map_runtime), "stripped", row->stripped,
	                 "layout_verified", row->layout != GO_LAYOUT_UNVERIFIED, "layout",
	                 go_layout_trust_name(row->layout), "started_at",
	                 json_time(row->started_ns), "state", process_state_name(row->state));
}

enum coverage_group { TOTAL, FILTERED, LOST, UNTRACKED };

static const struct {
	const char *name;
	enum coverage_group group;
} coverage_fields[COVERAGE_COUNT] = {
#define X(id, name, group) [COVERAGE_##id] = {name, group},
        COVERAGE_FIELDS(X)
#undef X
};

static json_t *json_coverage_group(const struct coverage_row *row, enum coverage_group group)
{
	json_t *object = json_object();

	for (int i = 0; i < COVERAGE_COUNT; i++) {
		if (coverage_fields[i].group == group)
			json_object_set_new(object, coverage_fields[i].name,
			                    json_count(row->value[i]));
	}
	return object;
}

static json_t *json_probes(const struct snapshot_context *context)
{
	json_t *skipped = json_array();

	for (size_t i = 0; i < context->skip_count; i++)
		json_array_append_new(skipped,
		                      json_pack("{s:o, s:o}", "function",
		                                json_text(context->skips[i].function), "reason",
		                                json_text(context->skips[i].reason)));
	return json_pack("{s:o, s:o, s:o}", "wanted", json_count(context->probes_wanted),
	                 "attached", json_count(context->probes_attached), "skipped", skipped);
}

static json_t *json_unseen(const struct snapshot_context *context)
{
	json_t *unseen = json_array();

	for (size_t i = 0; i < context->unseen_count; i++)
		json_array_append_new(unseen,
		                      json_pack("{s:o, s:o}", "operation",
		                                json_text(context->unseen[i]->operation), "reason",
		                                json_text(context->unseen[i]->reason)));
	return unseen;
}

static json_t *json_armed_fraction(const struct coverage_row *row)
{
	if (!row->watched_ns)
		return json_null();
	return json_real(row->armed_ns >= row->watched_ns
	                         ? 1.0
	                         : (double)row->armed_ns / (double)row->watched_ns);
}

static json_t *json_events(const struct model *model, const struct coverage_row *row)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "made",
	                 json_count(row->value[COVERAGE_EVENTS_MADE]), "delivered",
	                 json_count(row->value[COVERAGE_EVENTS_DELIVERED]), "lost",
	                 json_coverage_group(row, LOST), "dropped_by_model",
	                 json_count(model_dropped(model)));
}

static json_t *json_overhead(const struct snapshot_context *context, const struct coverage_row *row)
{
	double held = (double)row->value[COVERAGE_STALL_NS] / 1e9, run = (double)row->run_ns / 1e9;

	return json_pack(
	        "{s:o, s:o, s:o, s:o, s:o, s:o}", "budget",
	        context->overhead_budget >= 0 ? json_real(context->overhead_budget) : json_null(),
	        "estimate", row->target_cpu_ns ? json_number(row->overhead_estimate) : json_null(),
	        "ns_per_hit", json_known(row->ns_per_hit), "hits_seconds",
	        json_number(run > held ? run - held : 0), "held_seconds", json_number(held),
	        "target_cpu_seconds", json_number((double)row->target_cpu_ns / 1e9));
}

/* null: this kernel lets nobody see maps being made at a bearable price. */
static json_t *json_births(const struct coverage_row *row)
{
	if (!row->births_ns || !row->watched_ns)
		return json_null();
	return json_pack("{s:o, s:o}", "seen", json_count(row->value[COVERAGE_BIRTH_SITE]),
	                 "armed_fraction",
	                 json_real(row->births_ns >= row->watched_ns
	                                   ? 1.0
	                                   : (double)row->births_ns / (double)row->watched_ns));
}

static json_t *json_coverage(const struct model *model, const struct snapshot_context *context)
{
	const struct coverage_row *row = model_coverage(model);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	                 "attach", json_text(context->attach), "probes", json_probes(context),
	                 "unseen", json_unseen(context), "armed_fraction", json_armed_fraction(row),
	                 "hits", json_count(row->value[COVERAGE_HITS]), "filtered",
	                 json_coverage_group(row, FILTERED), "counted",
	                 json_count(row->value[COVERAGE_COUNTED]), "at_call",
	                 json_count(row->value[COVERAGE_AT_CALL]), "untracked",
	                 json_coverage_group(row, UNTRACKED), "stalls",
	                 json_count(row->value[COVERAGE_STALLS]), "stall_seconds",
	                 json_number((double)row->value[COVERAGE_STALL_NS] / 1e9), "events",
	                 json_events(model, row), "overhead", json_overhead(context, row), "births",
	                 json_births(row));
}

/* ---- MAP, CONFLICT, GOROUTINE, CRASH ------------------------------------------------- */

static json_t *json_heat(const struct map_row *row)
{
	json_t *depth = json_array();
	int count = STACK_DEPTH_MAX;

	while (count > 0 && row->heat_depth[count - 1] == 0)
		count--;
	for (int d = 0; d < count; d++)
		json_array_append_new(depth, json_count(row->heat_depth[d]));
	return json_pack("{s:o}", "depth", depth);
}

static json_t *json_chains(struct map_row *row)
{
	json_t *chains = json_array();

	model_sort_chains(row);
	for (size_t i = 0; i < row->chain_count && i < SNAPSHOT_CHAINS_MAX; i++) {
		const struct chain_row *chain = &row->chains[i];

		json_t *complete =
		        chain->first_function ? json_boolean(chain->complete) : json_null();

		json_array_append_new(
		        chains, json_pack("{s:s, s:o, s:o, s:o, s:b, s:o, s:o}", "op",
		                          map_op_name(chain->op), "count", json_count(chain->count),
		                          "conflicts", json_count(chain->conflicts), "stack",
		                          json_stack(chain->chain, chain->chain_length),
		                          "stack_truncated", chain->truncated, "first_function",
		                          json_text(chain->first_function), "complete", complete));
	}
	return chains;
}

static json_t *json_map(struct map_row *row)
{
	json_t *map = json_pack(
	        "{s:o, s:I, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "id",
	        json_map_id(row), "pid", (json_int_t)row->tgid, "addr", json_address(row->addr),
	        "type", json_text(row->type), "len",
	        row->length >= 0 ? json_count((uint64_t)row->length) : json_null(), "born",
	        row->born_length ? json_stack(row->born, row->born_length) : json_null(), "verdict",
	        map_verdict_name(row->verdict), "reads", json_count(row->ops[OP_READ]), "writes",
	        json_count(row->ops[OP_WRITE]), "deletes", json_count(row->ops[OP_DELETE]),
	        "clears", json_count(row->ops[OP_CLEAR]), "iterations",
	        json_count(row->ops[OP_ITERATE]));
	json_t *rest = json_pack(
	        "{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:b, s:o, s:o, s:o}", "goroutines",
	        json_known(row->goroutines), "stalls", json_count(row->stalls), "stall_seconds",
	        json_number(row->stall_seconds), "expected_overlaps",
	        json_number(row->expected_overlaps), "conflicts", json_count(row->conflicts),
	        "heat", json_heat(row), "goroutines_estimated", row->goroutines_estimated, "maps",
	        json_count(row->maps), "ended", row->ended, "first_use",
	        json_frame_known(&row->first_use), "born_goid", json_known(row->born_goid),
	        "chains", json_chains(row));

	if (map && rest)
		json_object_update(map, rest);
	json_decref(rest);
	return map;
}

static json_t *json_conflict(const struct snapshot_context *context, const struct conflict_row *row)
{
	bool known = row->evidence != EVIDENCE_FATAL;

	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "map", json_map_id(row->map),
	                 "kind", conflict_kind_name(row->kind), "evidence",
	                 conflict_evidence_name(row->evidence), "count", json_count(row->count),
	                 "first_seen", json_event_time(context, row->first_ns), "last_seen",
	                 json_event_time(context, row->last_ns), "a", json_access(context, &row->a),
	                 "b", known ? json_access(context, &row->b) : json_access_unknown());
}

static json_t *json_goroutine(const struct goroutine_row *row)
{
	uint64_t writes = row->ops[OP_WRITE] + row->ops[OP_DELETE] + row->ops[OP_CLEAR];

	return json_pack(
	        "{s:I, s:o, s:o, s:o, s:o, s:o, s:n, s:n, s:n, s:o, s:o, s:n, s:b, s:o, s:o}",
	        "pid", (json_int_t)row->tgid, "goid", json_known(row->goid), "reads",
	        json_count(row->ops[OP_READ] + row->ops[OP_ITERATE]), "writes", json_count(writes),
	        "conflicts", json_count(row->conflicts), "maps", json_count(row->maps), "state",
	        "wait_reason", "wait_seconds", "parent_goid", json_known(row->parent_goid),
	        "created_by", json_frame_known(&row->created_by), "stack", "ended", row->ended,
	        "last_use", json_frame_known(&row->last_use), "first_function",
	        json_text(row->first_function));
}

static json_t *json_crash(const struct snapshot_context *context, const struct crash_row *row)
{
	json_t *accesses = json_array();

	if (row->side.access.map)
		json_array_append_new(accesses, json_access(context, &row->side));
	return json_pack(
	        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "pid", (json_int_t)row->tgid, "time",
	        json_event_time(context, row->time_ns), "message", json_text(row->message), "map",
	        json_map_id(row->map), "goid", json_known(row->side.access.goid), "stack",
	        json_stack(row->side.chain, row->side.chain_length), "last_accesses", accesses);
}

/* ---- the whole ----------------------------------------------------------------------- */

/* 0, or -ENOMEM when a row is missing: half a snapshot is none. */
static int json_lists(json_t *root, const struct snapshot_context *context,
                      const struct snapshot_rows *rows)
{
	json_t *maps = json_array(), *conflicts = json_array();
	json_t *goroutines = json_array(), *crashes = json_array();
	int error = 0;

	for (size_t i = 0; i < rows->map_count; i++)
		error |= json_array_append_new(maps, json_map(rows->maps[i]));
	for (size_t i = 0; i < rows->conflict_count; i++)
		error |= json_array_append_new(conflicts,
		                               json_conflict(context, rows->conflicts[i]));
	for (size_t i = 0; i < rows->goroutine_count; i++)
		error |= json_array_append_new(goroutines, json_goroutine(rows->goroutines[i]));
	for (size_t i = 0; i < rows->crash_count; i++)
		error |= json_array_append_new(crashes, json_crash(context, rows->crashes[i]));
	error |= json_object_set_new(root, "maps", maps);
	error |= json_object_set_new(root, "conflicts", conflicts);
	error |= json_object_set_new(root, "goroutines", goroutines);
	error |= json_object_set_new(root, "crashes", crashes);
	return error ? -ENOMEM : 0;
}

static json_t *json_host(const struct snapshot_context *context)
{
	return json_pack("{s:o, s:o, s:o}", "kernel", json_text(context->kernel), "arch",
	                 json_text(context->arch), "cpus",
	                 json_known(context->cpus > 0 ? (uint64_t)context->cpus : 0));
}

static json_t *json_snapshot(const struct model *model, const struct snapshot_context *context,
                             const struct snapshot_rows *rows)
{
	json_t *targets = json_array(), *root;

	for (size_t i = 0; i < rows->target_count; i++)
		json_array_append_new(targets, json_target(rows->targets[i]));
	root = json_pack("{s:s, s:o, s:o, s:{s:o}, s:o, s:o, s:o}", "schema", SNAPSHOT_SCHEMA,
	                 "written_at", json_time(snapshot_written_at(context)), "seconds",
	                 json_number(context->seconds), "tool", "version",
	                 json_text(context->tool_version), "host", json_host(context), "targets",
	                 targets, "coverage", json_coverage(model, context));
	if (root && json_lists(root, context, rows) < 0) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

int snapshot_json_write(const struct model *model, const struct snapshot_context *context,
                        const struct snapshot_rows *rows, FILE *out)
{
	json_t *root;
	int error = 0;

	model_lengths_read(model, rows->maps, rows->map_count);
	root = json_snapshot(model, context, rows);
	if (!root)
		return -ENOMEM;
	if (json_dumpf(root, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) <
	            0 ||
	    fputc('\n', out) == EOF)
		error = errno ? -errno : -EIO;
	json_decref(root);
	return error;
}
