/* SPDX-License-Identifier: MIT */
/*
 * cost_account: what watching has cost the targets so far, and what that is made of.
 *
 * The one place where the programs' totals become CPU time. Made by the watch. The governor's
 * thread reads it every few milliseconds to keep the cost within the budget, the collector's once
 * an interval for the reports: both see the same sums, and no part of them ever goes down.
 */
#ifndef GOMAPTOP_BPF_COST_ACCOUNT_H
#define GOMAPTOP_BPF_COST_ACCOUNT_H

#include <stdint.h>

#include "bpf/targets/targets.h"
#include "core/budget/overhead_cost.h"
#include "core/event/event.h"

struct cost_account;

/* All are totals since the programs were loaded, but for contention. */
struct cost {
	__u64 value[COVERAGE_COUNT]; /* the programs' counters, by enum coverage_field */
	uint64_t warm_ns;            /* what hits would have taken in a loop, holds apart */
	uint64_t cold_ns;            /* so much longer they took, see overhead_cold_ns() */
	uint64_t order_ns;           /* part of warm_ns: hits at order sites, */
	uint64_t order_cold_ns;      /* and of cold_ns */
	uint64_t held_ns;            /* accesses were held */
	uint64_t planted_ns;         /* see targets_planted_ns() */
	uint64_t waiting_ns;         /* hits cost beyond what they take, as far as seen */
	double contention;           /* the last one said to cost_account_contention_set() */
};

/* coverage_fd: the BPF map of totals; costs: of a hit, copied; targets: borrowed. 0, -ENOMEM, or
 * what libbpf says of the number of CPUs. */
int cost_account_create(int coverage_fd, const struct overhead_costs *costs,
                        const struct targets *targets, struct cost_account **out);
void cost_account_destroy(struct cost_account *account); /* accepts NULL */

/* Read the totals now. 0 or -errno: they cannot be read, *out is as it was. Any thread. */
int cost_account_read(struct cost_account *account, struct cost *out);

/* Hits cost so many times what they take (contention_seen(); 1 and less: nothing beyond that was
 * seen): what they took since the last call until `now` counts with that. The governor's thread. */
void cost_account_contention_set(struct cost_account *account, double contention,
                                 const struct cost *now);

/* What hits take: holds and waiting apart. */
uint64_t cost_hits_ns(const struct cost *cost);

/* All of it. */
uint64_t cost_all_ns(const struct cost *cost);

/* So many times longer than in a loop a hit that is not at an order site takes, on average so far:
 * 1 or more. */
double cost_coldness(const struct cost *cost);

#endif
