/* SPDX-License-Identifier: MIT */
/*
 * governor: keeps what the probes on map operations cost the targets within --max-overhead.
 *
 * A thread that adds up, every few milliseconds, what hits and holds have cost, and puts the probes
 * in place and takes them out as core/budget/overhead_budget advises: always in place where they
 * are hit rarely, in short windows at times drawn by lot where they are hit millions of times a
 * second. It also says how much of the time accesses may be held, and ends holds before a window
 * ends: one that nobody could meet would be held for nothing. Between its steps it looks after the
 * probes that see maps being made, which have an account of their own (birth_probes.h).
 *
 * It gives a sign at each step, ten times a second at least. When the signs stop, the keeper takes
 * all probes out (link_keeper.h); when they go on, the governor puts them back. When it cannot read
 * what hits cost, it takes out what it governs: an unknown cost has no limit.
 */
#ifndef GOMAPTOP_BPF_GOVERNOR_H
#define GOMAPTOP_BPF_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/attach/probe_set.h"
#include "bpf/govern/birth_probes.h"
#include "bpf/govern/cost_account.h"
#include "bpf/govern/order_probes.h"
#include "bpf/govern/site_zoom.h"
#include "bpf/targets/targets.h"
#include "bpf/wire/wire.h"
#include "core/budget/overhead_cost.h"
#include "core/event/trouble.h"

struct governor;

struct governor_config {
	struct link_keeper *keeper;     /* who owns the links, and hears the governor's signs */
	struct probe_set *probes;       /* those that are governed; the governor alone opens them */
	struct probe_set *standing;     /* those that stay in place; likewise */
	enum probe_link_mode mode;      /* with perf events taking probes out is slow */
	struct targets *targets;        /* whose CPU time it is */
	struct cost_account *account;   /* what hits and holds have cost */
	struct overhead_costs costs;    /* of a hit */
	struct detector_tuning *tuning; /* shared with the program */
	uint64_t hold_divisor;          /* held time is at most 1 : this of the time in any case */
	uint64_t stall_max_ns;          /* longest hold */
	double overhead_limit;          /* --max-overhead: 0.03; 0: never; 1 and above: always */
};

/* 0 or -ENOMEM. No probe is attached yet. */
int governor_create(const struct governor_config *config, struct governor **out);

/* Probes at calls, which may stay in place between the windows; the governor alone uses them from
 * now on. NULL: there are none. Before governor_start(). */
void governor_sites_set(struct governor *governor, struct site_zoom *sites);

/* Probes where goroutines are ordered, likewise; borrowed until governor_stop(). */
void governor_order_set(struct governor *governor, struct order_probes *probes);

/* Put the probes in place for the first time, which tells which of them the kernel accepts (failed
 * is told of the others, see probe_set_open()), and govern them from now on. Returns how many are
 * accepted, standing ones included; with a limit of 0 all governed ones are counted as such and
 * none is put in place. A file that no probe may go into yet (link_keeper.h: written to, or run by
 * no process and without a lease) is tried again later. -errno: none can be put in place. */
int governor_start(struct governor *governor,
                   void (*failed)(void *ctx, const struct probe_point *point), void *ctx);

/* Attach the probes that see maps being made, and look after them from now on, until
 * governor_stop(); borrowed. Once, after governor_start(). 0, or those of birth_probes_start():
 * births will not be seen. */
int governor_births_start(struct governor *governor, struct birth_probes *births);

/* Have run(ctx) done in the governor's thread, between two of its steps, and wait until it is done:
 * what that thread alone may touch (the probe sets, site_zoom, birth_probes) can be changed there.
 * Where no thread runs it is done here. Not from the governor's thread. */
void governor_call(struct governor *governor, void (*run)(void *ctx), void *ctx);

/* The set of governed probes has changed (governor_call): what is new in it goes in if the others
 * are in place. Within run(). Returns how many of these went in, or -errno. */
int governor_renew(struct governor *governor,
                   void (*failed)(void *ctx, const struct probe_point *point), void *ctx);

struct governor_state {
	uint64_t armed_ns;   /* time with the probes in place so far */
	uint64_t sampled_ns; /* of armed_ns, the time that counts for rates: governor_sample() */
	uint64_t out_ns;     /* time without them, since it was first tried to put them in place */
	size_t call_sites;   /* calls in the program that are probed now, see site_zoom.h */
	uint64_t births_ns;  /* time with the probes in place that see maps being made */
	double planned;      /* part of the targets' CPU time that hits and holds may cost now */
	size_t accepted;     /* probes that the kernel has accepted, standing ones included */
	unsigned int drops;  /* how often all probes were let go because this thread gave no sign */
	enum trouble trouble;
};

/* Any thread. */
void governor_state(struct governor *governor, struct governor_state *out);

/* Take the probes out and end the thread; the armed time can still be asked for. Accepts NULL. */
void governor_stop(struct governor *governor);
void governor_destroy(struct governor *governor); /* accepts NULL; stops first */

#endif
