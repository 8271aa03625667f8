/* SPDX-License-Identifier: MIT */
/*
 * site_probes_internal: what the files of site_probes share; all of the governor's thread.
 */
#ifndef GOMAPTOP_BPF_SITE_PROBES_INTERNAL_H
#define GOMAPTOP_BPF_SITE_PROBES_INTERNAL_H

#include "bpf/govern/site_probes.h"
#include "core/base/u64_map.h"

/* An executable of its own: those of the watch serve another thread. */
struct site_binary {
	struct site_probes_binary what;
	char path[32]; /* of its descriptor: whatever happens to the name, it is this file */
	struct go_binary *binary;
	struct probe_plan plan;
	struct call_sites *calls; /* NULL: not needed yet, or it cannot be read */
	bool tried;
	bool gone; /* nothing of it is probed any more */
};

/* A call site that was asked for, and all that became of it. Kept for ever. */
struct site {
	struct site_place place;
	enum call_refusal refusal;
	struct call_instruction call;
	int error; /* of attaching, -errno */
	int row;   /* in the table of probed calls; NO_ROW: not attached */
	bool wanted;
	uint64_t hits_before; /* of rows that it had before */
};

#define NO_ROW (-1)

/* Calls of one executable that were attached together; a link a process, or one for all. They can
 * only be taken out together: those of them that are to stay are attached anew before. */
struct site_batch {
	size_t binary;
	link_handle *links;
	size_t link_count;
	unsigned int era; /* link_keeper_era() when they were put in */
	size_t *sites;
	int *rows; /* theirs in this batch */
	size_t count;
};

struct site_probes {
	struct program program; /* what it was; borrowed parts */
	struct link_keeper *keeper;
	bool verbose;
	struct site_binary *binaries;
	size_t binary_count;
	struct u64_map index; /* of a place -> its site */
	struct site **sites;
	size_t site_count, site_room;
	struct site_batch *batches;
	size_t batch_count, batch_room;
	struct call_probe *table; /* CALL_PROBES_MAX rows, shared with the programs */
	bool taken[CALL_PROBES_MAX];
	uint64_t hits_before; /* of rows that were given back */
	size_t armed;
};

static inline uint64_t row_hits(const struct site_probes *p, int row)
{
	return *(const volatile __u64 *)&p->table[row].hits;
}

/* site_probes_change.c: an executable as it is kept. */
void site_binary_set(struct site_binary *b, const struct site_probes_binary *what);

/* Has the batch something that is to go? Take out those that have. */
void site_stale_close(struct site_probes *p);

/* site_batch.c: attach these sites, all of one executable, as a new batch; there is room for it.
 * Sites that have a row already move to the new one. 0 or -errno: none is in place. */
int site_batch_open(struct site_probes *p, size_t binary, const size_t *sites, size_t count);

/* Take a batch out; sites that moved to another stay armed. */
void site_batch_close(struct site_probes *p, struct site_batch *batch);

/* Tell the programs which calls are probed, without those that are no longer. */
void site_keys_renew(struct site_probes *p);

#endif
