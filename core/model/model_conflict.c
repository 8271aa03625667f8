/* SPDX-License-Identifier: MIT */
/* Stalls, overlaps and unordered pairs: one CONFLICT is one pair of source lines on one map. */
#include "core/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum conflict_kind kind_of_ops(unsigned int a, unsigned int b)
{
	if (op_changes(a) && op_changes(b))
		return CONFLICT_WRITE_WRITE;
	return a == OP_ITERATE || b == OP_ITERATE ? CONFLICT_ITERATE_WRITE : CONFLICT_READ_WRITE;
}

/* ---- rows ---------------------------------------------------------------------------- */

static struct id_key conflict_key(const struct map_entry *entry, enum conflict_kind kind,
                                  enum conflict_evidence evidence, uint64_t low, uint64_t high)
{
	uint64_t row = ((uint64_t)entry->row.number << 8) | (kind << 4) | evidence;

	return (struct id_key){row, low, high};
}

static void conflict_retire(struct model *model, struct conflict_entry *conflict)
{
	struct conflict_entry *moved = row_list_remove(&model->conflicts, conflict->index);

	if (moved)
		moved->index = conflict->index;
	id_table_remove(&model->conflict_keys, conflict->key);
	side_clear(model, &conflict->row.a);
	side_clear(model, &conflict->row.b);
	conflict_sightings_clear(conflict);
	conflict->next_free = model->conflict_free;
	model->conflict_free = conflict;
}

static struct conflict_entry *conflict_memory(struct model *model)
{
	struct conflict_entry *conflict = model->conflict_free;

	if (conflict) {
		model->conflict_free = conflict->next_free;
		memset(conflict, 0, sizeof(*conflict));
		return conflict;
	}
	if (model->conflicts.count >= model->conflicts_max)
		return NULL;
	return calloc(1, sizeof(*conflict));
}

static struct conflict_entry *conflict_new(struct model *model, struct id_key key)
{
	struct conflict_entry *conflict = conflict_memory(model);

	if (!conflict)
		return NULL;
	conflict->key = key;
	if (id_table_put(&model->conflict_keys, key, conflict) < 0)
		goto cleanup;
	if (row_list_add(&model->conflicts, conflict, &conflict->index) < 0) {
		id_table_remove(&model->conflict_keys, key);
		goto cleanup;
	}
	conflict->row.number = ++model->conflict_number;
	return conflict;
cleanup:
	free(conflict);
	return NULL;
}

/* An unordered pair of lines that overlapped, too, says so, whichever was seen first. */
static void conflict_relate(struct model *model, const struct map_entry *entry,
                            const struct conflict_entry *conflict)
{
	uint64_t low = conflict->line_low, high = conflict->line_high;
	enum conflict_kind kind = conflict->row.kind;
	struct conflict_entry *weak = id_table_get(
	        &model->conflict_keys, conflict_key(entry, kind, EVIDENCE_UNORDERED, low, high));

	if (weak && id_table_get(&model->conflict_keys,
	                         conflict_key(entry, kind, EVIDENCE_OVERLAP, low, high)))
		weak->row.also_overlaps = true;
}

struct conflict_entry *conflict_sighting(struct model *model, struct map_entry *entry,
                                         enum conflict_kind kind, enum conflict_evidence evidence,
                                         const struct access *a, int a_length,
                                         const struct access *b, int b_length)
{
	uint64_t x = chain_line(model->scratch[0], a_length, a);
	uint64_t y = b ? chain_line(model->scratch[1], b_length, b) : 0;
	uint64_t low = x < y ? x : y, high = x < y ? y : x;
	struct id_key key = conflict_key(entry, kind, evidence, low, high);
	struct conflict_entry *conflict = id_table_get(&model->conflict_keys, key);
	struct conflict_row *row;

	if (!conflict) {
		conflict = conflict_new(model, key);
		if (!conflict)
			return NULL;
		conflict->line_low = low;
		conflict->line_high = high;
		conflict->row.map = &entry->row;
		conflict->row.kind = kind;
		conflict->row.evidence = evidence;
		conflict->row.first_ns = a->time_ns;
		conflict_relate(model, entry, conflict);
	}
	row = &conflict->row;
	row->count++;
	row->last_ns = a->time_ns;
	entry->row.names_version++;
	row->depth = a_length > b_length ? a_length : b_length;
	if (evidence != EVIDENCE_UNORDERED)
		conflict_sighting_add(model, conflict, row->depth);
	side_set(model, &row->a, a, model->scratch[0], a_length);
	if (b)
		side_set(model, &row->b, b, model->scratch[1], b_length);
	return conflict;
}

