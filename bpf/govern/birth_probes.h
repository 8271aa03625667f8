/* SPDX-License-Identifier: MIT */
/*
 * birth_probes: the probes that see maps being made, in place as long as they are cheap.
 *
 * A return instruction is single-stepped by the kernel: about ten times what the other probes cost.
 * So these have links and an account of their own. While what their hits have cost is below what
 * they are allowed (and a start) they stay; when a program makes maps too fast they are taken out,
 * and put back for a moment once the debt is paid off, at a time drawn by lot.
 *
 * The governor's thread looks after them (governor_births_start()), and it alone may call these
 * functions then, but for one; until then it is the thread that made them.
 *
 * Only with uprobe_multi: perf-event probes take a tenth of a second each to go.
 */
#ifndef GOMAPTOP_BPF_BIRTH_PROBES_H
#define GOMAPTOP_BPF_BIRTH_PROBES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/attach/probe_set.h"
#include "bpf/wire/wire.h"

#define GOVERNOR_RETRY_NS 1000000000ULL /* after the kernel refused probes, or a file changed */

struct birth_probes;

struct birth_probes_config {
	struct link_keeper *keeper;     /* who owns the links */
	const uint64_t *hits;           /* that the program has counted so far; shared memory */
	struct detector_tuning *tuning; /* shared with the program */
	uint64_t hit_ns;                /* what a hit costs; not 0 */
};

/* 0 or -ENOMEM. No probe is attached yet. */
int birth_probes_create(const struct birth_probes_config *config, struct birth_probes **out);
void birth_probes_destroy(struct birth_probes *births); /* accepts NULL; stops first */

/* More points, in one file and process (0: all), as probe_set_add(). */
int birth_probes_add(struct birth_probes *births, const struct probe_file *file, pid_t pid,
                     const struct probe_point *points, size_t count);

/* Those in the file of this descriptor out for good, as probe_set_remove(). */
void birth_probes_remove(struct birth_probes *births, int fd);

/* Attach. rate: CPUs that the hits may cost. 0, or -errno: births will not be seen. */
int birth_probes_start(struct birth_probes *births, double rate);

/* Settle the account, and attach or take out. rate: CPUs that the hits may cost; 0: take out.
 * Returns in how many nanoseconds the next step is due: 2 ms while much comes, 100 ms while they
 * are out. Takes up to some 30 ms where they go in or out. */
uint64_t birth_probes_step(struct birth_probes *births, double rate);

/* Take them out; the armed time can still be asked for. */
void birth_probes_stop(struct birth_probes *births);

/* Time with the probes in place so far. Any thread. */
uint64_t birth_probes_armed_ns(struct birth_probes *births);

#endif
