/* SPDX-License-Identifier: MIT */
/* Entries: rows of maps, where their memory comes from and what they say. */
#include <stdlib.h>
#include <string.h>

#include "core/model/model_internal.h"

/* Folded rows lie this long in the queue of free ones before they are used again. */
#define FREE_ENTRIES_MIN 256
/* Entries looked at to find one that can make room. */
#define RECYCLE_STEPS 256

/* ---- memory -------------------------------------------------------------------------- */

static void entry_init(struct model *model, struct map_entry *entry)
{
	size_t index = entry->index;

	entry_chains_clear(model, entry);
	entry_timeline_clear(model, entry);
	birth_clear(model, entry);
	heat_clear(entry);
	memset(entry, 0, sizeof(*entry));
	entry->index = index;
	entry->row.number = ++model->map_number;
	entry->row.length = -1;
	entry->row.verdict = VERDICT_LOCAL;
	entry->row.expected_pace = entry->row.ordered_pace = PACE_UNKNOWN;
	heat_init(entry);
}

void map_entry_retire(struct model *model, struct map_entry *entry)
{
	struct map_entry *moved = row_list_remove(&model->entries, entry->index);

	if (moved)
		moved->index = entry->index;
	map_family_forget(entry);
	crashes_move(model, NULL, entry);
	entry->next_free = NULL;
	if (model->free_last)
		model->free_last->next_free = entry;
	else
		model->free_first = entry;
	model->free_last = entry;
	model->free_count++;
}

static struct map_entry *free_entry_take(struct model *model)
{
	struct map_entry *entry = model->free_first;

	if (!entry)
		return NULL;
	model->free_first = entry->next_free;
	if (!model->free_first)
		model->free_last = NULL;
	model->free_count--;
	return entry;
}

/* All rows are taken: give up one that nobody will miss, an ended map without a finding. */
static bool entry_recycle(struct model *model)
{
	for (int step = 0; step < RECYCLE_STEPS && model->entries.count; step++) {
		struct map_entry *entry;

		model->recycle_hand = (model->recycle_hand + 1) % model->entries.count;
		entry = model->entries.rows[model->recycle_hand];
		if (entry->instances == 0 && !entry->row.conflicts && !entry->row.order.unordered) {
			map_entry_retire(model, entry);
			return true;
		}
	}
	return false;
}

static struct map_entry *entry_memory(struct model *model, bool proven)
{
	size_t max = model->maps_max + (proven ? model->conflicts_max : 0);
	struct map_entry *entry = NULL;

	if (model->free_count < FREE_ENTRIES_MIN && model->entries_made < max) {
		entry = calloc(1, sizeof(*entry));
		if (entry)
			model->entries_made++;
	}
	if (!entry)
		entry = free_entry_take(model);
	if (!entry && entry_recycle(model))
		entry = free_entry_take(model);
	return entry;
}

struct map_entry *map_entry_new(struct model *model, struct map_instance *instance, bool proven)
{
	struct map_entry *entry = entry_memory(model, proven);

	if (!entry)
		return NULL;
	entry_init(model, entry);
	if (row_list_add(&model->entries, entry, &entry->index) < 0) {
		entry_chains_clear(model, entry);
		free(entry);
		model->entries_made--;
		return NULL;
	}
	map_entry_adopt(entry, instance);
	entry->only = instance;
	return entry;
}

void map_entry_adopt(struct map_entry *entry, struct map_instance *instance)
{
	instance->entry = entry;
	entry->instances++;
	entry->row.maps++;
	entry->row.tgid = instance->tgid;
	entry->row.addr = instance->addr;
	entry->live += !instance->ended;
	map_entry_living(entry);
}

void map_entry_living(struct map_entry *entry)
{
	entry->row.retired = entry->live == 0;
	entry->row.ended = entry->live == 0 && !entry->lapsed;
}

/* ---- what a row says ----------------------------------------------------------------- */

static enum map_verdict verdict_of(const struct map_entry *entry)
{
	if (entry->row.conflicts)
		return VERDICT_CONFLICT;
	if (entry->row.order.unordered)
		return VERDICT_UNORDERED;
	if (entry->contended)
		return entry->row.expected_overlaps >= MODEL_GUARDED_FROM ? VERDICT_GUARDED
		                                                          : VERDICT_SUSPECT;
	return entry->shared ? VERDICT_SHARED : VERDICT_LOCAL;
}

void map_entry_judge(struct map_entry *entry)
{
	enum map_verdict verdict = verdict_of(entry);

	entry->row.names_version += verdict != entry->row.verdict;
	entry->row.verdict = verdict;
}

void map_entry_first_use(struct map_entry *entry, const struct frame *frame, enum first_use known)
{
	if (!frame->function || known <= entry->first_use)
		return;
	entry->row.first_use = *frame;
	entry->row.names_version++;
	entry->first_use = known;
}

