/* SPDX-License-Identifier: MIT */
#include "bpf/attach/coverage_totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

struct coverage_totals {
	int fd;
	int cpus;
	__u64 (*values)[COVERAGE_COUNT]; /* one a CPU */
};

int coverage_totals_create(int fd, struct coverage_totals **out)
{
	int cpus = libbpf_num_possible_cpus();
	struct coverage_totals *t;

	*out = NULL;
	if (cpus < 0)
		return cpus;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->fd = fd;
	t->cpus = cpus;
	t->values = calloc(cpus, sizeof(*t->values));
	if (!t->values) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

int coverage_totals_add(struct coverage_totals *t, __u64 *value)
{
	__u32 zero = 0;

	if (bpf_map_lookup_elem(t->fd, &zero, t->values))
		return -errno;
	for (int cpu = 0; cpu < t->cpus; cpu++)
		for (int i = 0; i < COVERAGE_COUNT; i++)
			value[i] += t->values[cpu][i];
	return 0;
}

void coverage_totals_clear(struct coverage_totals *t)
{
	__u32 zero = 0;

	memset(t->values, 0, (size_t)t->cpus * sizeof(*t->values));
	bpf_map_update_elem(t->fd, &zero, t->values, BPF_ANY);
}

void coverage_totals_destroy(struct coverage_totals *t)
{
	if (!t)
		return;
	free(t->values);
	free(t);
}
