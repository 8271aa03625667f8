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
	const struct {
		uint64_t count;
		const char *words;
		bool always;
	} parts[] = {
	        {order->under_lock, "under one lock", false},
	        {order->ordered, "ordered otherwise", false},
	        {order->unknown, "unknown", false},
	        {order->unordered, "unordered", true},
	        {all - order->under_lock - order->ordered - order->unknown - order->unordered,
	         "not decided yet", false},
	};
	const char *before = ": ";
	char n[NUMBER_MAX];

	*text = '\0';
	if (!all)
		return;
	snprintf(text, size, "%s", number(all, n));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t used = strlen(text);

		if (!parts[i].count && !parts[i].always)
			continue;
		snprintf(text + used, size - used, "%s%s %s", before, number(parts[i].count, n),
		         parts[i].words);
		before = ", ";
	}
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