/* Generic code before Go 1.20 uses a map by a type that stands for all of one memory shape:
 * map[go.shape.string_0]go.shape.*uint8_1. Other code that uses the map knows better. */
static bool type_is_final(const char *name)
{
	return name && !strstr(name, "go.shape.");
}

void map_entry_type(struct model *model, struct map_entry *entry, uint64_t type_addr)
{
	struct map_row *row = &entry->row;

	if (type_is_final(row->type))
		return;
	if (type_addr && type_addr != row->type_addr) {
		row->type_addr = type_addr;
		row->type = NULL;
		row->names_version++;
		entry->type_tries = 0;
	}
	if (row->type || !row->type_addr || !model->symbols.type_name ||
	    entry->type_tries >= MODEL_TYPE_TRIES)
		return;
	entry->type_tries++;
	row->type = model->symbols.type_name(model->symbols.ctx, row->tgid, row->type_addr);
	row->names_version += row->type != NULL;
}

void map_entry_seen(struct map_entry *entry, uint64_t time_ns)
{
	struct map_row *row = &entry->row;

	if (time_ns == 0)
		return;
	if (!row->first_ns || time_ns < row->first_ns)
		row->first_ns = time_ns;
	if (time_ns > row->last_ns)
		row->last_ns = time_ns;
	row->forgotten = false;
}

/* ---- once an interval, and never again ----------------------------------------------- */

/* No map of this row will be used any more: a rate means now. */
static void rates_end(struct map_entry *entry)
{
	for (int op = 0; op < OP_COUNT; op++)
		op_rate_end(&entry->op_rates[op]);
	memset(entry->row.rate, 0, sizeof(entry->row.rate));
	entry->row.conflict_rate = 0;
}

void map_entry_tick(struct model *model, struct map_entry *entry, const struct tick_span *span)
{
	struct map_row *row = &entry->row;
	uint64_t conflicts = row->conflicts - entry->conflicts_at_tick;
	uint64_t unordered = row->order.unordered - entry->unordered_at_tick;
	double seconds = span->seconds;
	bool used = false;

	for (int op = 0; op < OP_COUNT; op++) {
		row->rate[op] = op_rate_tick(&entry->op_rates[op],
		                             row->ops[op] - entry->ops_at_tick[op], span);
		used |= row->ops[op] != entry->ops_at_tick[op];
		entry->ops_at_tick[op] = row->ops[op];
	}
	row->rate_estimated = !span->whole;
	row->conflict_rate = rate_smooth(row->conflict_rate, (double)conflicts / seconds);
	if (!used && (row->over || (row->ended && row->maps == 1)))
		rates_end(entry);
	entry->conflicts_at_tick = row->conflicts;
	pace_tick(&entry->expected, seconds, row->expected_overlaps);
	pace_tick(&entry->ordered, seconds, (double)(row->order.under_lock + row->order.ordered));
	row->expected_pace = pace_of(&entry->expected);
	row->ordered_pace = pace_of(&entry->ordered);
	entry->unordered_at_tick = row->order.unordered;
	entry_timeline_tick(model, entry, (double)conflicts / seconds, (double)unordered / seconds);
	heat_tick(entry, seconds);
	map_entry_judge(entry);
}

void map_entry_reset(struct model *model, struct map_entry *entry)
{
	struct map_row *row = &entry->row;

	for (int op = 0; op < OP_COUNT; op++)
		row->past_ops[op] += row->ops[op];
	row->past_conflicts += row->conflicts;
	row->past_unordered += row->order.unordered;
	memset(row->ops, 0, sizeof(row->ops));
	memset(row->rate, 0, sizeof(row->rate));
	memset(entry->ops_at_tick, 0, sizeof(entry->ops_at_tick));
	memset(entry->op_rates, 0, sizeof(entry->op_rates));
	row->stalls = row->conflicts = entry->conflicts_at_tick = 0;
	row->stall_seconds = row->expected_overlaps = row->conflict_rate = 0;
	row->expected_pace = row->ordered_pace = PACE_UNKNOWN;
	entry->expected = entry->ordered = (struct pace){0};
	entry->expectation = (struct expectation){0};
	row->goroutines = 0;
	entry->unordered_at_tick = 0;
	row->order = (struct pair_counts){0}; /* the guard is no count, and stays */
	entry_chains_clear(model, entry);
	entry_timeline_clear(model, entry);
	heat_clear(entry);
	map_entry_judge(entry);
	row->forgotten = true;
}

static void entry_destroy(struct model *model, struct map_entry *entry)
{
	birth_clear(model, entry);
	entry_chains_clear(model, entry);
	entry_timeline_clear(model, entry);
	heat_clear(entry);
	free(entry);
}

void map_entries_destroy(struct model *model)
{
	struct map_entry *entry;

	for (size_t i = 0; i < model->entries.count; i++)
		entry_destroy(model, model->entries.rows[i]);
	free(model->entries.rows);
	while ((entry = free_entry_take(model)))
		entry_destroy(model, entry);
}
