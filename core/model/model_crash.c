/* SPDX-License-Identifier: MIT */
/* Crashes: the runtime's own check saw a conflict and ends the process. */
#include "core/model/model_internal.h"

#include <stdlib.h>
#include <string.h>

/* What the runtime says, first match counts (runtime/map.go, internal/runtime/maps: throw and
 * fatal calls whose text begins with "concurrent map"). */
static const struct fatal_kind {
	const char *part;
	enum conflict_kind kind;
	enum map_op op; /* of the one who finds out and dies of it */
} fatal_kinds[] = {
        {"iteration", CONFLICT_ITERATE_WRITE, OP_ITERATE},
        {"read", CONFLICT_READ_WRITE, OP_READ},
        {"", CONFLICT_WRITE_WRITE, OP_WRITE},
};

static bool crash_is_conflict(const struct crash_row *crash)
{
	static const char prefix[] = "concurrent map";

	return strncmp(crash->message, prefix, sizeof(prefix) - 1) == 0;
}

static const struct fatal_kind *crash_kind(const struct crash_row *crash)
{
	const struct fatal_kind *fatal = fatal_kinds;

	while (!strstr(crash->message, fatal->part))
		fatal++;
	return fatal;
}

/* Its last operation was perhaps not seen; the message says what it was, and not which way of
 * changing. */
static struct access crash_access(const struct crash_row *crash, const struct access *seen)
{
	struct access access = *seen;
	enum map_op op = crash_kind(crash)->op;

	if (crash_is_conflict(crash) && !(op_changes(op) && op_changes(access.op)))
		access.op = op;
	return access;
}

/* The map of the crash is known now. */
static void crash_settle(struct model *model, struct crash_row *crash,
                         struct map_instance *instance)
{
	struct map_entry *entry = instance->entry;
	int length = crash->side.chain_length;
	struct conflict_entry *conflict;

	crash->map = &entry->row;
	if (!crash_is_conflict(crash))
		return;
	if (length > 0)
		memcpy(model->scratch[0], crash->side.chain,
		       (size_t)length * sizeof(model->scratch[0][0]));
	instance->fatals++;
	instance->totals->sightings[crash_kind(crash)->kind]++;
	map_instance_conflicts_update(model, instance);
	heat_add(entry, length);
	map_entry_seen(entry, crash->time_ns);
	entry->shared = entry->contended = true;
	if (entry->row.goroutines < 2)
		entry->row.goroutines = 2;
	entry_chain_add(model, entry, &crash->side.access, model->scratch[0], length, true);
	conflict = conflict_sighting(model, entry, crash_kind(crash)->kind, EVIDENCE_FATAL,
	                             &crash->side.access, length, NULL, 0);
	if (conflict) {
		conflict->row.last_ns = crash->time_ns;
		if (conflict->row.count == 1)
			conflict->row.first_ns = crash->time_ns;
	} else {
		model->dropped++;
	}
	map_entry_judge(entry);
}

static void crash_oldest_drop(struct model *model)
{
	struct crash_entry *oldest = model->crashes.rows[0];

	memmove(model->crashes.rows, model->crashes.rows + 1,
	        (model->crashes.count - 1) * sizeof(model->crashes.rows[0]));
	model->crashes.count--;
	model->crashes_pending -= oldest->pending_map != 0;
	model->dropped++;
	side_clear(model, &oldest->row.side);
	free(oldest);
}

static void crash_target_mark(struct model *model, uint32_t tgid)
{
	for (size_t i = 0; i < model->targets.count; i++) {
		struct target_row *target = model->targets.rows[i];

		if (target->tgid == tgid)
			target->state = PROCESS_CRASHED;
	}
}

int crash_apply(struct model *model, const struct event_header *header)
{
	const struct event_crash *event = (const struct event_crash *)header;
	struct map_instance *instance;
	struct crash_entry *crash;
	struct access access;
	size_t index;

	totals_obtain(model, header->tgid ? header->tgid : event->access.tgid)->crashes++;
	if (model->crashes.count >= MODEL_CRASHES_MAX)
		crash_oldest_drop(model);
	crash = calloc(1, sizeof(*crash));
	if (!crash || row_list_add(&model->crashes, crash, &index) < 0) {
		free(crash);
		model->dropped++;
		return 0;
	}
	crash->row.tgid = header->tgid ? header->tgid : event->access.tgid;
	crash->row.time_ns = header->time_ns;
	memcpy(crash->row.message, event->message, sizeof(crash->row.message) - 1);
	access = crash_access(&crash->row, &event->access);
	side_set(model, &crash->row.side, &access, model->scratch[0],
	         model_chain(model, &access, 0));
	crash_target_mark(model, crash->row.tgid);
	if (!event->last_map)
		return 0;
	instance = map_instance_latest(model, crash->row.tgid, event->last_map);
	if (instance) {
		crash_settle(model, &crash->row, instance);
	} else {
		crash->pending_map = event->last_map;
		model->crashes_pending++;
	}
	return 0;
}

static void crash_unpend(struct model *model, struct crash_entry *crash,
                         struct map_instance *instance)
{
	crash->pending_map = 0;
	model->crashes_pending--;
	crash_settle(model, &crash->row, instance);
}

void crashes_map_known(struct model *model, struct map_instance *instance)
{
	for (size_t i = 0; i < model->crashes.count; i++) {
		struct crash_entry *crash = model->crashes.rows[i];

		if (crash->pending_map == instance->addr && crash->row.tgid == instance->tgid)
			crash_unpend(model, crash, instance);
	}
}

/* The counts of the interval have all come: a map that was not among them never will. The conflict
 * is a fact all the same and gets a row; the generation is not known, the first is assumed. */
void crashes_tick(struct model *model)
{
	for (size_t i = 0; i < model->crashes.count && model->crashes_pending; i++) {
		struct crash_entry *crash = model->crashes.rows[i];
		struct map_instance *instance;

		if (!crash->pending_map || !crash_is_conflict(&crash->row))
			continue;
		instance = map_instance_obtain(model, crash->row.tgid, crash->pending_map, 0, true);
		if (instance)
			crash_unpend(model, crash, instance);
	}
}

bool model_has_conflict(const struct model *model)
{
	if (model_conflict_total(model))
		return true;
	for (size_t i = 0; i < model->crashes.count; i++) {
		const struct crash_entry *crash = model->crashes.rows[i];

		/* A pending one gets its row within an interval. */
		if (!crash->pending_map && crash_is_conflict(&crash->row))
			return true;
	}
	return false;
}

void crashes_move(struct model *model, struct map_entry *into, struct map_entry *from)
{
	for (size_t i = 0; i < model->crashes.count; i++) {
		struct crash_row *crash = model->crashes.rows[i];

		if (crash->map == &from->row)
			crash->map = into ? &into->row : NULL;
	}
}

/* A process dies once: nothing would ever tell of it again. Its map is forgotten with the others,
 * and one that is not known yet would come back as a conflict of after the reset. */
void crashes_reset(struct model *model)
{
	for (size_t i = 0; i < model->crashes.count; i++) {
		struct crash_entry *crash = model->crashes.rows[i];

		crash->row.map = NULL;
		crash->pending_map = 0;
	}
	model->crashes_pending = 0;
}

void crashes_free(struct model *model)
{
	for (size_t i = 0; i < model->crashes.count; i++) {
		struct crash_entry *crash = model->crashes.rows[i];

		side_clear(model, &crash->row.side);
		free(crash);
	}
	model->crashes.count = 0;
}
