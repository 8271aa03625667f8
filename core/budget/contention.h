/* SPDX-License-Identifier: MIT */
/*
 * contention: how much more of a target's CPU time hits of probes cost than they take themselves.
 *
 * After a hit the target finds less of what it had in its caches; a goroutine that is delayed
 * within a lock makes others wait for it. Nobody counts that, but it shows: what a server gets done
 * can be seen from outside in its read and write calls, and its CPU time by the kernel's clock. CPU
 * time a call with the probes in place is compared with that before and after: what it was more,
 * over the cost that was counted in the same time, is the factor. It is drawn towards what is
 * assumed of any program, the less the more was seen; a program that makes no calls stays there.
 *
 * Not thread-safe: one thread owns it, the governor's.
 */
#ifndef GOMAPTOP_CORE_CONTENTION_H
#define GOMAPTOP_CORE_CONTENTION_H

#include <stdbool.h>
#include <stdint.h>

/* Assumed of a program of which nothing is known, and what is believed at most. Servers under full
 * load on two CPUs with a budget of 25 %, six paired spans each: an etcd of whose CPU time 3.3 %
 * was counted as hits and 0.4 % held did 4.2 % less, a prometheus (3.7 and 0.3 %) 3.6 %, a ledgerd
 * (3.8 and 0.7 %) 2.4 %. */
#define CONTENTION_ASSUMED 1.32
#define CONTENTION_MOST    6.0

/* All are totals that only grow. */
struct contention_reading {
	uint64_t now_ns;
	uint64_t calls;   /* that the targets made; 0 at all times: not known */
	uint64_t cpu_ns;  /* CPU time of the targets, to the nanosecond */
	uint64_t hits_ns; /* of it, counted as the cost of hits, */
	uint64_t held_ns; /* and held: known to the nanosecond */
};

/* Sums over windows, in which older windows fade. Lost (to hits) and spent (on them) are CPU time
 * in milliseconds. */
struct contention_sums {
	double windows, lost, spent;
	double lost_lost, lost_spent, spent_spent;
	double chance; /* variance of `lost`, where calls come independently of each other */
};

struct contention {
	struct contention_reading mark[4]; /* latest turns: out, in, out, in; [3] is the newest */
	uint32_t marks;
	struct contention_sums sums;
};

void contention_open(struct contention *contention);

/* The probes begin to go in (in), or are all out again. */
void contention_turn(struct contention *contention, const struct contention_reading *reading,
                     bool in);

/* What to plan with: 1 to CONTENTION_MOST, and no less than what was seen. */
double contention_planned(const struct contention *contention);

/* What was seen: 1 to CONTENTION_MOST, or 0: not enough to say. */
double contention_seen(const struct contention *contention);

#endif
