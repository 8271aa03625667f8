/* SPDX-License-Identifier: MIT */
/* The snapshot as JSON: the lists of the model's rows. Every object of the format has one function,
 * named after it. */
#include "core/report/snapshot_json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/probe/access_key.h"

#define SNAPSHOT_CHAINS_MAX 8 /* of one map */

/* ---- values: unknown is null --------------------------------------------------------- */

void snapshot_put_count(struct json_writer *w, const char *key, uint64_t count)
{
	json_put_integer(w, key, (int64_t)count);
}

void snapshot_put_known(struct json_writer *w, const char *key, uint64_t number)
{
	if (number)
		snapshot_put_count(w, key, number);
	else
		json_put_null(w, key);
}

void snapshot_put_time(struct json_writer *w, const char *key, uint64_t realtime_ns)
{
	char text[SNAPSHOT_TIME_MAX] = "";

	if (realtime_ns)
		snapshot_time_format(realtime_ns, text);
	json_put_text(w, key, text);
}

static void put_event_time(struct json_writer *w, const char *key,
                           const struct snapshot_context *context, uint64_t monotonic_ns)
{
	snapshot_put_time(w, key, monotonic_ns ? snapshot_realtime(context, monotonic_ns) : 0);
}

static void put_address(struct json_writer *w, const char *key, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	json_put_text(w, key, text);
}

static void put_map_id(struct json_writer *w, const char *key, const struct map_row *map)
{
	char text[24] = "";

	if (map)
		snprintf(text, sizeof(text), "m%u", map->number);
	json_put_text(w, key, text);
}

/* ---- FRAME, ACCESS ------------------------------------------------------------------- */

static void put_frame(struct json_writer *w, const char *key, const struct frame *frame)
{
	json_begin_object(w, key);
	json_put_text(w, "function", frame->function);
	json_put_text(w, "file", frame->file);
	snapshot_put_known(w, "line", frame->line > 0 ? (uint64_t)frame->line : 0);
	json_put_bool(w, "inlined", frame->inlined);
	put_address(w, "pc", frame->pc);
	json_end_object(w);
}

static void put_frame_known(struct json_writer *w, const char *key, const struct frame *frame)
{
	if (frame->function)
		put_frame(w, key, frame);
	else
		json_put_null(w, key);
}

static void put_stack(struct json_writer *w, const char *key, const struct frame *chain, int length)
{
	json_begin_list(w, key);
	for (int i = 0; i < length; i++)
		put_frame(w, NULL, &chain[i]);
	json_end_list(w);
}

/* Numbers that JSON's readers cannot hold (above 2^63) are strings; key_kind tells them apart. */
static void put_key(struct json_writer *w, const struct access *access)
{
	char text[24], copy[KEY_BYTES_MAX + 1] = "";
	int64_t number;

	if (access_key_integer(access, &number)) {
		json_put_integer(w, "key", number);
	} else if (access_key_number(access, text)) {
		json_put_text(w, "key", text);
	} else if (access_key_is_string(access)) {
		memcpy(copy, access->key, access->key_size);
		json_put_bytes(w, "key", copy, access->key_size);
	} else {
		json_put_null(w, "key");
	}
}

static void put_access(struct json_writer *w, const char *key,
                       const struct snapshot_context *context, const struct side *side)
{
	const struct access *access = &side->access;

	json_begin_object(w, key);
	json_put_text(w, "op", map_op_name(access->op));
	json_put_text(w, "runtime_function", side->runtime_function);
	snapshot_put_known(w, "pid", access->tgid);
	snapshot_put_known(w, "tid", access->tid);
	snapshot_put_known(w, "goid", access->goid);
	put_event_time(w, "time", context, access->time_ns);
	put_key(w, access);
	put_stack(w, "stack", side->chain, side->chain_length);
	json_put_bool(w, "stack_truncated", access->truncated != CHAIN_WHOLE);
	put_frame_known(w, "created_by", &side->created_by);
	snapshot_put_known(w, "parent_goid", access->parent_goid);
	json_put_text(w, "first_function", side->first_function);
	json_put_text(w, "key_kind", access_key_kind(access));
	json_put_bool(w, "key_truncated", access_key_truncated(access));
	json_end_object(w);
}

/* The other party of a fatal conflict: the runtime does not name it. */
static void put_access_unknown(struct json_writer *w, const char *key)
{
	static const char *const before[] = {"op", "runtime_function", "pid", "tid", "goid", "time",
	                                     "key"};
	static const char *const after[] = {"created_by", "parent_goid", "first_function",
	                                    "key_kind"};

	json_begin_object(w, key);
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		json_put_null(w, before[i]);
	put_stack(w, "stack", NULL, 0);
	json_put_bool(w, "stack_truncated", false);
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
		json_put_null(w, after[i]);
	json_put_bool(w, "key_truncated", false);
	json_end_object(w);
}

/* ---- MAP ----------------------------------------------------------------------------- */

