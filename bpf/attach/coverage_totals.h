/* SPDX-License-Identifier: MIT */
/*
 * coverage_totals: the programs' counters, added up over the CPUs.
 */
#ifndef GOMAPTOP_BPF_COVERAGE_TOTALS_H
#define GOMAPTOP_BPF_COVERAGE_TOTALS_H

#include "core/event/event.h"

struct coverage_totals; /* a reader; one thread each */

/* fd: the BPF map `coverage`, borrowed. 0, -ENOMEM, or what libbpf says of the number of CPUs. */
int coverage_totals_create(int fd, struct coverage_totals **out);
void coverage_totals_destroy(struct coverage_totals *totals); /* accepts NULL */

/* Add the totals so far, by enum coverage_field, to value[COVERAGE_COUNT]. 0 or -errno: nothing was
 * added. */
int coverage_totals_add(struct coverage_totals *totals, __u64 *value);

/* Begin again at 0, where no program counts any more. */
void coverage_totals_clear(struct coverage_totals *totals);

#endif
