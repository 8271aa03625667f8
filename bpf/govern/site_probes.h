/* SPDX-License-Identifier: MIT */
/*
 * site_probes: the probes at chosen `call` instructions, and out again.
 *
 * Each is verified by core/probe/call_site before it is attached. Only with uprobe_multi:
 * perf-event probes take a tenth of a second each to go, so there nothing is ever chosen.
 * Everything here belongs to one thread (the governor's), which has executables of its own: those
 * of the watch serve another thread. Between two choices operations are counted at most once: a
 * site is filtered at the function's probe from before its own is attached until after that is out.
 */
#ifndef GOMAPTOP_BPF_SITE_PROBES_H
#define GOMAPTOP_BPF_SITE_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/attach/probe_set.h"
#include "bpf/attach/program.h"
#include "core/probe/call_site.h"

struct site_probes;

/* An executable and the processes in which its calls may be probed. */
struct site_probes_binary {
	struct probe_file file;
	size_t first_site; /* of its probes among all (the site index in cookies) */
	size_t row;        /* of its fields */
	const pid_t
	        *pids; /* the link is confined to these; pid_count 0: every process of the file */
	size_t pid_count;
};

struct site_probes_config {
	const struct program *program;             /* borrowed */
	struct link_keeper *keeper;                /* who owns the links; borrowed */
	const struct site_probes_binary *binaries; /* copied */
	size_t binary_count;
	bool verbose; /* say on standard error which sites were refused, and why */
};

/* A call site: the index of its executable, and the file address that the call returns to. */
struct site_place {
	size_t binary;
	uint64_t place;
};

/* How a place fared. */
struct site_probe_state {
	enum call_refusal refusal;
	int error; /* -errno of attaching, 0 */
	bool armed;
};

#define SITE_BINARIES_MAX 256 /* executables in all, former ones included */

/* No probe is attached yet. 0, -ENOMEM, -EOPNOTSUPP: no uprobe_multi here. */
int site_probes_create(const struct site_probes_config *config, struct site_probes **out);

/* One more executable, whose row no other has any more. 0, -ENOMEM, or -ENOSPC:
 * SITE_BINARIES_MAX. */
int site_probes_add(struct site_probes *probes, const struct site_probes_binary *binary);

/* Calls in the file of this descriptor are probed no more, and never again. */
void site_probes_remove(struct site_probes *probes, int fd);

/* From now on exactly these sites are probed, those that can be: what is new is attached first,
 * then what is not in the list any more is taken out. Sites in both go on without a gap. 0, or
 * -errno: not all that is new could be attached. */
int site_probes_choose(struct site_probes *probes, const struct site_place *places, size_t count);

/* The place that lies `distance` behind the probed instruction of a site, by the site's index among
 * all (what the programs say of places). 0 or -ENOENT. */
int site_probes_place(struct site_probes *probes, size_t site, int32_t distance,
                      struct site_place *out);

/* Of one site. All zero: never chosen. */
struct site_probe_state site_probes_state(const struct site_probes *probes,
                                          struct site_place place);

/* Is this a place for a probe? CALL_NONE: yes. Remembered: asking again is cheap. */
enum call_refusal site_probes_verify(struct site_probes *probes, struct site_place place);

size_t site_probes_count(const struct site_probes *probes); /* armed now */

/* Hits so far of all sites, and of one: reads of shared memory, cheap enough to ask each
 * millisecond. */
uint64_t site_probes_hits(const struct site_probes *probes);
uint64_t site_probes_hits_of(const struct site_probes *probes, struct site_place place);

/* Find out which of them the keeper has let go by itself: those are not armed any more. */
void site_probes_look(struct site_probes *probes);

/* Take all out. Can be chosen again. */
void site_probes_close(struct site_probes *probes);
void site_probes_destroy(struct site_probes *probes); /* accepts NULL; closes first */

#endif
