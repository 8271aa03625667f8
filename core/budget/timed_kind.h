/* SPDX-License-Identifier: MIT */
/*
 * timed_kind: the kinds of hit whose first part is timed in a sample, each for itself.
 *
 * Included by the BPF programs as well.
 */
#ifndef GOMAPTOP_CORE_TIMED_KIND_H
#define GOMAPTOP_CORE_TIMED_KIND_H

/* Which hits' first part is timed, identifier and name: those of operations, and those at order
 * sites, which mostly lie close to others and find the caches warm. */
#define OVERHEAD_TIMED(X)         \
	X(OPERATION, "operation") \
	X(ORDER, "order")

enum overhead_timed_kind {
#define X(id, name) TIMED_##id,
	OVERHEAD_TIMED(X)
#undef X
	        TIMED_COUNT
};

#endif
