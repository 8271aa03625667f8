/* SPDX-License-Identifier: MIT */
/* Instances of maps: the counts of one map in, its entry's figures out. */
#include "core/model/model_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Living instances beside those that have a row of their own (families). */
#define INSTANCES_PER_MAP 4
/* From here on the sketch is an estimate (256 bits: expected collisions above one). */
#define GOROUTINES_EXACT 30
/* A hold takes from control_ns what it cuts off the window that was open: at most one's length. */
#define CONTROL_CUT_NS 1000000000ull

static struct id_key instance_key(uint32_t tgid, uint64_t addr, uint64_t gen)
{
	return (struct id_key){addr, tgid, gen};
}

/* ---- instances ----------------------------------------------------------------------- */

/* gone: for certain; else it was unused for long, and nobody looks after it any more. */
static void instance_end(struct model *model, struct map_instance *instance, bool gone)
{
	struct map_entry *entry = instance->entry;

	if (instance->ended)
		return;
	instance->ended = true;
	instance->ended_tick = model->tick;
	instance->next = NULL;
	if (model->ended_last)
		model->ended_last->next = instance;
	else
		model->ended_first = instance;
	model->ended_last = instance;
	entry->live--;
	entry->lapsed |= !gone;
	map_entry_living(entry);
}

/* Take it out of the tables, if they still hold this one. */
static void instance_unlist(struct model *model, const struct map_instance *instance)
{
	struct id_key own = instance_key(instance->tgid, instance->addr, instance->gen);
	struct id_key latest = instance_key(instance->tgid, instance->addr, UINT64_MAX);

	if (id_table_get(&model->instances, own) == instance)
		id_table_remove(&model->instances, own);
	if (id_table_get(&model->instances, latest) == instance)
		id_table_remove(&model->instances, latest);
}

static void instance_free(struct model *model, struct map_instance *instance)
{
	instance_unlist(model, instance);
	if (instance->entry) {
		instance->entry->instances--;
		if (instance->entry->only == instance)
			instance->entry->only = NULL;
	}
	model->instance_count--;
	free(instance);
}

/* A new instance without an entry yet. The one that was at this address before is over. */
static struct map_instance *instance_new(struct model *model, uint32_t tgid, uint64_t addr,
                                         uint32_t gen, bool proven)
{
	size_t max = INSTANCES_PER_MAP * model->maps_max + (proven ? model->conflicts_max : 0);
	struct map_instance *before = map_instance_latest(model, tgid, addr);
	struct map_instance *instance;

	if (model->instance_count >= max)
		return NULL;
	instance = calloc(1, sizeof(*instance));
	if (!instance)
		return NULL;
	instance->tgid = tgid;
	instance->addr = addr;
	instance->gen = gen;
	instance->totals = totals_obtain(model, tgid);
	model->instance_count++;
	if (id_table_put(&model->instances, instance_key(tgid, addr, gen), instance) < 0 ||
	    id_table_put(&model->instances, instance_key(tgid, addr, UINT64_MAX), instance) < 0) {
		instance_free(model, instance);
		return NULL;
	}
	if (before && before != instance)
		instance_end(model, before, true);
	return instance;
}

struct map_instance *map_instance_latest(const struct model *model, uint32_t tgid, uint64_t addr)
{
	return id_table_get(&model->instances, instance_key(tgid, addr, UINT64_MAX));
}

struct map_instance *map_instance_obtain(struct model *model, uint32_t tgid, uint64_t addr,
                                         uint32_t gen, bool proven)
{
	struct map_instance *instance =
	        id_table_get(&model->instances, instance_key(tgid, addr, gen));

	if (instance)
		return instance;
	instance = instance_new(model, tgid, addr, gen, proven);
	if (instance && !map_entry_new(model, instance, proven)) {
		instance_free(model, instance);
		instance = NULL;
	}
	if (!instance)
		model->dropped++;
	return instance;
}

