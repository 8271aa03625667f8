/* SPDX-License-Identifier: MIT */
/*
 * timing: how long the program's first part takes where it runs, looked at in one hit of 64.
 *
 * A hit that comes every 100 us finds the kernel's path and the tables cold and costs several times
 * what it costs in a loop, which is how it was timed at start. How cold it is depends on what the
 * target does between two hits, which gomaptop cannot see. This part of the program is the same for
 * each hit, and slows down as the whole hit does: at a map operation, reading the operation and
 * finding its rows; at an order site, the whole program. The clock is read twice for that, so one
 * hit in 64 is looked at, drawn by its number on this CPU: each hit of a burst has the same chance.
 */
#ifndef GOMAPTOP_BPF_TIMING_H
#define GOMAPTOP_BPF_TIMING_H

#include "bpf/kern/tables.bpf.h"
#include "core/budget/timed_kind.h"

#define TIMED_LOST_NS 20000 /* took longer: the CPU was taken away meanwhile */

/* When this hit, which will go into that counter, began; 0: it is not looked at. */
static __always_inline __u64 timing_begin(enum coverage_field counter)
{
	__u32 zero = 0;
	struct coverage *c = bpf_map_lookup_elem(&coverage, &zero);

	if (!c || (c->value[counter] * 0x9e3779b97f4a7c15ULL >> 58 && !tuning.timed_all))
		return 0;
	return bpf_ktime_get_ns();
}

/* An interrupt makes one look as long as a hundred: it says no more than that all was cold. */
static __always_inline void timing_end(__u64 begin, enum overhead_timed_kind kind)
{
	__u64 took, most = tuning.timed_most[kind];

	if (!begin)
		return;
	took = bpf_ktime_get_ns() - begin;
	if (took > TIMED_LOST_NS)
		return;
	if (most && took > most)
		took = most;
	coverage_count(kind == TIMED_ORDER ? COVERAGE_ORDER_TIMED : COVERAGE_TIMED);
	coverage_add(kind == TIMED_ORDER ? COVERAGE_ORDER_TIMED_NS : COVERAGE_TIMED_NS, took);
}

#endif
