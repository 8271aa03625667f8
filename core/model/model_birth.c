/* SPDX-License-Identifier: MIT */
/*
 * Births: who made a map. An event comes when a map is made, long before anybody knows whether it
 * will ever matter; so the latest are kept, and when a map is first counted its birth is looked up
 * by address and hash seed.
 */
#include <stdlib.h>
#include <string.h>

#include "core/model/model_internal.h"

#define BIRTHS_MAX       8192
#define BIRTH_FRAMES_MAX 48 /* kept of a chain: its bottom says least */

struct birth {
	struct id_key key;
	uint64_t seed, time_ns, goid;
	const struct frame *chain; /* NULL: unused */
	int length;
};

static struct id_key birth_key(uint32_t tgid, uint64_t addr)
{
	return (struct id_key){addr, tgid, 0};
}

static void birth_forget(struct model *model, struct birth *birth)
{
	if (!birth->chain)
		return;
	if (id_table_get(&model->birth_keys, birth->key) == birth)
		id_table_remove(&model->birth_keys, birth->key);
	chain_pool_give(&model->chains, birth->chain);
	memset(birth, 0, sizeof(*birth));
}

int birth_apply(struct model *model, const struct event_header *header)
{
	const struct event_birth *event = (const struct event_birth *)header;
	const struct access *access = &event->access;
	int length = model_chain(model, access, 0);
	struct birth *birth;

	if (!model->births)
		model->births = calloc(BIRTHS_MAX, sizeof(*model->births));
	if (!model->births)
		return 0; /* not known where: as if it had not been seen */
	if (length <= 0)
		return 0;
	birth = &model->births[model->birth_next++ % BIRTHS_MAX];
	birth_forget(model, birth);
	length = length < BIRTH_FRAMES_MAX ? length : BIRTH_FRAMES_MAX;
	birth->chain = chain_pool_take(&model->chains, model->scratch[0], length);
	birth->length = length;
	birth->seed = event->seed;
	birth->time_ns = access->time_ns;
	birth->goid = access->goid;
	birth->key = birth_key(access->tgid, access->map);
	/* An earlier one at the same address stays in the ring until its turn comes. */
	if (!birth->chain || id_table_put(&model->birth_keys, birth->key, birth) < 0) {
		chain_pool_give(&model->chains, birth->chain);
		memset(birth, 0, sizeof(*birth));
	}
	return 0;
}

/* ---- what an entry says -------------------------------------------------------------- */

void birth_clear(struct model *model, struct map_entry *entry)
{
	chain_pool_give(&model->chains, entry->row.born);
	entry->row.born = NULL;
	entry->row.born_length = 0;
	entry->row.born_goid = 0;
}

/* One more map of the row was made there. Maps that were made at different lines have no one place
 * to show. */
static void entry_born(struct model *model, struct map_entry *entry, const struct frame *chain,
                       int length, uint64_t goid)
{
	struct map_row *row = &entry->row;

	if (entry->born_several)
		return;
	if (row->born_length && frame_line(&row->born[0]) != frame_line(&chain[0])) {
		birth_clear(model, entry);
		entry->born_several = true;
		return;
	}
	if (row->born_length)
		return;
	row->born = chain_pool_share(chain);
	row->born_length = length;
	row->born_goid = goid;
}

void birth_find(struct model *model, struct map_instance *instance)
{
	const struct birth *birth;

	if (instance->born || !instance->seed)
		return;
	birth = id_table_get(&model->birth_keys, birth_key(instance->tgid, instance->addr));
	if (!birth || birth->seed != instance->seed)
		return;
	instance->born = true;
	entry_born(model, instance->entry, birth->chain, birth->length, birth->goid);
}

void births_fold(struct model *model, struct map_entry *into, struct map_entry *from)
{
	if (from->born_several) {
		birth_clear(model, into);
		into->born_several = true;
	} else if (from->row.born_length) {
		entry_born(model, into, from->row.born, from->row.born_length, from->row.born_goid);
	}
	birth_clear(model, from);
}

void births_destroy(struct model *model)
{
	for (size_t i = 0; model->births && i < BIRTHS_MAX; i++)
		chain_pool_give(&model->chains, model->births[i].chain);
	free(model->births);
	model->births = NULL;
	id_table_clear(&model->birth_keys);
}
