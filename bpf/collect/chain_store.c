/* SPDX-License-Identifier: MIT */
#include "bpf/collect/chain_store.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/base/id_table.h"

struct chain {
	uint64_t name;
	uint32_t tgid, depth;
	uint64_t stack[];
};

struct chain_store {
	int chains_fd;
	struct id_table chains;
	union {
		struct event_header h;
		unsigned char bytes[EVENT_SIZE_MAX];
	} event;
};

int chain_store_create(int chains_fd, struct chain_store **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->chains_fd = chains_fd;
	return 0;
}

void chain_store_destroy(struct chain_store *store)
{
	size_t position = 0;
	void *chain;

	if (!store)
		return;
	while ((chain = id_table_next(&store->chains, &position)))
		free(chain);
	id_table_clear(&store->chains);
	free(store);
}

static struct id_key key_of(uint64_t name)
{
	return (struct id_key){.a = name};
}

int chain_store_put(struct chain_store *store, const struct event_chain *event)
{
	uint32_t depth = event->depth < STACK_DEPTH_MAX ? event->depth : STACK_DEPTH_MAX;
	struct chain *chain = malloc(sizeof(*chain) + depth * sizeof(*chain->stack));
	struct chain *old = id_table_get(&store->chains, key_of(event->name));

	if (!chain)
		return -ENOMEM;
	chain->name = event->name;
	chain->tgid = event->h.tgid;
	chain->depth = depth;
	memcpy(chain->stack, event->stack, depth * sizeof(*chain->stack));
	if (id_table_put(&store->chains, key_of(chain->name), chain)) {
		free(chain);
		return -ENOMEM;
	}
	free(old);
	return 0;
}

void chain_store_forget(struct chain_store *store, uint32_t tgid)
{
	struct chain **ended = calloc(store->chains.count + 1, sizeof(*ended)), *chain;
	size_t position = 0, count = 0;

	/* Without memory they are forgotten with the next process that ends. */
	while (ended && (chain = id_table_next(&store->chains, &position)))
		if (chain->tgid == tgid)
			ended[count++] = chain;
	for (size_t i = 0; i < count; i++) {
		if (store->chains_fd >= 0)
			bpf_map_delete_elem(store->chains_fd, &ended[i]->name);
		id_table_remove(&store->chains, key_of(ended[i]->name));
		free(ended[i]);
	}
	free(ended);
}

/* ---- events -------------------------------------------------------------------------- */

static int access_expand(const struct chain_store *store, const struct access_brief *brief,
                         struct access *out)
{
	const struct chain *chain = id_table_get(&store->chains, key_of(brief->chain));

	memcpy(out, brief->head, sizeof(brief->head));
	if (!chain || chain->depth != out->depth)
		return -ENOENT;
	memcpy(out->stack, chain->stack, chain->depth * sizeof(*chain->stack));
	return 0;
}

/* Brief and whole forms of the events that come in both. */
static const struct form {
	size_t brief, whole; /* sizes */
	size_t access;       /* where the accesses begin, in both */
	int accesses;
} forms[EVENT_KINDS] = {
        [EVENT_STALL] = {sizeof(struct event_stall_brief), sizeof(struct event_stall),
                         offsetof(struct event_stall, access), 1},
        [EVENT_OVERLAP] = {sizeof(struct event_overlap_brief), sizeof(struct event_overlap),
                           offsetof(struct event_overlap, held), 2},
        [EVENT_BIRTH] = {sizeof(struct event_birth_brief), sizeof(struct event_birth),
                         offsetof(struct event_birth, access), 1},
};

const struct event_header *chain_store_expand(struct chain_store *store,
                                              const struct event_header *event)
{
	const struct form *form = event->kind < EVENT_KINDS ? &forms[event->kind] : &forms[0];
	const unsigned char *from = (const unsigned char *)event;

	if (!form->brief || event->size != form->brief)
		return event;
	memcpy(store->event.bytes, from, form->access);
	store->event.h.size = (uint32_t)form->whole;
	for (int i = 0; i < form->accesses; i++) {
		struct access *out = (struct access *)(store->event.bytes + form->access) + i;
		const struct access_brief *brief =
		        (const struct access_brief *)(from + form->access) + i;

		if (access_expand(store, brief, out))
			return NULL;
	}
	return &store->event.h;
}
