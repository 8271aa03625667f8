/* SPDX-License-Identifier: MIT */
/*
 * overhead_cost: what watching costs its targets, from what was counted and what each thing costs.
 *
 * A hit runs one of a few bodies (paths through the BPF program, with the trap that leads there).
 * Their costs are measured at start on this machine; how often each ran is in the coverage totals.
 * They are measured in a loop, warm. In a target that does other things between two hits each takes
 * longer, how much is told by the time that the program's first part takes there (COVERAGE_TIMED,
 * COVERAGE_ORDER_TIMED):
 * at start it was seen how much longer a hit takes when that does.
 * A further body is a row here, a row in its source's table of counters, and a row in
 * bpf/attach/trial.c.
 */
#ifndef GOMAPTOP_CORE_OVERHEAD_COST_H
#define GOMAPTOP_CORE_OVERHEAD_COST_H

#include <stdint.h>

#include "core/budget/timed_kind.h"
#include "core/event/event.h"

/* Identifier, name, ns that are assumed where a cost cannot be measured: what was seen in a virtual
 * machine, the dear side of it.
 * OPERATION: a map operation is counted. FILTERED: a hit that turns out to be none. BIRTH: a map
 * was made; its probe is at a return instruction, which the kernel steps through. HOLD: what a held
 * access costs on top of its operation and of the time that it was held: the call chain, mostly;
 * so does one whose chain is taken for an order window.
 * ORDER: a goroutine passes a place that orders goroutines. */
#define OVERHEAD_BODIES(X)              \
	X(OPERATION, "operation", 1200) \
	X(FILTERED, "filtered", 1000)   \
	X(BIRTH, "birth", 14000)        \
	X(HOLD, "hold", 4000)           \
	X(ORDER, "order", 1100)

enum overhead_body {
#define X(id, name, assumed_ns) BODY_##id,
	OVERHEAD_BODIES(X)
#undef X
	        BODY_COUNT
};

struct overhead_costs {
	uint64_t ns[BODY_COUNT];
	uint32_t measured; /* 1 << body: measured, not assumed */
	struct overhead_timed {
		double ns;   /* what the first part takes in a loop; 0: not known */
		double cold; /* ns that a hit takes longer for each ns that its first part does */
	} timed[TIMED_COUNT];
};

/* By enum overhead_body, by enum overhead_timed_kind. */
extern const char *const overhead_body_names[BODY_COUNT];
extern const char *const overhead_timed_names[TIMED_COUNT];

/* What is assumed where nothing was measured. */
struct overhead_costs overhead_costs_assumed(void);

/* CPU time in nanoseconds that the targets would have spent in probes in a loop, held time
 * included. value: totals, or what was added to them in some span, by enum coverage_field. Any
 * thread. */
uint64_t overhead_run_ns(const struct overhead_costs *costs, const __u64 value[COVERAGE_COUNT]);

/* Nanoseconds that the hits of one kind took beyond what they take in a loop. Hits that are neither
 * operations nor at order sites count as OPERATION. It is known from a sample: of totals that grow
 * it may become a little less. Any thread. */
uint64_t overhead_cold_ns(const struct overhead_costs *costs, const __u64 value[COVERAGE_COUNT],
                          enum overhead_timed_kind kind);

/* The same where what was said must not be taken back: said, by kind, is the most so far, 0 to
 * begin with. Returns that of the kind. */
uint64_t overhead_cold_said(const struct overhead_costs *costs, const __u64 value[COVERAGE_COUNT],
                            enum overhead_timed_kind kind, uint64_t said[TIMED_COUNT]);

#endif
