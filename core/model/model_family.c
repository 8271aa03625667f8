/* SPDX-License-Identifier: MIT */
/*
 * Families: maps of one type that were first used at one line, told as one row when there are many.
 * A map that lives for one request says nothing alone; a thousand of them do.
 */
#include "core/model/model_internal.h"

#include <stdlib.h>

static void fold_sums(struct map_entry *into, const struct map_entry *from)
{
	struct map_row *to = &into->row;
	const struct map_row *row = &from->row;

	for (int op = 0; op < OP_COUNT; op++) {
		to->ops[op] += row->ops[op];
		to->past_ops[op] += row->past_ops[op];
		to->outside[op] += row->outside[op];
		to->rate[op] += row->rate[op];
		into->ops_at_tick[op] += from->ops_at_tick[op];
		op_rate_merge(&into->op_rates[op], &from->op_rates[op]);
	}
	to->maps += row->maps;
	to->stalls += row->stalls;
	to->stall_seconds += row->stall_seconds;
	to->expected_overlaps +=
	        row->expected_overlaps + expectation_merge(&into->expectation, &from->expectation);
	pace_shift(&into->expected, row->expected_overlaps);
	pace_shift(&into->ordered, (double)(row->order.under_lock + row->order.ordered));
	pair_counts_add(&to->order, &row->order);
	to->conflicts += row->conflicts;
	to->past_conflicts += row->past_conflicts;
	to->past_unordered += row->past_unordered;
	to->conflict_rate += row->conflict_rate;
	into->conflicts_at_tick += from->conflicts_at_tick;
	into->unordered_at_tick += from->unordered_at_tick;
	into->live += from->live;
	into->lapsed |= from->lapsed;
	into->instances += from->instances;
	into->shared |= from->shared;
	into->contended |= from->contended;
	to->forgotten &= row->forgotten;
}

static void fold_facts(struct map_entry *into, const struct map_entry *from)
{
	struct map_row *to = &into->row;
	const struct map_row *row = &from->row;

	if (row->goroutines > to->goroutines) {
		to->goroutines = row->goroutines;
		to->goroutines_estimated = row->goroutines_estimated;
	}
	if (row->first_ns && (!to->first_ns || row->first_ns < to->first_ns))
		to->first_ns = row->first_ns;
	if (row->last_ns >= to->last_ns) {
		to->last_ns = row->last_ns;
		to->addr = row->addr;
	}
	if (!to->type)
		to->type = row->type;
	if (!to->type_addr)
		to->type_addr = row->type_addr;
	map_entry_first_use(into, &row->first_use, from->first_use);
	map_entry_living(into);
}

/* Let one row stand for two; from disappears from the lists. */
static void entry_fold(struct model *model, struct map_entry *into, struct map_entry *from)
{
	fold_sums(into, from);
	fold_facts(into, from);
	if (from->only)
		from->only->entry = into;
	into->only = from->only = NULL;
	into->row.guard = (struct map_guard){0};
	from->instances = from->live = 0;
	births_fold(model, into, from);
	entry_chains_move(model, into, from);
	heat_move(into, from);
	entry_timeline_move(model, into, from);
	conflicts_move(model, into, from);
	crashes_move(model, into, from);
	from->row.folded_into = &into->row;
	map_entry_retire(model, from);
	map_entry_judge(into);
}

static struct map_family *family_obtain(struct model *model, struct id_key key)
{
	struct map_family *family = id_table_get(&model->families, key);

	if (family || model->families.count >= model->maps_max)
		return family;
	family = calloc(1, sizeof(*family));
	if (!family)
		return NULL;
	if (id_table_put(&model->families, key, family) < 0) {
		free(family);
		return NULL;
	}
	family->next = model->family_first;
	model->family_first = family;
	return family;
}

static void family_fold(struct model *model, struct map_family *family, struct map_entry *entry)
{
	struct map_entry *into = family->member_count ? family->members[0] : entry;

	family->folded = true;
	family->entry = into;
	while (family->member_count > 1)
		entry_fold(model, into, family->members[family->member_count - 1]);
	if (entry != into)
		entry_fold(model, into, entry);
	family->member_count = 0;
	into->only = NULL;
	into->family = family;
}

/* One more map of this family; the instance has no row yet, or one of its own. */
static void family_join(struct model *model, struct map_family *family,
                        struct map_instance *instance)
{
	family->count++;
	if (family->folded && family->entry) {
		if (instance->entry)
			entry_fold(model, family->entry, instance->entry);
		else
			map_entry_adopt(family->entry, instance);
		return;
	}
	if (!instance->entry && !map_entry_new(model, instance, false))
		return;
	if (family->folded || family->count > MODEL_FAMILY_MAPS) {
		family_fold(model, family, instance->entry);
		return;
	}
	instance->entry->family = family;
	family->members[family->member_count++] = instance->entry;
}

void map_family_place(struct model *model, struct map_instance *instance,
                      const struct map_counts *counts)
{
	struct frame frame = model_place(model, instance->tgid, counts->first_caller);
	struct id_key key = {counts->type, instance->tgid, frame_line(&frame)};
	struct map_family *family = NULL;

	if (counts->first_caller)
		family = family_obtain(model, key);
	if (family)
		family_join(model, family, instance);
	else if (!instance->entry)
		map_entry_new(model, instance, false);
	if (instance->entry)
		map_entry_first_use(instance->entry, &frame,
		                    frame_internal(&frame) ? FIRST_USE_RUNTIME : FIRST_USE_KNOWN);
}

void map_family_forget(struct map_entry *entry)
{
	struct map_family *family = entry->family;

	if (!family)
		return;
	entry->family = NULL;
	if (family->entry == entry)
		family->entry = NULL;
	for (size_t i = 0; i < family->member_count; i++) {
		if (family->members[i] != entry)
			continue;
		family->member_count--;
		for (; i < family->member_count; i++)
			family->members[i] = family->members[i + 1];
	}
}

void map_families_destroy(struct model *model)
{
	struct map_family *next;

	for (struct map_family *family = model->family_first; family; family = next) {
		next = family->next;
		free(family);
	}
	id_table_clear(&model->families);
}
