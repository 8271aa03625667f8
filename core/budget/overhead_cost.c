/* SPDX-License-Identifier: MIT */
#include "core/budget/overhead_cost.h"

#include <stddef.h>

#define TIMED_LEAST 8 /* fewer looks say nothing */

const char *const overhead_body_names[BODY_COUNT] = {
#define X(id, name, assumed_ns) [BODY_##id] = (name),
        OVERHEAD_BODIES(X)
#undef X
};

const char *const overhead_timed_names[TIMED_COUNT] = {
#define X(id, name) [TIMED_##id] = (name),
        OVERHEAD_TIMED(X)
#undef X
};

/* Which body ran each time that a counter went up. Counters that are not here are part of one that
 * is, or cost nothing. */
static const struct {
	enum coverage_field counter;
	enum overhead_body body;
} counted[] = {
        {COVERAGE_COUNTED, BODY_OPERATION},   {COVERAGE_STACK_GROWTH, BODY_FILTERED},
        {COVERAGE_NIL_MAP, BODY_FILTERED},    {COVERAGE_OTHER_PROCESS, BODY_FILTERED},
        {COVERAGE_UNREADABLE, BODY_FILTERED}, {COVERAGE_RUNTIME_INTERNAL, BODY_FILTERED},
        {COVERAGE_PART, BODY_FILTERED},       {COVERAGE_CRASH_SITE, BODY_FILTERED},
        {COVERAGE_CALL_SITE, BODY_FILTERED},  {COVERAGE_BIRTH_SITE, BODY_BIRTH},
        {COVERAGE_UNGOVERNED, BODY_FILTERED}, {COVERAGE_STALLS, BODY_HOLD},
        {COVERAGE_ORDER_SITE, BODY_ORDER},    {COVERAGE_ORDER_CHAINS, BODY_HOLD},
};

struct overhead_costs overhead_costs_assumed(void)
{
	return (struct overhead_costs){.ns = {
#define X(id, name, assumed_ns) [BODY_##id] = (assumed_ns),
	                                       OVERHEAD_BODIES(X)
#undef X
	                               }};
}

uint64_t overhead_run_ns(const struct overhead_costs *costs, const __u64 value[COVERAGE_COUNT])
{
	uint64_t sum = value[COVERAGE_STALL_NS];

	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++)
		sum += value[counted[i].counter] * costs->ns[counted[i].body];
	return sum;
}

/* Holds come on top of an operation, which was the hit. */
static uint64_t hits(const __u64 value[COVERAGE_COUNT], enum overhead_timed_kind kind)
{
	uint64_t sum = 0;

	if (kind == TIMED_ORDER)
		return value[COVERAGE_ORDER_SITE];
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++)
		if (counted[i].body != BODY_HOLD && counted[i].body != BODY_ORDER)
			sum += value[counted[i].counter];
	return sum;
}

static const struct {
	enum coverage_field count, ns;
} timed_counters[TIMED_COUNT] = {
        [TIMED_OPERATION] = {COVERAGE_TIMED, COVERAGE_TIMED_NS},
        [TIMED_ORDER] = {COVERAGE_ORDER_TIMED, COVERAGE_ORDER_TIMED_NS},
};

uint64_t overhead_cold_ns(const struct overhead_costs *costs, const __u64 value[COVERAGE_COUNT],
                          enum overhead_timed_kind kind)
{
	const struct overhead_timed *timed = &costs->timed[kind];
	double looks = (double)value[timed_counters[kind].count], longer;

	if (looks < TIMED_LEAST || timed->ns <= 0)
		return 0;
	longer = (double)value[timed_counters[kind].ns] / looks - timed->ns;
	return longer > 0 ? (uint64_t)(longer * timed->cold * (double)hits(value, kind)) : 0;
}

uint64_t overhead_cold_said(const struct overhead_costs *costs, const __u64 value[COVERAGE_COUNT],
                            enum overhead_timed_kind kind, uint64_t said[TIMED_COUNT])
{
	uint64_t cold = overhead_cold_ns(costs, value, kind);

	if (cold > said[kind])
		said[kind] = cold;
	return said[kind];
}