/* ---- folding ------------------------------------------------------------------------- */

static void conflict_merge(struct conflict_entry *into, struct conflict_entry *from)
{
	struct conflict_row *to = &into->row, *row = &from->row;

	conflict_sightings_move(into, from);
	to->count += row->count;
	to->rate += row->rate;
	into->count_at_tick += from->count_at_tick;
	if (row->first_ns < to->first_ns)
		to->first_ns = row->first_ns;
	if (row->last_ns > to->last_ns) {
		struct side a = to->a, b = to->b;

		to->last_ns = row->last_ns;
		to->hold_ns = row->hold_ns;
		to->after_ns = row->after_ns;
		to->gap_ns = row->gap_ns;
		to->depth = row->depth;
		to->a = row->a;
		to->b = row->b;
		row->a = a;
		row->b = b;
	}
}

void conflicts_move(struct model *model, struct map_entry *into, struct map_entry *from)
{
	for (size_t i = model->conflicts.count; i-- > 0;) {
		struct conflict_entry *conflict = model->conflicts.rows[i];
		struct conflict_entry *other;
		struct id_key key;

		if (conflict->row.map != &from->row)
			continue;
		key = conflict_key(into, conflict->row.kind, conflict->row.evidence,
		                   conflict->line_low, conflict->line_high);
		other = id_table_get(&model->conflict_keys, key);
		conflict->row.map = &into->row;
		if (other) {
			conflict_merge(other, conflict);
			conflict_retire(model, conflict);
			conflict_relate(model, into, other);
			continue;
		}
		id_table_remove(&model->conflict_keys, conflict->key);
		conflict->key = key;
		if (id_table_put(&model->conflict_keys, key, conflict) < 0)
			model->dropped++; /* still shown, but the next sighting gets another row */
		conflict_relate(model, into, conflict);
	}
}

/* ---- events -------------------------------------------------------------------------- */

/* What any access tells about its map. */
static void entry_learn(struct model *model, struct map_entry *entry, const struct access *access,
                        int slot, int length)
{
	if (!entry->row.type_addr)
		map_entry_type(model, entry, access->map_type);
	if (length > 0)
		map_entry_first_use(entry, &model->scratch[slot][0], FIRST_USE_CHAIN);
	map_entry_seen(entry, access->time_ns);
}

int stall_apply(struct model *model, const struct event_header *header)
{
	const struct event_stall *event = (const struct event_stall *)header;
	const struct access *access = &event->access;
	struct map_instance *instance =
	        map_instance_obtain(model, access->tgid, access->map, event->map_gen, false);
	int length;

	if (!instance)
		return 0;
	length = model_chain(model, access, 0);
	entry_learn(model, instance->entry, access, 0, length);
	entry_chain_add(model, instance->entry, access, model->scratch[0], length, false);
	return 0;
}

static void overlap_count(struct model *model, struct map_instance *instance, int depth)
{
	struct map_entry *entry = instance->entry;

	instance->overlaps_seen++;
	map_instance_conflicts_update(model, instance);
	heat_add(entry, depth);
	entry->shared = entry->contended = true;
	if (entry->row.goroutines < 2)
		entry->row.goroutines = 2;
	map_entry_judge(entry);
}

