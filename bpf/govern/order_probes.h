/* SPDX-License-Identifier: MIT */
/*
 * order_probes: the probes where goroutines are ordered, in place for a while now and then.
 *
 * Their events, with the accesses to maps meanwhile, tell which accesses nothing orders
 * (core/judge/order_judge.h). A server takes locks as often as it uses maps: these probes go in
 * together, and are taken out again; those at sites that are hardly hit (cold) stay, once that was
 * seen. Nothing counts before all of them are in place. A program of which a place that orders
 * goroutines is not known is left alone: no pair is told of it.
 *
 * Belongs to the governor's thread (governor_call()). Only with uprobe_multi.
 */
#ifndef GOMAPTOP_BPF_ORDER_PROBES_H
#define GOMAPTOP_BPF_ORDER_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/attach/probe_set.h"
#include "bpf/attach/program.h"
#include "core/order/order_site.h"

struct order_probes;

/* No probe is attached yet. Both borrowed. 0, -ENOMEM, or -EOPNOTSUPP: no uprobe_multi here, or
 * an arm64 machine. */
int order_probes_create(struct link_keeper *keeper, const struct program *program,
                        struct order_probes **out);
void order_probes_destroy(struct order_probes *probes); /* accepts NULL; closes first */

/* A file whose sites were found, the row of its fields, and the processes in which they are probed;
 * pid_count 0: in all. */
struct order_probes_file {
	const struct probe_file *file;
	const struct order_plan *plan;
	size_t row;
	const pid_t *pids;
	size_t pid_count;
};

/* One more file; its probes go in when they are opened next. 0; -ENOTSUP: it is left alone, see
 * above; -ENOSPC: no room for so many sites; -ENOMEM, -ESTALE (probe_set.h) or -errno. */
int order_probes_add(struct order_probes *probes, const struct order_probes_file *file);
void order_probes_remove(struct order_probes *probes, int fd); /* that of its file */

size_t order_probes_count(const struct order_probes *probes); /* sites; 0: nothing to do */
size_t order_probes_hot(const struct order_probes *probes);   /* of them, those that come and go */

/* Put them in place; takes some 20 ms, and ten times as long where the target uses all CPUs. 0, or
 * -errno: none is in place. Hits are told after order_probes_begin() only, which is to be called
 * when the governor has just given its sign: without that a hit is not told, and a window of which
 * one is missing would be wrong. */
int order_probes_open(struct order_probes *probes);
void order_probes_begin(struct order_probes *probes);
void order_probes_close(struct order_probes *probes); /* takes up to some 80 ms */
void order_probes_stop(struct order_probes *probes);  /* those that stay, too */

/* Which are to stay while no window is open: the least hit ones, as many as are hit hits_per_s
 * times a second together, as was seen in windows and since. To be called between windows; does
 * nothing where little would change or it was done in the last 10 s. at_once: those that stay are
 * hit too often, something has to change. Takes as long as closing and opening. */
void order_probes_sort(struct order_probes *probes, double hits_per_s, bool at_once);
bool order_probes_is_open(const struct order_probes *probes);

/* Find out whether the keeper has let some go by itself: the window counts as one that lost an
 * event then, and ends. Else what was told until now was told with all in place (order_whole). */
void order_probes_look(struct order_probes *probes);

#endif
