/* SPDX-License-Identifier: MIT */
/* How the accesses to a map are ordered: counts of pairs, and which lock guards it. */
#include "core/model/model_internal.h"

/* Of sync.Mutex and sync.RWMutex, the same in all releases. */
#define SIZE_OF_MUTEX   8
#define SIZE_OF_RWMUTEX 24

void pair_counts_add(struct pair_counts *to, const struct pair_counts *more)
{
	to->pairs += more->pairs;
	to->under_lock += more->under_lock;
	to->ordered += more->ordered;
	to->unknown += more->unknown;
	to->unordered += more->unordered;
	for (size_t i = 0; i < ORDER_WAY_COUNT; i++)
		to->how[i] += more->how[i];
}

/* Events that tell of unordered pairs come before their counts, and may be lost on the way: the
 * larger of the two is the true one. What is new goes to the entry and to the totals. */
static void unordered_update(struct model *model, struct map_instance *instance)
{
	uint64_t told = instance->order.unordered > instance->unordered_base
	                        ? instance->order.unordered - instance->unordered_base
	                        : 0;
	uint64_t unordered = instance->unordered_seen > told ? instance->unordered_seen : told;
	struct map_entry *entry = instance->entry;
	uint64_t more;

	if (unordered <= instance->unordered)
		return;
	more = unordered - instance->unordered;
	instance->unordered = unordered;
	entry->row.order.unordered += more;
	instance->totals->order.unordered += more;
	model->unordered_total += more;
	entry->shared = entry->contended = true;
	if (entry->row.goroutines < 2)
		entry->row.goroutines = 2;
	map_entry_judge(entry);
}

void order_unordered_add(struct model *model, struct map_instance *instance)
{
	instance->unordered_seen++;
	unordered_update(model, instance);
}

void order_reset(struct map_instance *instance)
{
	instance->unordered_base += instance->unordered;
	instance->unordered_seen = instance->unordered = 0;
}

uint64_t pair_counts_all(const struct pair_counts *counts)
{
	uint64_t decided =
	        counts->under_lock + counts->ordered + counts->unknown + counts->unordered;

	return counts->pairs > decided ? counts->pairs : decided;
}

/* Counts are absolute: add what is new to the entry and to the totals. */
static void counts_note(struct map_instance *instance, const struct event_order *event)
{
	struct pair_counts *before = &instance->order;
	struct pair_counts more = {
	        .pairs = count_since(event->pairs, before->pairs),
	        .under_lock = count_since(event->under_lock, before->under_lock),
	        .ordered = count_since(event->ordered, before->ordered),
	        .unknown = count_since(event->unknown, before->unknown),
	};

	for (size_t i = 0; i < ORDER_WAY_COUNT; i++) {
		more.how[i] = count_since(event->how[i], before->how[i]);
		before->how[i] = event->how[i];
	}
	pair_counts_add(&instance->entry->row.order, &more);
	pair_counts_add(&instance->totals->order, &more);
	before->pairs = event->pairs;
	before->under_lock = event->under_lock;
	before->ordered = event->ordered;
	before->unknown = event->unknown;
	if (event->unordered > before->unordered)
		before->unordered = event->unordered;
}

/* A variable that is longer than its lock, or shorter, is something else. */
static const char *lock_name(const struct model *model, uint32_t tgid,
                             const struct map_guard *guard)
{
	static const struct {
		uint64_t size, kind;
	} locks[] = {{SIZE_OF_MUTEX, ORDER_TAKEN_MUTEX}, {SIZE_OF_RWMUTEX, ORDER_TAKEN_RWMUTEX}};
	const char *name = NULL;

	for (size_t i = 0; !name && guard->lock && i < 2; i++)
		if (model->symbols.variable_name &&
		    (!guard->kinds || guard->kinds == locks[i].kind))
			name = model->symbols.variable_name(model->symbols.ctx, tgid, guard->lock,
			                                    locks[i].size);
	return name;
}

static void guard_note(struct model *model, struct map_instance *instance,
                       const struct event_order *event)
{
	struct map_guard *guard = &instance->entry->row.guard;
	bool other = event->guard_lock != guard->lock || event->guard_kinds != guard->kinds;
	bool moved = other || event->guard_place != guard->place ||
	             event->guard_bare_place != guard->bare_place;

	if (instance->entry->only != instance)
		return; /* of several maps, none of which speaks for the others */
	guard->accesses = event->guard_accesses;
	guard->bare = event->guard_bare;
	guard->lock = event->guard_lock;
	guard->kinds = event->guard_kinds;
	guard->place = event->guard_place;
	guard->bare_place = event->guard_bare_place;
	if (!moved)
		return;
	if (other)
		guard->name = lock_name(model, instance->tgid, guard);
	guard->taken = model_lock_place(model, instance->tgid, guard->place);
	guard->bare_at = guard->bare_place ? model_place(model, instance->tgid, guard->bare_place)
	                                   : (struct frame){0};
	instance->entry->row.names_version++;
}

int order_apply(struct model *model, const struct event_header *header)
{
	const struct event_order *event = (const struct event_order *)header;
	struct map_instance *instance = map_instance_obtain(model, event->key.tgid, event->key.addr,
	                                                    event->map_gen, event->unordered > 0);

	if (!instance)
		return 0;
	counts_note(instance, event);
	unordered_update(model, instance);
	guard_note(model, instance, event);
	return 0;
}

/* ---- one reason for all ---------------------------------------------------------------- */

static enum map_reason reason_of_pairs(const struct pair_counts *order)
{
	static const struct {
		enum order_way way;
		enum map_reason reason;
	} rows[] = {{ORDER_BY_CHANNEL, REASON_CHANNEL},
	            {ORDER_BY_CREATION, REASON_CREATION},
	            {ORDER_BY_WAITGROUP, REASON_WAITGROUP},
	            {ORDER_BY_COND, REASON_COND}};
	uint64_t all = pair_counts_all(order);

	if (all < GUARD_KNOWN || order->unordered)
		return REASON_NONE;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (order->how[rows[i].way] == all)
			return rows[i].reason;
	return order->how[ORDER_BY_ATOMICS] > all / 2 ? REASON_ATOMICS : REASON_NONE;
}

enum map_reason map_reason(const struct map_row *row)
{
	if (row->verdict == VERDICT_CONFLICT || row->verdict == VERDICT_UNORDERED ||
	    row->verdict == VERDICT_SHARED || row->verdict == VERDICT_LOCAL)
		return REASON_NONE;
	if (map_guard_known(&row->guard) && row->guard.lock && !row->guard.bare)
		return REASON_LOCK;
	return reason_of_pairs(&row->order);
}

const char *map_reason_name(enum map_reason reason)
{
	static const char *const names[] = {
#define X(id, name) [REASON_##id] = (name),
	        MAP_REASONS(X)
#undef X
	};

	return reason == REASON_NONE ? NULL : names[reason];
}
