/* SPDX-License-Identifier: MIT */
#include "core/judge/order_clock.h"

/* A loop of fixed length, which compilers make of vector instructions. */
static int32_t block_join(int32_t *restrict to, const int32_t *restrict from)
{
	int32_t changed = 0;

	for (size_t i = 0; i < ORDER_BLOCK; i++) {
		int32_t higher = from[i] > to[i] ? from[i] : to[i];

		changed |= higher ^ to[i];
		to[i] = higher;
	}
	return changed;
}

bool order_clock_join(struct order_clock *to, const struct order_clock *from, size_t slots)
{
	int32_t changed = 0;

	if (to == from)
		return false;
	for (size_t i = 0; i < slots; i += ORDER_BLOCK)
		changed |= block_join(&to->at[i], &from->at[i]);
	return changed != 0;
}
