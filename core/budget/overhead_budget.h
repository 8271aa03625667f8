/* SPDX-License-Identifier: MIT */
/*
 * overhead_budget: the account of what watching may cost the targets, and what it did cost.
 *
 * Income: a part of the targets' CPU time, as it passes. Spending: the estimate of what hits and
 * holds cost. Out of both, and of what probes in place cost lately, it advises when to put the
 * probes in place and when to take them out. Two facts carry it:
 *   - probes in place for a time W can cost at most W on each CPU, so a share of windows up to the
 *     budget is always safe, and where hits are few far more is;
 *   - what is counted is not all: putting probes in and out costs something, and goroutines wait
 *     for others that were delayed. So only a part of the promise (overhead_aim()) is income, and
 *     what is spent counts for as much more as was seen to be lost (core/budget/contention.h).
 *
 * All times are nanoseconds. Not thread-safe: one thread owns it, the governor's.
 */
#ifndef GOMAPTOP_CORE_OVERHEAD_BUDGET_H
#define GOMAPTOP_CORE_OVERHEAD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/budget/token_bucket.h"

/* Part of what was promised that is planned to be spent: where all CPU time is used, so that what
 * is spent is missing at once; and where there is plenty left, so that work goes on beside it. */
#define OVERHEAD_AIM_FULL 0.25
#define OVERHEAD_AIM_ROOM 0.9

#define OVERHEAD_HOLD_FULL 1.8 /* overhead_hold_factor() where all CPU time is used */

/* CPUs that a target is taken to use at least: 3 % of less would leave nothing to find anything
 * with, and 3 % of a third of a CPU, 1 % of one CPU, is little to anybody: what is scarce where
 * little is used is not CPU time. */
#define OVERHEAD_CPU_FLOOR (1.0 / 3)

/* From here on there is no limit, and nothing to govern: the probes stay in place. */
#define OVERHEAD_UNLIMITED 1.0

enum overhead_advice {
	OVERHEAD_STAY, /* as it is */
	OVERHEAD_ARM,  /* put the probes in place */
	OVERHEAD_DISARM,
};

struct overhead_budget {
	double overhead_limit; /* promised: of the targets' CPU time */
	double aim;            /* see overhead_aim(); may be set */
	/* hits cost so much more than counted (core/budget/contention.h); may be set */
	double hit_factor;
	double hold_factor; /* see overhead_hold_factor(); may be set */
	double hold_most;   /* CPUs that may be spent on holding in any case; may be set */
	bool calls_wanted;  /* see overhead_budget_calls_wanted() */
	uint64_t window_ns; /* shortest window worth the trouble of putting probes in and out */
	uint64_t tail_ns;   /* how long probes are still hit while they are taken out */
	uint64_t begun_ns;  /* time of the first look; 0: none yet */
	uint64_t seen_ns;   /* of the last one */
	uint64_t cpu_ns;    /* CPU time of the targets until then */
	uint64_t hits_ns;   /* counted cost of hits, holds apart, until then */
	uint64_t held_ns;   /* held until then */
	uint64_t armed_ns;  /* since when the probes are in place; 0: they are not */
	double cpu_rate;    /* CPUs that the targets use, smoothed */
	double cost_rate;   /* CPUs that probes in place cost; negative: not known yet */
	double cost_cpus;   /* cpu_rate when cost_rate was learned */
	double hits_rate;   /* CPUs that hits cost of late, probes in place or not */
	struct token_bucket account;       /* what may be spent */
	struct token_bucket calls_account; /* the same for hits at probed calls, */
	struct token_bucket order_account; /* and at order sites */
	bool unordered;       /* set by the caller: places are known that nothing orders */
	bool order_wanted;    /* set by the caller: there are order probes, */
	bool order_open;      /* and they are in place: all hits are paid from their account */
	uint64_t order_ns;    /* counted cost of hits at order sites, until then */
	uint64_t hits, calls; /* how many there were, and how many of them at calls, until then */
	double seen_in_ns;    /* so long the probes were in place so far */
	uint64_t switched_ns; /* when the probes went in or out last; 0: never yet */
	double in_ns, out_ns; /* how long they were in place of late, and how long they were not */
	double patience;      /* drawn for the next window: so many times its cost must be there */
	uint32_t dice;
};

/* What a look finds; all are totals that only grow. */
struct overhead_reading {
	uint64_t now_ns;
	uint64_t cpu_ns;   /* CPU time of the targets */
	uint64_t hits_ns;  /* cost of hits, see overhead_cost.h */
	uint64_t held_ns;  /* time that accesses were held */
	uint64_t order_ns; /* part of hits_ns: hits at order sites */
	uint64_t hits;     /* number of hits, */
	uint64_t calls;    /* and of those at probed calls */
};

/* overhead_limit: 0.03 = 3 %. 0: the probes are never put in place; OVERHEAD_UNLIMITED and above:
 * always. dice: any number; windows must not fall into step with the target. */
void overhead_budget_open(struct overhead_budget *budget, double overhead_limit, uint64_t window_ns,
                          uint64_t tail_ns, uint32_t dice);

/* Settle the account, and say what to do. The caller does it and says so with
 * overhead_budget_armed(). */
enum overhead_advice overhead_budget_look(struct overhead_budget *budget,
                                          const struct overhead_reading *reading);

/* The probes are in place from now on, or no longer (they may be hit for tail_ns more). */
void overhead_budget_armed(struct overhead_budget *budget, uint64_t now_ns, bool armed);

/* How long to wait before the next look: short while much is being spent, long while the account is
 * full or there is nothing to decide. */
uint64_t overhead_budget_wait_ns(const struct overhead_budget *budget);

/* How long it takes of late for the probes to be in place for a second, in seconds: 1 or more. */
double overhead_budget_gap(const struct overhead_budget *budget);

/* CPUs that may be spent on holding accesses: what hits leave of the income, within bounds. */
double overhead_budget_hold_rate(const struct overhead_budget *budget);

/* Are windows so dear that holds would fill the time for which they can be open, or are places
 * known that nothing orders, and windows not open all the time? Then probes at calls, hit rarely
 * even there, see more for the same cost; but first windows have to tell which. Says for long what
 * it has said. */
bool overhead_budget_calls_wanted(struct overhead_budget *budget);

/* CPUs that hits at calls may cost for so long: what was put aside for them. 0: nothing is left. */
double overhead_budget_calls_rate(const struct overhead_budget *budget, uint64_t ns);

/* CPUs that order windows may cost. */
double overhead_budget_order_income(const struct overhead_budget *budget);

/* How much of what is spent goes on beside the targets' work instead of at its expense: 0 none of
 * it, 1 all. room: part of the CPU time there is that goes unused, 0 to 1. */
double overhead_leeway(double room);

/* What part to plan with, for this leeway. */
double overhead_aim(double leeway);

/* How much more held time is taken to cost than it lasts: where CPUs have nothing to do, who waits
 * for the one who is held takes no CPU time from anybody. */
double overhead_hold_factor(double leeway);

/* CPUs of income: a part of the targets' CPU time, see overhead_aim(). */
double overhead_budget_income(const struct overhead_budget *budget);

/* What an overhead is measured against: the targets' CPU time, or what the floor makes of it. */
uint64_t overhead_base_ns(uint64_t cpu_ns, uint64_t watched_ns);

#endif
