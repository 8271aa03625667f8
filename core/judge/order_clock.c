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

static void block_ways(uint8_t *restrict ways, const int32_t *restrict to,
                       const int32_t *restrict from, uint8_t way)
{
	for (size_t i = 0; i < ORDER_BLOCK; i++)
		ways[i] = from[i] > to[i] ? way : ways[i];
}

/* A loop of fixed length, as above, with the bytes beside it. */
bool order_clock_learn(struct order_clock *to, const struct order_clock *from, size_t slots,
                       struct order_ways *ways, uint8_t way)
{
	bool changed = false;

	if (to == from)
		return false;
	for (size_t i = 0; i < slots; i += ORDER_BLOCK) {
		block_ways(&ways->by[i], &to->at[i], &from->at[i], way);
		changed |= block_join(&to->at[i], &from->at[i]) != 0;
	}
	return changed;
}