static void put_heat(struct json_writer *w, const struct map_row *row)
{
	int count = STACK_DEPTH_MAX;

	while (count > 0 && row->heat_depth[count - 1] == 0)
		count--;
	json_begin_object(w, "heat");
	json_begin_list(w, "depth");
	for (int d = 0; d < count; d++)
		snapshot_put_count(w, NULL, row->heat_depth[d]);
	json_end_list(w);
	json_end_object(w);
}

static void put_chain(struct json_writer *w, const struct chain_row *chain)
{
	json_begin_object(w, NULL);
	json_put_text(w, "op", map_op_name(chain->op));
	snapshot_put_count(w, "count", chain->count);
	snapshot_put_count(w, "conflicts", chain->conflicts);
	put_stack(w, "stack", chain->chain, chain->chain_length);
	json_put_bool(w, "stack_truncated", chain->truncated);
	json_put_text(w, "first_function", chain->first_function);
	if (chain->first_function)
		json_put_bool(w, "complete", chain->complete);
	else
		json_put_null(w, "complete");
	json_end_object(w);
}

static void put_chains(struct json_writer *w, struct map_row *row)
{
	model_sort_chains(row);
	json_begin_list(w, "chains");
	for (size_t i = 0; i < row->chain_count && i < SNAPSHOT_CHAINS_MAX; i++)
		put_chain(w, &row->chains[i]);
	json_end_list(w);
}

static void put_ops(struct json_writer *w, const struct map_row *row)
{
	snapshot_put_count(w, "reads", row->ops[OP_READ]);
	snapshot_put_count(w, "writes", row->ops[OP_WRITE]);
	snapshot_put_count(w, "deletes", row->ops[OP_DELETE]);
	snapshot_put_count(w, "clears", row->ops[OP_CLEAR]);
	snapshot_put_count(w, "iterations", row->ops[OP_ITERATE]);
}

/* Now: 0 for what has ended. The counts beside it are what was seen while probes were in place. */
void snapshot_put_rate(struct json_writer *w, double rate, bool estimated)
{
	json_put_real(w, "operations_per_second", rate);
	json_put_bool(w, "rate_estimated", estimated);
}

static void put_born(struct json_writer *w, const struct map_row *row)
{
	if (row->born_length)
		put_stack(w, "born", row->born, row->born_length);
	else
		json_put_null(w, "born");
}

static void put_length(struct json_writer *w, const struct map_row *row)
{
	if (row->length >= 0)
		json_put_integer(w, "len", row->length);
	else
		json_put_null(w, "len");
}

static void put_order(struct json_writer *w, const struct pair_counts *order,
                      enum map_reason reason)
{
	static const char *const ways[ORDER_WAY_COUNT] = {
#define X(id, name, does) [ORDER_BY_##id] = (name),
	        ORDER_WAYS(X)
#undef X
	};

	json_begin_object(w, "order");
	snapshot_put_count(w, "pairs", pair_counts_all(order));
	snapshot_put_count(w, "under_lock", order->under_lock);
	snapshot_put_count(w, "ordered", order->ordered);
	snapshot_put_count(w, "unknown", order->unknown);
	snapshot_put_count(w, "unordered", order->unordered);
	json_begin_object(w, "how");
	for (size_t i = 0; i < ORDER_WAY_COUNT; i++)
		snapshot_put_count(w, ways[i], order->how[i]);
	json_end_object(w);
	json_put_text(w, "reason", map_reason_name(reason));
	json_end_object(w);
}

/* Of a place in the code: its address at least. */
static void put_place(struct json_writer *w, const char *key, const struct frame *frame)
{
	if (frame->function || frame->pc)
		put_frame(w, key, frame);
	else
		json_put_null(w, key);
}

/* A mutex and the lock of a sync.RWMutex look alike from outside, unless they were seen being taken
 * in a way that only one of them has. */
static const char *lock_kind(uint64_t kinds)
{
	return kinds == ORDER_TAKEN_MUTEX     ? "mutex"
	       : kinds == ORDER_TAKEN_RWMUTEX ? "rwmutex"
	                                      : "lock";
}

static void put_guard(struct json_writer *w, const struct map_guard *guard)
{
	if (!map_guard_known(guard) || !guard->lock) {
		json_put_null(w, "guard");
		return;
	}
	json_begin_object(w, "guard");
	json_put_text(w, "kind", lock_kind(guard->kinds));
	json_put_text(w, "name", guard->name);
	put_address(w, "addr", guard->lock);
	put_place(w, "at", &guard->taken);
	snapshot_put_count(w, "accesses", guard->accesses - guard->bare);
	snapshot_put_count(w, "of", guard->accesses);
	put_place(w, "bare_at", &guard->bare_at);
	json_end_object(w);
}

