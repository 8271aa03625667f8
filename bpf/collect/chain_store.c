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
        [EVENT_UNORDERED] = {sizeof(struct event_unordered_brief), sizeof(struct event_unordered),
                             offsetof(struct event_unordered, first), 2},
        [EVENT_BIRTH] = {sizeof(struct event_birth_brief), sizeof(struct event_birth),
                         offsetof(struct event_birth, access), 1},
};

static const struct form *form_of(const struct event_header *event)
{
	const struct form *form = event->kind < EVENT_KINDS ? &forms[event->kind] : &forms[0];

	return form->brief && event->size == form->brief ? form : NULL;
}

static const struct access_brief *brief_of(const struct event_header *event, size_t offset, int i)
{
	return (const struct access_brief *)((const unsigned char *)event + offset) + i;
}

int chain_store_find(const struct chain_store *store, const struct event_header *event,
                     struct event_whole *out)
{
	const struct form *form = form_of(event);

	*out = (struct event_whole){.event = event, .size = form ? form->whole : event->size};
	for (int i = 0; form && i < form->accesses; i++) {
		const struct access_brief *brief = brief_of(event, form->access, i);
		struct access head;

		memcpy(&head, brief->head, sizeof(brief->head));
		out->chains[i] = id_table_get(&store->chains, key_of(brief->chain));
		if (!out->chains[i] || out->chains[i]->depth != head.depth)
			return -ENOENT;
	}
	return 0;
}

void chain_store_write(const struct event_whole *whole, void *room)
{
	const struct form *form = form_of(whole->event);
	struct event_header *header = room;

	memcpy(room, whole->event, form ? form->access : whole->size);
	header->size = (uint32_t)whole->size;
	for (int i = 0; form && i < form->accesses; i++) {
		struct access *out = (struct access *)((unsigned char *)room + form->access) + i;
		const struct chain *chain = whole->chains[i];

		memcpy(out, brief_of(whole->event, form->access, i)->head, ACCESS_HEAD);
		memcpy(out->stack, chain->stack, chain->depth * sizeof(*chain->stack));
	}
}
