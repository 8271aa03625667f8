/* SPDX-License-Identifier: MIT */
/* What a watch did not get to see, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/report/snapshot.h"

/* Append ", N things what" to the text; nothing where N is 0. */
static void gap_add(char out[SNAPSHOT_GAPS_MAX], uint64_t count, const char *one, const char *many)
{
	size_t length = strlen(out);

	if (count)
		snprintf(out + length, SNAPSHOT_GAPS_MAX - length, "%s%" PRIu64 " %s",
		         length ? ", " : "", count, count == 1 ? one : many);
}

bool snapshot_gaps(const struct model *model, const struct snapshot_context *context,
                   char out[SNAPSHOT_GAPS_MAX])
{
	const struct coverage_row *coverage = model_coverage(model);

	out[0] = '\0';
	gap_add(out, coverage->lost, "event lost", "events lost");
	gap_add(out, coverage->value[COVERAGE_TABLE_UNREAD], "of them a kernel table not read",
	        "of them kernel tables not read");
	gap_add(out, model_dropped(model), "event found no room", "events found no room");
	gap_add(out, context->skip_count, "function not probed", "functions not probed");
	return out[0];
}
