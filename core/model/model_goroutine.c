/* SPDX-License-Identifier: MIT */
/* Goroutines: counts in, rows out. */
#include "core/model/model_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RECYCLE_STEPS 256
/* A goroutine that did nothing to a map for so long may make room for another. */
#define IDLE_NS 10000000000ull

double sketch_estimate(const __u64 *words, size_t count)
{
	double bits = (double)count * 64, zeros = bits;

	for (size_t i = 0; i < count; i++)
		zeros -= __builtin_popcountll(words[i]);
	if (zeros < 1)
		zeros = 0.5; /* full: "at least about this many" */
	return -bits * log(zeros / bits);
}

static uint64_t row_total(const struct goroutine_row *row)
{
	uint64_t total = 0;

	for (int op = 0; op < OP_COUNT; op++)
		total += row->ops[op];
	return total;
}

/* ---- rows ---------------------------------------------------------------------------- */

static void entry_retire(struct model *model, struct goroutine_entry *entry)
{
	struct goroutine_entry *moved = row_list_remove(&model->goroutines, entry->index);

	if (moved)
		moved->index = entry->index;
	if (id_table_get(&model->goroutine_keys, entry->key) == entry)
		id_table_remove(&model->goroutine_keys, entry->key);
	entry->next_free = model->goroutine_free;
	model->goroutine_free = entry;
}

static bool entry_recycle(struct model *model)
{
	for (int step = 0; step < RECYCLE_STEPS && model->goroutines.count; step++) {
		struct goroutine_entry *entry;

		model->goroutine_hand = (model->goroutine_hand + 1) % model->goroutines.count;
		entry = model->goroutines.rows[model->goroutine_hand];
		if (entry->row.ended || entry->row.retired ||
		    entry->row.last_ns + IDLE_NS < model->now_ns) {
			entry_retire(model, entry);
			return true;
		}
	}
	return false;
}

static struct goroutine_entry *entry_memory(struct model *model)
{
	struct goroutine_entry *entry;

	if (model->goroutines.count >= model->goroutines_max && !entry_recycle(model))
		return NULL;
	entry = model->goroutine_free;
	if (!entry)
		return calloc(1, sizeof(*entry));
	model->goroutine_free = entry->next_free;
	memset(entry, 0, sizeof(*entry));
	return entry;
}

static struct goroutine_entry *entry_new(struct model *model, struct id_key key)
{
	struct goroutine_entry *entry = entry_memory(model);

	if (!entry)
		return NULL;
	entry->key = key;
	entry->row.names_version = (uint64_t)++model->goroutine_number << 32;
	if (id_table_put(&model->goroutine_keys, key, entry) < 0) {
		free(entry);
		return NULL;
	}
	if (row_list_add(&model->goroutines, entry, &entry->index) < 0) {
		id_table_remove(&model->goroutine_keys, key);
		free(entry);
		return NULL;
	}
	totals_obtain(model, (uint32_t)key.b)->goroutines++;
	return entry;
}

/* ---- EVENT_GOROUTINE ----------------------------------------------------------------- */

static void counts_add(struct goroutine_entry *entry, const struct goroutine_counts *counts)
{
	struct goroutine_row *row = &entry->row;
	uint64_t fresh;

	fresh = count_since(counts->conflicts, entry->conflicts);
	row->conflicts += fresh;
	entry->conflicts = counts->conflicts;
	entry->op_rate.outside += count_since(counts->outside, entry->outside);
	entry->outside = counts->outside;
	for (int op = 0; op < OP_COUNT; op++) {
		uint64_t more = count_since(counts->ops[op], entry->ops[op]);

		row->ops[op] += more;
		fresh += more;
		entry->ops[op] = counts->ops[op];
	}
	if (fresh)
		row->forgotten = false;
	row->maps = (unsigned int)lround(sketch_estimate(&counts->maps, MAP_BITS / 64));
	if (counts->last_ns > row->last_ns)
		row->last_ns = counts->last_ns;
}

static void names_update(struct model *model, struct goroutine_entry *entry,
                         const struct goroutine_counts *counts)
{
	if (counts->last_caller != entry->last_caller) {
		entry->last_caller = counts->last_caller;
		entry->row.names_version++;
		entry->row.last_use = model_place(model, entry->row.tgid, counts->last_caller);
	}
	if (counts->gopc != entry->gopc) {
		entry->gopc = counts->gopc;
		entry->row.names_version++;
		entry->row.created_by = model_frame(model, entry->row.tgid, counts->gopc);
	}
	if (counts->startpc != entry->startpc) {
		entry->startpc = counts->startpc;
		entry->row.first_function =
		        model_first_function(model, entry->row.tgid, counts->startpc);
	}
}

int goroutine_apply(struct model *model, const struct event_header *header)
{
	const struct event_goroutine *event = (const struct event_goroutine *)header;
	const struct goroutine_counts *counts = &event->counts;
	struct id_key key = {event->key.g, event->key.tgid, counts->goid};
	struct goroutine_entry *entry = id_table_get(&model->goroutine_keys, key);

	if (!entry)
		entry = entry_new(model, key);
	if (!entry) {
		model->dropped++;
		return 0;
	}
	entry->row.tgid = event->key.tgid;
	entry->row.goid = counts->goid;
	entry->row.parent_goid = counts->parent_goid;
	entry->row.retired = event->end == ROW_RETIRED;
	counts_add(entry, counts);
	names_update(model, entry, counts);
	if (event->end) {
		/* What comes under this key next begins at zero; a g without a known goid is
		 * somebody else then. */
		memset(entry->ops, 0, sizeof(entry->ops));
		entry->outside = 0;
		entry->conflicts = 0;
		if (counts->goid == 0)
			id_table_remove(&model->goroutine_keys, key);
	}
	return 0;
}

/* ---- once an interval ---------------------------------------------------------------- */

void goroutines_tick(struct model *model, const struct tick_span *span)
{
	for (size_t i = 0; i < model->goroutines.count; i++) {
		struct goroutine_entry *entry = model->goroutines.rows[i];
		uint64_t total = row_total(&entry->row);
		bool quiet;

		entry->row.rate = op_rate_tick(&entry->op_rate, total - entry->total_at_tick, span);
		entry->row.rate_estimated = !span->whole;
		quiet = total == entry->total_at_tick;
		entry->total_at_tick = total;
		if (quiet && entry->row.ended) {
			op_rate_end(&entry->op_rate);
			entry->row.rate = 0;
		}
	}
}

void goroutines_process_end(struct model *model, uint32_t tgid)
{
	for (size_t i = 0; i < model->goroutines.count; i++) {
		struct goroutine_row *row = model->goroutines.rows[i];

		if (row->tgid == tgid)
			row->ended = true;
	}
}

void goroutines_reset(struct model *model)
{
	for (size_t i = 0; i < model->goroutines.count; i++) {
		struct goroutine_entry *entry = model->goroutines.rows[i];

		memset(entry->row.ops, 0, sizeof(entry->row.ops));
		entry->row.conflicts = entry->total_at_tick = 0;
		entry->row.rate = 0;
		entry->row.forgotten = true;
	}
}

void goroutines_destroy(struct model *model)
{
	struct goroutine_entry *entry;

	while (model->goroutines.count)
		entry_retire(model, model->goroutines.rows[model->goroutines.count - 1]);
	free(model->goroutines.rows);
	id_table_clear(&model->goroutine_keys);
	while ((entry = model->goroutine_free)) {
		model->goroutine_free = entry->next_free;
		free(entry);
	}
}
