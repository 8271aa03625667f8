/* SPDX-License-Identifier: MIT */
#include "core/budget/order_rate.h"

#include <stdlib.h>

#define LEAST_S 0.01

void order_rate_note(struct order_rate *rate, uint64_t hits, double seconds)
{
	double now = seconds < LEAST_S ? 0 : (double)(hits - rate->hits) / seconds;

	rate->hits = hits;
	if (seconds < LEAST_S)
		return;
	rate->per_s = !rate->known || now > rate->per_s ? now : (rate->per_s + now) / 2;
	rate->known = true;
}

/* Those of which nothing is known last. */
static int by_rate(const void *a, const void *b)
{
	const struct order_rate *x = *(struct order_rate *const *)a,
	                        *y = *(struct order_rate *const *)b;

	if (x->known != y->known)
		return x->known ? -1 : 1;
	return (x->per_s > y->per_s) - (x->per_s < y->per_s);
}

size_t order_rates_sort(struct order_rate **list, size_t count, double hits_per_s)
{
	double sum = 0;
	size_t more = 0;

	qsort(list, count, sizeof(*list), by_rate);
	for (size_t i = 0; i < count; i++) {
		list[i]->chosen = list[i]->known && sum + list[i]->per_s <= hits_per_s;
		sum += list[i]->per_s;
		more += list[i]->chosen && !list[i]->cold;
	}
	return more;
}
