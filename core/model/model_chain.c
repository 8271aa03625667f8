/* SPDX-License-Identifier: MIT */
/* Names: addresses -> frames, frames -> source lines, call chains of accesses and of maps. */
#include "core/model/model_internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS_CAPACITY_MIN 4

static uint64_t text_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

uint64_t frame_line(const struct frame *frame)
{
	if (!frame->function)
		return id_mix(frame->pc);
	return id_mix(text_hash(frame->function) ^
	              id_mix(text_hash(frame->file) + (uint64_t)(unsigned int)frame->line));
}

bool frame_internal(const struct frame *frame)
{
	static const char *const packages[] = {"runtime.", "runtime/", "reflect.", "internal/",
	                                       "maps."};

	if (!frame->function)
		return true;
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
		if (strncmp(frame->function, packages[i], strlen(packages[i])) == 0)
			return true;
	}
	return false;
}

/* Frames of a return address, innermost inlined call first. */
static const struct frame *frames_at(struct model *model, uint32_t tgid, uint64_t return_address,
                                     int *count)
{
	*count = 0;
	if (!return_address || !model->symbols.frames)
		return NULL;
	return model->symbols.frames(model->symbols.ctx, tgid, return_address, true, count);
}

struct frame model_frame(struct model *model, uint32_t tgid, uint64_t return_address)
{
	int count;
	const struct frame *frames = frames_at(model, tgid, return_address, &count);

	for (int i = 0; frames && i < count; i++) {
		if (!frames[i].wrapper || i == count - 1)
			return frames[i];
	}
	return (struct frame){.pc = return_address};
}

const char *model_first_function(struct model *model, uint32_t tgid, uint64_t startpc)
{
	if (!startpc || !model->symbols.first_function)
		return NULL;
	return model->symbols.first_function(model->symbols.ctx, tgid, startpc);
}

struct frame model_place(struct model *model, uint32_t tgid, uint64_t return_address)
{
	int count;
	const struct frame *frames = frames_at(model, tgid, return_address, &count);

	for (int i = 0; frames && i < count; i++) {
		if (!frames[i].wrapper && !frame_internal(&frames[i]))
			return frames[i];
	}
	return model_frame(model, tgid, return_address);
}

/* A lock is taken in sync, which is inlined into its caller or not. */
static bool is_of_sync(const char *function)
{
	return function &&
	       (!strncmp(function, "sync.", 5) || !strncmp(function, "internal/sync.", 14));
}

struct frame model_lock_place(struct model *model, uint32_t tgid, uint64_t place)
{
	int count;
	const struct frame *frames = frames_at(model, tgid, place, &count);

	for (int i = 0; frames && i < count; i++) {
		if (!is_of_sync(frames[i].function))
			return frames[i];
	}
	return (struct frame){.pc = place};
}

int model_chain(struct model *model, const struct access *access, int slot)
{
	int length = 0;

	if (model->symbols.call_chain)
		length = model->symbols.call_chain(model->symbols.ctx, access, model->scratch[slot],
		                                   MODEL_FRAMES_MAX);
	return length < 0 ? 0 : length;
}

uint64_t chain_line(const struct frame *chain, int length, const struct access *access)
{
	struct frame unknown = {.pc = access->caller};

	return frame_line(length > 0 ? &chain[0] : &unknown);
}

/* ---- sides --------------------------------------------------------------------------- */

/* Events may end behind the last used entry of the stack: copy no more than that. */
static void access_copy(struct access *to, const struct access *from)
{
	size_t used = offsetof(struct access, stack) + from->depth * sizeof(from->stack[0]);

	memset(to, 0, sizeof(*to));
	memcpy(to, from, used);
}

int side_set(struct model *model, struct side *side, const struct access *access,
             const struct frame *chain, int length)
{
	const struct frame *kept = chain_pool_take(&model->chains, chain, length);

	if (length > 0 && !kept)
		return -ENOMEM;
	chain_pool_give(&model->chains, side->chain);
	side->chain = kept;
	side->chain_length = length;
	access_copy(&side->access, access);
	side->runtime_function = NULL;
	if (model->symbols.site_function)
		side->runtime_function =
		        model->symbols.site_function(model->symbols.ctx, access->site);
	side->created_by = model_frame(model, access->tgid, access->gopc);
	side->first_function = model_first_function(model, access->tgid, access->startpc);
	return 0;
}

void side_clear(struct model *model, struct side *side)
{
	chain_pool_give(&model->chains, side->chain);
	memset(side, 0, sizeof(*side));
}

/* ---- chains of a map ----------------------------------------------------------------- */

static uint64_t chain_key(unsigned int op, const struct frame *chain, int length)
{
	uint64_t key = id_mix(op + 1);

	for (int i = 0; i < length; i++)
		key = id_mix(key ^ frame_line(&chain[i]));
	return key;
}

static struct chain_row *chain_find(const struct map_row *row, uint64_t key)
{
	for (size_t i = 0; i < row->chain_count; i++) {
		if (row->chains[i].key == key)
			return &row->chains[i];
	}
	return NULL;
}

static bool chains_grow(struct map_entry *entry, size_t max)
{
	size_t capacity = entry->chain_capacity ? 2 * entry->chain_capacity : CHAINS_CAPACITY_MIN;
	struct chain_row *chains;

	if (entry->chain_capacity >= max)
		return false;
	if (capacity > max)
		capacity = max;
	chains = realloc(entry->row.chains, capacity * sizeof(*chains));
	if (!chains)
		return false;
	entry->row.chains = chains;
	entry->chain_capacity = capacity;
	return true;
}

