/* SPDX-License-Identifier: MIT */
#include "bpf/govern/cost_account.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "bpf/attach/coverage_totals.h"

struct cost_account {
	struct overhead_costs costs;
	const struct targets *targets;
	pthread_mutex_t lock; /* for what follows */
	struct coverage_totals *totals;
	uint64_t cold_ns[TIMED_COUNT]; /* see overhead_cold_said() */
	uint64_t waiting_ns;
	uint64_t waited_hits_ns; /* what hits had taken when waiting_ns was last added to */
	double contention;
};

int cost_account_create(int coverage_fd, const struct overhead_costs *costs,
                        const struct targets *targets, struct cost_account **out)
{
	struct cost_account *a = calloc(1, sizeof(*a));
	int rc;

	*out = NULL;
	if (!a)
		return -ENOMEM;
	rc = coverage_totals_create(coverage_fd, &a->totals);
	if (rc) {
		free(a);
		return rc;
	}
	a->costs = *costs;
	a->targets = targets;
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return 0;
}

void cost_account_destroy(struct cost_account *a)
{
	if (!a)
		return;
	coverage_totals_destroy(a->totals);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

int cost_account_read(struct cost_account *a, struct cost *out)
{
	struct cost now = {0};
	int rc;

	pthread_mutex_lock(&a->lock);
	rc = coverage_totals_add(a->totals, now.value);
	if (!rc) {
		now.held_ns = now.value[COVERAGE_STALL_NS];
		now.warm_ns = overhead_run_ns(&a->costs, now.value) - now.held_ns;
		now.order_ns = now.value[COVERAGE_ORDER_SITE] * a->costs.ns[BODY_ORDER];
		now.cold_ns = overhead_cold_said(&a->costs, now.value, TIMED_OPERATION, a->cold_ns);
		now.order_cold_ns =
		        overhead_cold_said(&a->costs, now.value, TIMED_ORDER, a->cold_ns);
		now.cold_ns += now.order_cold_ns;
		now.planted_ns = targets_planted_ns(a->targets);
		now.waiting_ns = a->waiting_ns;
		now.contention = a->contention;
		*out = now;
	}
	pthread_mutex_unlock(&a->lock);
	return rc;
}

void cost_account_contention_set(struct cost_account *a, double contention, const struct cost *now)
{
	uint64_t hits_ns = cost_hits_ns(now);

	pthread_mutex_lock(&a->lock);
	a->contention = contention;
	if (contention > 1)
		a->waiting_ns +=
		        (uint64_t)((contention - 1) * (double)(hits_ns - a->waited_hits_ns));
	a->waited_hits_ns = hits_ns;
	pthread_mutex_unlock(&a->lock);
}

uint64_t cost_hits_ns(const struct cost *c)
{
	return c->warm_ns + c->cold_ns + c->planted_ns;
}

uint64_t cost_all_ns(const struct cost *c)
{
	return cost_hits_ns(c) + c->held_ns + c->waiting_ns;
}

double cost_coldness(const struct cost *c)
{
	uint64_t warm = c->warm_ns - c->order_ns, cold = c->cold_ns - c->order_cold_ns;

	return warm ? 1 + (double)cold / (double)warm : 1;
}