static void put_map(struct json_writer *w, struct map_row *row)
{
	json_begin_object(w, NULL);
	put_map_id(w, "id", row);
	json_put_integer(w, "pid", row->tgid);
	put_address(w, "addr", row->addr);
	json_put_text(w, "type", row->type);
	put_length(w, row);
	put_born(w, row);
	json_put_text(w, "verdict", map_verdict_name(row->verdict));
	put_order(w, &row->order, map_reason(row));
	put_guard(w, &row->guard);
	put_ops(w, row);
	snapshot_put_known(w, "goroutines", row->goroutines);
	snapshot_put_count(w, "stalls", row->stalls);
	json_put_real(w, "stall_seconds", row->stall_seconds);
	json_put_real(w, "expected_overlaps", row->expected_overlaps);
	snapshot_put_count(w, "conflicts", row->conflicts);
	put_heat(w, row);
	json_put_bool(w, "goroutines_estimated", row->goroutines_estimated);
	snapshot_put_rate(w, OPS_TOTAL(row->rate), row->rate_estimated);
	snapshot_put_count(w, "maps", row->maps);
	json_put_bool(w, "ended", row->ended);
	put_frame_known(w, "first_use", &row->first_use);
	snapshot_put_known(w, "born_goid", row->born_goid);
	put_chains(w, row);
	json_end_object(w);
}

/* ---- CONFLICT, GOROUTINE, CRASH ------------------------------------------------------ */

void snapshot_put_conflict(struct json_writer *w, const char *key,
                           const struct snapshot_context *context, const struct conflict_row *row)
{
	json_begin_object(w, key);
	put_map_id(w, "map", row->map);
	json_put_text(w, "kind", conflict_kind_name(row->kind));
	json_put_text(w, "evidence", conflict_evidence_name(row->evidence));
	snapshot_put_count(w, "count", row->count);
	put_event_time(w, "first_seen", context, row->first_ns);
	put_event_time(w, "last_seen", context, row->last_ns);
	put_access(w, "a", context, &row->a);
	if (row->evidence != EVIDENCE_FATAL)
		put_access(w, "b", context, &row->b);
	else
		put_access_unknown(w, "b");
	json_put_real(w, "gap_seconds",
	              row->evidence == EVIDENCE_UNORDERED ? (double)row->gap_ns / 1e9 : NAN);
	json_end_object(w);
}

static void put_goroutine(struct json_writer *w, const struct goroutine_row *row)
{
	json_begin_object(w, NULL);
	json_put_integer(w, "pid", row->tgid);
	snapshot_put_known(w, "goid", row->goid);
	snapshot_put_count(w, "reads", row->ops[OP_READ] + row->ops[OP_ITERATE]);
	snapshot_put_count(w, "writes", OPS_CHANGING(row->ops));
	snapshot_put_count(w, "conflicts", row->conflicts);
	snapshot_put_count(w, "maps", row->maps);
	json_put_null(w, "state");
	json_put_null(w, "wait_reason");
	json_put_null(w, "wait_seconds");
	snapshot_put_known(w, "parent_goid", row->parent_goid);
	put_frame_known(w, "created_by", &row->created_by);
	json_put_null(w, "stack");
	json_put_bool(w, "ended", row->ended);
	snapshot_put_rate(w, row->rate, row->rate_estimated);
	put_frame_known(w, "last_use", &row->last_use);
	json_put_text(w, "first_function", row->first_function);
	json_end_object(w);
}

void snapshot_put_crash(struct json_writer *w, const char *key,
                        const struct snapshot_context *context, const struct crash_row *row)
{
	json_begin_object(w, key);
	json_put_integer(w, "pid", row->tgid);
	put_event_time(w, "time", context, row->time_ns);
	json_put_text(w, "message", row->message);
	put_map_id(w, "map", row->map);
	snapshot_put_known(w, "goid", row->side.access.goid);
	put_stack(w, "stack", row->side.chain, row->side.chain_length);
	json_begin_list(w, "last_accesses");
	if (row->side.access.map)
		put_access(w, NULL, context, &row->side);
	json_end_list(w);
	json_end_object(w);
}

void snapshot_put_lists(struct json_writer *w, const struct snapshot_context *context,
                        const struct snapshot_rows *rows)
{
	json_begin_list(w, "maps");
	for (size_t i = 0; i < rows->map_count; i++)
		put_map(w, rows->maps[i]);
	json_end_list(w);
	json_begin_list(w, "conflicts");
	for (size_t i = 0; i < rows->conflict_count; i++)
		snapshot_put_conflict(w, NULL, context, rows->conflicts[i]);
	json_end_list(w);
	json_begin_list(w, "goroutines");
	for (size_t i = 0; i < rows->goroutine_count; i++)
		put_goroutine(w, rows->goroutines[i]);
	json_end_list(w);
	json_begin_list(w, "crashes");
	for (size_t i = 0; i < rows->crash_count; i++)
		snapshot_put_crash(w, NULL, context, rows->crashes[i]);
	json_end_list(w);
}
