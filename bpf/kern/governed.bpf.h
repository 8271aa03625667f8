/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * governed: does somebody limit what the hits cost?
 *
 * A gomaptop that is stopped or gets no CPU time limits nothing. Its keeper process takes the
 * probes out after half a second (bpf/attach/link_keeper.h). Where that process does not run
 * either, a hit does as little as can be done from a second on: it is counted, and no access is
 * held.
 */
#ifndef GOMAPTOP_BPF_GOVERNED_H
#define GOMAPTOP_BPF_GOVERNED_H

#include "bpf/kern/tables.bpf.h"

#define SILENT_NS 1000000000ULL

static __always_inline int is_governed(void)
{
	__u64 beat = *(volatile __u64 *)&tuning.beat_ns;

	/* A sign may be younger than the coarse clock: then the difference is negative. */
	return !beat || (__s64)(clock_coarse() - beat) < (__s64)SILENT_NS;
}

#endif