int overlap_apply(struct model *model, const struct event_header *header)
{
	const struct event_overlap *event = (const struct event_overlap *)header;
	const struct access *held = &event->held, *came = &event->came;
	struct map_instance *instance =
	        map_instance_obtain(model, held->tgid, held->map, event->map_gen, true);
	struct model_totals *totals = totals_obtain(model, held->tgid);
	enum conflict_kind kind = kind_of_ops(held->op, came->op);
	struct conflict_entry *conflict;
	int a, b;

	totals->sightings[kind]++;
	if (!instance) { /* happened, even where no row has room for it */
		totals->conflicts++;
		model->conflict_total++;
		return 0;
	}
	a = model_chain(model, held, 0);
	b = model_chain(model, came, 1);
	entry_learn(model, instance->entry, held, 0, a);
	entry_learn(model, instance->entry, came, 1, b);
	overlap_count(model, instance, a > b ? a : b);
	entry_chain_add(model, instance->entry, held, model->scratch[0], a, true);
	entry_chain_add(model, instance->entry, came, model->scratch[1], b, true);
	conflict =
	        conflict_sighting(model, instance->entry, kind, EVIDENCE_OVERLAP, held, a, came, b);
	if (!conflict) {
		model->dropped++;
		return 0;
	}
	conflict->row.last_ns = header->time_ns ? header->time_ns : came->time_ns;
	if (conflict->row.count == 1)
		conflict->row.first_ns = conflict->row.last_ns;
	conflict->row.hold_ns = event->hold_ns;
	conflict->row.after_ns = event->after_ns;
	return 0;
}

static void unordered_note(struct model *model, struct map_instance *instance,
                           const struct event_unordered *event)
{
	const struct access *first = &event->first, *second = &event->second;
	int a = model_chain(model, first, 0), b = model_chain(model, second, 1);
	struct map_entry *entry = instance->entry;
	struct conflict_entry *conflict;

	entry_learn(model, entry, first, 0, a);
	entry_learn(model, entry, second, 1, b);
	entry_chain_add(model, entry, first, model->scratch[0], a, false);
	entry_chain_add(model, entry, second, model->scratch[1], b, false);
	conflict = conflict_sighting(model, entry, kind_of_ops(first->op, second->op),
	                             EVIDENCE_UNORDERED, first, a, second, b);
	if (!conflict) {
		model->dropped++;
		return;
	}
	conflict->row.last_ns = event->h.time_ns ? event->h.time_ns : second->time_ns;
	if (conflict->row.count == 1)
		conflict->row.first_ns = conflict->row.last_ns;
	conflict->row.gap_ns =
	        second->time_ns > first->time_ns ? second->time_ns - first->time_ns : 0;
}

int unordered_apply(struct model *model, const struct event_header *header)
{
	const struct event_unordered *event = (const struct event_unordered *)header;
	struct map_instance *instance = map_instance_obtain(model, event->first.tgid,
	                                                    event->first.map, event->map_gen, true);

	if (!instance) { /* happened, even where no row has room for it */
		totals_obtain(model, event->first.tgid)->order.unordered++;
		model->unordered_total++;
		return 0;
	}
	order_unordered_add(model, instance);
	unordered_note(model, instance, event);
	return 0;
}

void conflicts_tick(struct model *model, double seconds)
{
	for (size_t i = 0; i < model->conflicts.count; i++) {
		struct conflict_entry *conflict = model->conflicts.rows[i];
		uint64_t more = conflict->row.count - conflict->count_at_tick;

		conflict->row.rate = rate_smooth(conflict->row.rate, (double)more / seconds);
		if (conflict->row.map->over && !more)
			conflict->row.rate = 0;
		conflict->count_at_tick = conflict->row.count;
	}
}

void conflicts_reset(struct model *model)
{
	while (model->conflicts.count)
		conflict_retire(model, model->conflicts.rows[model->conflicts.count - 1]);
	model->conflict_total = model->unordered_total = 0;
}

void conflicts_destroy(struct model *model)
{
	struct conflict_entry *conflict;

	conflicts_reset(model);
	free(model->conflicts.rows);
	id_table_clear(&model->conflict_keys);
	while ((conflict = model->conflict_free)) {
		model->conflict_free = conflict->next_free;
		free(conflict);
	}
}
