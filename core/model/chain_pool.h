/* SPDX-License-Identifier: MIT */
/*
 * chain_pool: call chains, each kept once however many rows show it.
 *
 * Ten thousand maps are used from a few hundred places; their chains are the larger part of what
 * is known of them. A chain is read only and lives until it was given back as often as it was
 * taken. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_CHAIN_POOL_H
#define GOMAPTOP_CORE_CHAIN_POOL_H

#include "core/base/id_table.h"
#include "core/go/frame.h"

/* A zeroed one is an empty one. */
struct chain_pool {
	struct id_table chains;
};

/* The chain with exactly these frames, copied if it is new. NULL: length < 1, or no memory. */
const struct frame *chain_pool_take(struct chain_pool *pool, const struct frame *frames,
                                    int length);
/* Take it once more. */
const struct frame *chain_pool_share(const struct frame *chain);
void chain_pool_give(struct chain_pool *pool, const struct frame *chain); /* accepts NULL */
/* All chains must have been given back. */
void chain_pool_clear(struct chain_pool *pool);

#endif
