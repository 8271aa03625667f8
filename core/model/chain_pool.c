/* SPDX-License-Identifier: MIT */
#include "core/model/chain_pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct chain {
	struct id_key key;
	uint32_t references;
	int length;
	bool listed; /* else its key was taken by another chain: it is nobody else's */
	struct frame frames[];
};

static struct chain *chain_of(const struct frame *frames)
{
	return (struct chain *)((char *)frames - offsetof(struct chain, frames));
}

/* Frames have padding, whose bytes say nothing. Strings are compared by where they are: equal ones
 * in two places only cost a second copy. */
static bool frames_equal(const struct frame *x, const struct frame *y, int length)
{
	for (int i = 0; i < length; i++)
		if (x[i].pc != y[i].pc || x[i].line != y[i].line ||
		    x[i].function != y[i].function || x[i].file != y[i].file ||
		    x[i].inlined != y[i].inlined || x[i].wrapper != y[i].wrapper)
			return false;
	return true;
}

static struct id_key key_of(const struct frame *frames, int length)
{
	struct id_key key = {.c = (uint64_t)length};

	for (int i = 0; i < length; i++) {
		const struct frame *frame = &frames[i];
		uint64_t line = (uint64_t)(unsigned int)frame->line << 2 |
		                (unsigned int)frame->inlined << 1 | frame->wrapper;

		key.a = id_mix(key.a ^ frame->pc) + line;
		key.b = id_mix(key.b + (uintptr_t)frame->function) ^ (uintptr_t)frame->file;
	}
	return key;
}

static struct chain *chain_new(struct id_key key, const struct frame *frames, int length)
{
	size_t size = (size_t)length * sizeof(*frames);
	struct chain *chain = malloc(sizeof(*chain) + size);

	if (!chain)
		return NULL;
	*chain = (struct chain){.key = key, .references = 1, .length = length};
	memcpy(chain->frames, frames, size);
	return chain;
}

const struct frame *chain_pool_take(struct chain_pool *pool, const struct frame *frames, int length)
{
	struct id_key key;
	struct chain *found, *chain;

	if (length < 1)
		return NULL;
	key = key_of(frames, length);
	found = id_table_get(&pool->chains, key);
	if (found && found->length == length && frames_equal(found->frames, frames, length))
		return chain_pool_share(found->frames);
	chain = chain_new(key, frames, length);
	if (!chain)
		return NULL;
	chain->listed = !found && id_table_put(&pool->chains, key, chain) == 0;
	return chain->frames;
}

const struct frame *chain_pool_share(const struct frame *chain)
{
	chain_of(chain)->references++;
	return chain;
}

void chain_pool_give(struct chain_pool *pool, const struct frame *frames)
{
	struct chain *chain = frames ? chain_of(frames) : NULL;

	if (!chain || --chain->references)
		return;
	if (chain->listed)
		id_table_remove(&pool->chains, chain->key);
	free(chain);
}

void chain_pool_clear(struct chain_pool *pool)
{
	id_table_clear(&pool->chains);
}