/* A full table keeps what came often or was in a conflict. */
static struct chain_row *chain_evict(struct model *model, struct map_row *row)
{
	struct chain_row *least = NULL;

	for (size_t i = 0; i < row->chain_count; i++) {
		struct chain_row *chain = &row->chains[i];

		if (chain->conflicts == 0 && (!least || chain->count < least->count))
			least = chain;
	}
	if (!least || least->count > 1)
		return NULL;
	chain_pool_give(&model->chains, least->chain);
	memset(least, 0, sizeof(*least));
	return least;
}

/* A row for a new chain, zeroed; NULL: no room. */
static struct chain_row *chain_room(struct model *model, struct map_entry *entry)
{
	struct map_row *row = &entry->row;

	if (row->chain_count < entry->chain_capacity || chains_grow(entry, model->chains_max)) {
		memset(&row->chains[row->chain_count], 0, sizeof(row->chains[0]));
		return &row->chains[row->chain_count++];
	}
	return chain_evict(model, row);
}

static bool frames_have(struct model *model, uint32_t tgid, uint64_t address, const char *function)
{
	int count;
	const struct frame *frames = frames_at(model, tgid, address, &count);

	for (int i = 0; frames && i < count; i++) {
		if (frames[i].function && strcmp(frames[i].function, function) == 0)
			return true;
	}
	return false;
}

/* What the chain shows need not tell whether it is complete: the first function may be a wrapper
 * that the compiler made for a go statement, which nobody wants to read. It is among the last
 * BOTTOM addresses: at most a wrapper and runtime.goexit are below it. The caller of the map
 * function, which need not be in stack[], comes after stack[0]. */
#define BOTTOM 3

static bool chain_reaches(struct model *model, const struct access *access, const char *function)
{
	int depth = access->depth;

	for (int i = depth; i > 0 && i > depth - BOTTOM; i--) {
		if (frames_have(model, access->tgid, access->stack[i - 1], function))
			return true;
	}
	return depth > 1 && depth <= BOTTOM &&
	       frames_have(model, access->tgid, access->caller, function);
}

static void chain_describe(struct model *model, struct chain_row *row, const struct access *access)
{
	row->op = access->op;
	row->truncated = access->truncated;
	row->first_function = model_first_function(model, access->tgid, access->startpc);
	row->complete = row->first_function && !row->truncated &&
	                chain_reaches(model, access, row->first_function);
}

/* Of two threads' events the later one need not come last. */
static void change_note(struct map_row *row, const struct frame *line, uint64_t time_ns)
{
	if (!line->function || time_ns < row->last_change_ns)
		return;
	row->last_change = *line;
	row->last_change_ns = time_ns;
}

void entry_chain_add(struct model *model, struct map_entry *entry, const struct access *access,
                     const struct frame *chain, int length, bool conflict)
{
	uint64_t key = chain_key(access->op, chain, length);
	struct chain_row *row = chain_find(&entry->row, key);
	const struct frame *kept;

	if (length <= 0)
		return;
	if (!row) {
		kept = chain_pool_take(&model->chains, chain, length);
		row = kept ? chain_room(model, entry) : NULL;
		if (!row) {
			chain_pool_give(&model->chains, kept);
			model->dropped++;
			return;
		}
		*row = (struct chain_row){.key = key, .chain = kept, .chain_length = length};
		chain_describe(model, row, access);
		entry->row.names_version++;
	}
	row->count++;
	row->conflicts += conflict;
	entry->row.chains_version++;
	if (op_changes(access->op))
		change_note(&entry->row, &chain[0], access->time_ns);
}

void entry_chains_move(struct model *model, struct map_entry *into, struct map_entry *from)
{
	for (size_t i = 0; i < from->row.chain_count; i++) {
		struct chain_row *chain = &from->row.chains[i];
		struct chain_row *row = chain_find(&into->row, chain->key);

		if (row) {
			row->count += chain->count;
			row->conflicts += chain->conflicts;
			chain_pool_give(&model->chains, chain->chain);
		} else if ((row = chain_room(model, into))) {
			*row = *chain;
		} else {
			chain_pool_give(&model->chains, chain->chain);
			model->dropped++;
		}
		chain->chain = NULL;
	}
	into->row.names_version++;
	into->row.chains_version++;
	change_note(&into->row, &from->row.last_change, from->row.last_change_ns);
	entry_chains_clear(model, from);
}

void entry_chains_clear(struct model *model, struct map_entry *entry)
{
	for (size_t i = 0; i < entry->row.chain_count; i++)
		chain_pool_give(&model->chains, entry->row.chains[i].chain);
	free(entry->row.chains);
	entry->row.chains = NULL;
	entry->row.chain_count = 0;
	entry->row.names_version++;
	entry->row.chains_version++;
	entry->chain_capacity = 0;
}

static int chain_compare(const void *x, const void *y)
{
	const struct chain_row *a = x, *b = y;

	if (a->conflicts != b->conflicts)
		return a->conflicts < b->conflicts ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return (a->key > b->key) - (a->key < b->key);
}

void model_sort_chains(struct map_row *map)
{
	if (map->chain_count > 1)
		qsort(map->chains, map->chain_count, sizeof(map->chains[0]), chain_compare);
}
