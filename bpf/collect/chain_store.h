/* SPDX-License-Identifier: MIT */
/*
 * chain_store: call chains that came over the ring by themselves, put back into the events that
 * name them (bpf/wire/brief.h). Belongs to the collector's thread.
 */
#ifndef GOMAPTOP_BPF_CHAIN_STORE_H
#define GOMAPTOP_BPF_CHAIN_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire/brief.h"

struct chain_store;

/* chains_fd: the BPF map of names, borrowed; < 0: there is none. 0 or -ENOMEM. */
int chain_store_create(int chains_fd, struct chain_store **out);
void chain_store_destroy(struct chain_store *store); /* accepts NULL */

/* 0, or -ENOMEM: events that name it will be refused. */
int chain_store_put(struct chain_store *store, const struct event_chain *chain);

/* An event as it came, and what its whole form is made of. */
struct event_whole {
	const struct event_header *event;
	size_t size; /* of the whole form */
	const struct chain *chains[2];
};

/* Good until the next put or forget, and as long as the event. 0, or -ENOENT: it names a chain that
 * is not here. */
int chain_store_find(const struct chain_store *store, const struct event_header *event,
                     struct event_whole *out);

/* The whole form into room for whole->size bytes. Entries of stacks beyond their depth are left as
 * they are there. */
void chain_store_write(const struct event_whole *whole, void *room);

/* The process has ended and its last events were expanded: its chains lose their names. */
void chain_store_forget(struct chain_store *store, uint32_t tgid);

#endif