void map_instance_conflicts_update(struct model *model, struct map_instance *instance)
{
	uint64_t told = instance->overlaps > instance->overlaps_base
	                        ? instance->overlaps - instance->overlaps_base
	                        : 0;
	uint64_t conflicts = instance->overlaps_seen > told ? instance->overlaps_seen : told;
	uint64_t more;

	conflicts += instance->fatals;
	if (conflicts <= instance->conflicts)
		return;
	more = conflicts - instance->conflicts;
	instance->conflicts = conflicts;
	instance->entry->row.conflicts += more;
	instance->totals->conflicts += more;
	model->conflict_total += more;
}

/* ---- EVENT_MAP ----------------------------------------------------------------------- */

static unsigned int goroutines_distinct(const struct map_counts *counts, bool *estimated)
{
	double n = sketch_estimate(counts->goroutines, GOROUTINE_BITS / 64);

	*estimated = n > GOROUTINES_EXACT;
	if (!(counts->flags & MAP_SHARED)) {
		*estimated = false;
		return 1;
	}
	return n < 2 ? 2 : (unsigned int)lround(n);
}

/* What holds and control windows since the last report add to the overlaps that are expected. A
 * row of the kernel's table that began again has smaller counts than before. */
static void expected_add(struct map_instance *instance, const struct map_counts *counts, int class,
                         uint64_t held)
{
	struct map_entry *entry = instance->entry;
	struct trial_counts *seen = &instance->trial[class];
	bool again = counts->control_arrivals[class] < seen->arrivals ||
	             counts->control_ns[class] + CONTROL_CUT_NS < seen->control_ns;

	if (again)
		*seen = (struct trial_counts){0};
	entry->row.expected_overlaps +=
	        expectation_add(&entry->expectation, class, held,
	                        (int64_t)counts->control_ns[class] - (int64_t)seen->control_ns,
	                        counts->control_arrivals[class] - seen->arrivals);
	seen->control_ns = counts->control_ns[class];
	seen->arrivals = counts->control_arrivals[class];
}

/* Add what is new in counts to the entry. True when there was anything. */
static bool counts_add(struct map_instance *instance, const struct map_counts *counts)
{
	struct map_row *row = &instance->entry->row;
	uint64_t held = 0, fresh = 0;

	for (int op = 0; op < OP_COUNT; op++) {
		uint64_t more = count_since(counts->ops[op], instance->ops[op]);

		row->ops[op] += more;
		instance->totals->ops[op] += more;
		fresh += more;
		instance->ops[op] = counts->ops[op];
		more = count_since(counts->outside[op], instance->outside[op]);
		row->outside[op] += more;
		instance->entry->op_rates[op].outside += more;
		instance->outside[op] = counts->outside[op];
	}
	fresh += count_since(counts->holds, instance->holds);
	row->stalls += count_since(counts->holds, instance->holds);
	instance->holds = counts->holds;
	for (int c = 0; c < 2; c++) {
		uint64_t more = count_since(counts->hold_ns[c], instance->hold_ns[c]);

		held += more;
		instance->hold_ns[c] = counts->hold_ns[c];
		expected_add(instance, counts, c, more);
	}
	row->stall_seconds += (double)held / 1e9;
	fresh += counts->conflicts != instance->overlaps;
	if (counts->conflicts > instance->overlaps)
		instance->overlaps = counts->conflicts;
	return fresh + held > 0;
}

/* The figures that are no sums of differences. */
static void counts_derive(struct map_instance *instance, const struct map_counts *counts)
{
	struct map_entry *entry = instance->entry;
	bool estimated;
	unsigned int goroutines = goroutines_distinct(counts, &estimated);

	if (goroutines > entry->row.goroutines) {
		entry->row.goroutines = goroutines;
		entry->row.goroutines_estimated = estimated;
	}
	if (counts->flags & MAP_SHARED) {
		entry->shared = true;
		entry->contended |= (counts->flags & MAP_CHANGED) != 0;
	}
}

/* The instance that an EVENT_MAP speaks of: after the last word on a generation the same key means
 * another map. */
