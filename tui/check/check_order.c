/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>

#include "tui/check/check_parts.h"

/* 1735 is "1,735". */
static void number_put(size_t number, char *out, size_t size)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%zu", number), used = 0;

	for (size_t i = 0; i < length && used + 2 < size; i++) {
		if (i && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
}

static void fact_complete(struct check_report *report)
{
	const struct order_plan *order = &report->order;
	char found[32], wanted[32], value[80];

	number_put(order->count, found, sizeof(found));
	number_put(order->count + order->missed_count, wanted, sizeof(wanted));
	snprintf(value, sizeof(value), "%s of %s", found, wanted);
	if (!order->missed_count)
		check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "order_sites", "order sites",
		               check_value_text(value),
		               "locks, unlocks, atomics and functions that order goroutines; each "
		               "call of a lock's slow half belongs to one");
	else
		check_fact_add(report, CHECK_PROGRAM, CHECK_NOTE, "order_sites", "order sites",
		               check_value_text(value),
		               "the first that is missing: %s at 0x%" PRIx64 ", %s; a build with "
		               "the compiler's usual optimisations has them all",
		               order->missed[0].what, order->missed[0].addr, order->missed[0].why);
}

void check_order_gather(struct check_report *report, const struct check_target *target)
{
	struct error err;
	int rc = order_plan_make(target->binary, &report->order, &err);

	if (rc == -ENOMEM) {
		report->failed = true;
		return;
	}
	if (rc) {
		check_fact_add(report, CHECK_PROGRAM, CHECK_NOTE, "order_sites", "order sites",
		               CHECK_VALUE_NULL, "%s", err.text);
		return;
	}
	report->order_known = true;
	fact_complete(report);
}
