/* SPDX-License-Identifier: MIT */
/*
 * lock_probes: the probes where locks are taken and dropped, in place for a while now and then.
 *
 * They tell which locks guard which maps (bpf/kern/lock.bpf.h), so that held time goes to the maps
 * that none guards. A server takes locks as often as it uses maps: these probes go in together, see
 * enough within some milliseconds, and are taken out again. Nothing counts before all of them are
 * in place. A program of which a place where a lock is dropped is not known, or cannot be probed at
 * an instruction that the kernel emulates, is left alone: a lock would seem to be held for ever.
 *
 * Belongs to the governor's thread (governor_call()). Only with uprobe_multi.
 */
#ifndef GOMAPTOP_BPF_LOCK_PROBES_H
#define GOMAPTOP_BPF_LOCK_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/attach/probe_set.h"
#include "bpf/attach/program.h"
#include "core/order/order_site.h"

struct lock_probes;

/* No probe is attached yet. Both borrowed. 0, -ENOMEM, or -EOPNOTSUPP: no uprobe_multi here. */
int lock_probes_create(struct link_keeper *keeper, const struct program *program,
                       struct lock_probes **out);
void lock_probes_destroy(struct lock_probes *probes); /* accepts NULL; closes first */

/* A file whose sites were found, the row of its fields, and the processes in which they are probed;
 * pid_count 0: in all. */
struct lock_probes_file {
	const struct probe_file *file;
	const struct order_plan *plan;
	size_t row;
	const pid_t *pids;
	size_t pid_count;
};

/* One more file; its probes go in when they are opened next. 0; -ENOTSUP: it is left alone, see
 * above; -ENOSPC: no room for so many sites; -ENOMEM, -ESTALE (probe_set.h) or -errno. */
int lock_probes_add(struct lock_probes *probes, const struct lock_probes_file *file);
void lock_probes_remove(struct lock_probes *probes, int fd); /* that of its file */

size_t lock_probes_count(const struct lock_probes *probes); /* sites; 0: nothing to do */

/* Put them in place; takes up to some 20 ms. 0, or -errno: none is in place. */
int lock_probes_open(struct lock_probes *probes);
void lock_probes_close(struct lock_probes *probes); /* takes up to some 80 ms */
bool lock_probes_is_open(const struct lock_probes *probes);

/* Find out whether the keeper has let them go by itself. */
void lock_probes_look(struct lock_probes *probes);

#endif
