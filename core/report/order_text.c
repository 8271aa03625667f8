/* SPDX-License-Identifier: MIT */
#include "core/report/order_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 32

/* 1735 is "1,735". */
static const char *number(uint64_t value, char out[NUMBER_MAX])
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, value), used = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

void order_pairs_text(const struct pair_counts *order, char *text, size_t size)
{
	uint64_t all = pair_counts_all(order);
	uint64_t open =
	        all - order->under_lock - order->ordered - order->unknown - order->unordered;
	char n[5][NUMBER_MAX], waiting[NUMBER_MAX + 32] = "";

	*text = '\0';
	if (!all)
		return;
	if (open)
		snprintf(waiting, sizeof(waiting), ", %s not decided yet", number(open, n[0]));
	snprintf(text, size,
	         "%s pair%s: %s under one lock, %s ordered otherwise, %s unknown, %s unordered%s",
	         number(all, n[0]), all == 1 ? "" : "s", number(order->under_lock, n[1]),
	         number(order->ordered, n[2]), number(order->unknown, n[3]),
	         number(order->unordered, n[4]), waiting);
}

/* ", taken at ledger.go:88 main.f": before and line and function, as far as they are known. */
static void place_add(const char *before, const struct frame *frame, char *text, size_t size)
{
	size_t used = strlen(text);
	const char *file = frame->file ? frame->file : "", *slash = strrchr(file, '/');

	if (!frame->function && !frame->pc)
		return;
	if (!frame->function)
		snprintf(text + used, size - used, "%s0x%" PRIx64, before, frame->pc);
	else if (*file)
		snprintf(text + used, size - used, "%s%s:%d %s", before, slash ? slash + 1 : file,
		         frame->line, frame->function);
	else
		snprintf(text + used, size - used, "%s%s", before, frame->function);
}

void order_guard_text(const struct map_guard *guard, char *text, size_t size)
{
	char seen[NUMBER_MAX], under[NUMBER_MAX];

	*text = '\0';
	if (!map_guard_known(guard))
		return;
	number(guard->accesses, seen);
	if (!guard->lock) {
		snprintf(text, size, "none is common to the %s accesses seen", seen);
		return;
	}
	snprintf(text, size, "%s of %s accesses seen were under 0x%" PRIx64,
	         number(guard->accesses - guard->bare, under), seen, guard->lock);
	place_add(", taken at ", &guard->taken, text, size);
}

void order_bare_text(const struct map_guard *guard, char *text, size_t size)
{
	*text = '\0';
	if (map_guard_known(guard) && guard->lock && guard->bare)
		place_add("last at ", &guard->bare_at, text, size);
}
