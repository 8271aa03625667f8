/* SPDX-License-Identifier: MIT */
/*
 * keeper_links: the links that the keeper process owns, by handle. The caller's lock guards it.
 */
#ifndef GOMAPTOP_BPF_KEEPER_LINKS_H
#define GOMAPTOP_BPF_KEEPER_LINKS_H

#include <stddef.h>

#include "bpf/attach/link_keeper.h"

struct keeper_link {
	struct probe_links *links; /* NULL: the row is free */
	int file;
	uint32_t serial;
};

struct keeper_links {
	struct keeper_link *rows;
	size_t count;
	uint32_t serial;
};

/* A handle for these links, or 0: no memory; the caller keeps them. */
link_handle keeper_links_add(struct keeper_links *table, int file, struct probe_links *links);

/* The links of a handle, which is worth nothing from now on; NULL: they are gone already. */
struct probe_links *keeper_links_take(struct keeper_links *table, link_handle handle);

/* All links of a file (-1: of all files), at most max. Returns how many. */
size_t keeper_links_take_all(struct keeper_links *table, int file, struct probe_links **out,
                             size_t max);

#endif