static struct map_instance *instance_of_event(struct model *model, const struct event_map *event)
{
	struct id_key key = instance_key(event->key.tgid, event->key.addr, event->counts.gen);
	struct map_instance *instance = id_table_get(&model->instances, key);

	if (instance && instance->ended && instance->placed &&
	    instance->first_ns != event->counts.first_ns) {
		instance_unlist(model, instance);
		instance = NULL;
	}
	if (!instance)
		instance = instance_new(model, event->key.tgid, event->key.addr, event->counts.gen,
		                        false);
	if (!instance)
		return NULL;
	if (!instance->placed) {
		map_family_place(model, instance, &event->counts);
		if (!instance->entry) {
			instance_free(model, instance);
			return NULL;
		}
		instance->placed = true;
		instance->first_ns = event->counts.first_ns;
	}
	return instance;
}

int map_apply(struct model *model, const struct event_header *header)
{
	const struct event_map *event = (const struct event_map *)header;
	const struct map_counts *counts = &event->counts;
	struct map_instance *instance = instance_of_event(model, event);

	if (!instance) {
		model->dropped++;
		return 0;
	}
	if (counts_add(instance, counts)) {
		map_entry_seen(instance->entry, counts->first_ns);
		map_entry_seen(instance->entry, counts->last_ns);
	}
	counts_derive(instance, counts);
	instance->seed = counts->seed;
	birth_find(model, instance);
	map_instance_conflicts_update(model, instance);
	map_entry_type(model, instance->entry, counts->type);
	map_entry_judge(instance->entry);
	if (model->crashes_pending)
		crashes_map_known(model, instance);
	if (event->end)
		instance_end(model, instance, event->end == ROW_GONE);
	return 0;
}

/* ---- once an interval ---------------------------------------------------------------- */

static void ended_prune(struct model *model, uint32_t ticks)
{
	struct map_instance *instance;

	while ((instance = model->ended_first) && model->tick - instance->ended_tick >= ticks) {
		model->ended_first = instance->next;
		if (!model->ended_first)
			model->ended_last = NULL;
		instance_free(model, instance);
	}
}

void maps_tick(struct model *model, const struct tick_span *span)
{
	for (size_t i = 0; i < model->entries.count; i++)
		map_entry_tick(model, model->entries.rows[i], span);
	ended_prune(model, MODEL_ENDED_TICKS);
}

/* Call visit for every instance in the table; for some twice, because the latest one at an address
 * has two keys. */
static void instances_visit(struct model *model, void (*visit)(struct model *, void *, uint32_t),
                            uint32_t tgid)
{
	size_t position = 0;
	void *value;

	while ((value = id_table_next(&model->instances, &position)))
		visit(model, value, tgid);
}

/* tgid 0: of all processes. */
static void instance_end_of(struct model *model, void *value, uint32_t tgid)
{
	struct map_instance *instance = value;

	if (tgid == 0 || instance->tgid == tgid)
		instance_end(model, instance, true);
}

static void instance_base(struct model *model, void *value, uint32_t tgid)
{
	struct map_instance *instance = value;

	(void)model;
	(void)tgid;
	instance->overlaps_base += instance->conflicts - instance->fatals;
	instance->overlaps_seen = instance->fatals = instance->conflicts = 0;
	order_reset(instance);
}

void maps_process_end(struct model *model, uint32_t tgid)
{
	instances_visit(model, instance_end_of, tgid);
	for (size_t i = 0; i < model->entries.count; i++) {
		struct map_entry *entry = model->entries.rows[i];

		if (entry->row.tgid == tgid) {
			entry->lapsed = false;
			entry->row.over = true;
			map_entry_living(entry);
		}
	}
}

void maps_reset(struct model *model)
{
	instances_visit(model, instance_base, 0);
	for (size_t i = 0; i < model->entries.count; i++)
		map_entry_reset(model, model->entries.rows[i]);
}

void maps_destroy(struct model *model)
{
	instances_visit(model, instance_end_of, 0);
	ended_prune(model, 0);
	id_table_clear(&model->instances);
	map_entries_destroy(model);
}
