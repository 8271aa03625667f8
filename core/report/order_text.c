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
	/* What was taken as both may be another lock at the same address. */
	static const char *const kinds[] = {[ORDER_TAKEN_MUTEX] = "Mutex ",
	                                    [ORDER_TAKEN_RWMUTEX] = "RWMutex ",
	                                    [ORDER_TAKEN_MUTEX | ORDER_TAKEN_RWMUTEX] = "",
	                                    [0] = ""};
	char seen[NUMBER_MAX], under[NUMBER_MAX];

	*text = '\0';
	if (!map_guard_known(guard))
		return;
	number(guard->accesses, seen);
	if (!guard->lock) {
		snprintf(text, size, "none is common to the %s accesses seen", seen);
		return;
	}
	snprintf(text, size, "%s%s of %s accesses seen were under %s%s%s0x%" PRIx64,
	         guard->bare ? "" : "always: ", number(guard->accesses - guard->bare, under), seen,
	         kinds[guard->kinds & 3], guard->name ? guard->name : "", guard->name ? " at " : "",
	         guard->lock);
	place_add(", taken at ", &guard->taken, text, size);
}

void order_bare_text(const struct map_guard *guard, char *text, size_t size)
{
	*text = '\0';
	if (map_guard_known(guard) && guard->lock && guard->bare)
		place_add("last at ", &guard->bare_at, text, size);
}

void order_how_text(const struct pair_counts *order, char *text, size_t size)
{
	static const char *const words[ORDER_WAY_COUNT] = {
	        [ORDER_BY_OTHER] = "in other ways",
	        [ORDER_BY_LOCK] = "by locks one after the other",
	        [ORDER_BY_CHANNEL] = "by channel",
	        [ORDER_BY_CREATION] = "by go statement",
	        [ORDER_BY_WAITGROUP] = "by WaitGroup",
	        [ORDER_BY_COND] = "by Cond",
	        [ORDER_BY_WAKE] = "by wake-up",
	        [ORDER_BY_TIMER] = "by timer",
	        [ORDER_BY_ATOMICS] = "unknown for atomics",
	        [ORDER_BY_C_CODE] = "unknown for C code",
	        [ORDER_BY_DESCRIPTOR] = "unknown for pipes or sockets",
	        [ORDER_BY_UNSEEN] = "unknown for other reasons",
	};
	const char *before = "";
	char n[NUMBER_MAX];

	*text = '\0';
	for (size_t i = 0; i < ORDER_WAY_COUNT; i++) {
		size_t way = (i + 1) % ORDER_WAY_COUNT, used = strlen(text); /* OTHER comes last */

		if (!order->how[way])
			continue;
		snprintf(text + used, size - used, "%s%s %s", before, number(order->how[way], n),
		         words[way]);
		before = ", ";
	}
}

const char *order_reason_text(enum map_reason reason)
{
	static const char *const words[] = {
	        [REASON_NONE] = "", /* that of LOCK is order_guard_text() */
	        [REASON_LOCK] = "",
	        [REASON_CHANNEL] = "handed over by channel",
	        [REASON_CREATION] = "handed over by go statement",
	        [REASON_WAITGROUP] = "handed over by WaitGroup",
	        [REASON_COND] = "handed over by Cond",
	        [REASON_ATOMICS] = "perhaps ordered by atomics: cannot tell",
	};

	return words[reason];
}
