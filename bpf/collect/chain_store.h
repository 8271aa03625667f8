/* SPDX-License-Identifier: MIT */
/*
 * chain_store: call chains that came over the ring by themselves, put back into the events that
 * name them (bpf/wire/brief.h). Belongs to the collector's thread.
 */
#ifndef GOMAPTOP_BPF_CHAIN_STORE_H
#define GOMAPTOP_BPF_CHAIN_STORE_H

#include <stdint.h>

#include "bpf/wire/brief.h"

struct chain_store;

/* chains_fd: the BPF map of names, borrowed; < 0: there is none. 0 or -ENOMEM. */
int chain_store_create(int chains_fd, struct chain_store **out);
void chain_store_destroy(struct chain_store *store); /* accepts NULL */

/* 0, or -ENOMEM: events that name it will be refused. */
int chain_store_put(struct chain_store *store, const struct event_chain *chain);

/* The event itself if it is whole; else a whole copy, which lasts until the next call; NULL: it
 * names a chain that is not here. */
const struct event_header *chain_store_expand(struct chain_store *store,
                                              const struct event_header *event);

/* The process has ended and its last events were expanded: its chains lose their names. */
void chain_store_forget(struct chain_store *store, uint32_t tgid);

#endif
