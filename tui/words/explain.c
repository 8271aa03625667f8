/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/plural.h"
#include "core/event/trouble.h"
#include "tui/words/format.h"

#define LINE_MAX_BYTES 96

static uint64_t coverage(const struct rows *rows, enum coverage_field field)
{
	return rows->coverage.value[field];
}

const char *explain_no_maps(const struct rows *rows, bool gone, char *out)
{
	char hits[FORMAT_MAX], when[FORMAT_MAX];

	if (gone)
		snprintf(out, EXPLAIN_MAX, "The target ended before it used a map. q leaves.");
	else if (rows->waiting[0])
		snprintf(out, EXPLAIN_MAX, "%s.", rows->waiting);
	else if (!rows->coverage.watched_ns)
		snprintf(out, EXPLAIN_MAX, "Waiting for the first counts from the kernel...");
	else if (rows->coverage.trouble)
		snprintf(out, EXPLAIN_MAX, "No probe is in place: %s.",
		         trouble_words(rows->coverage.trouble));
	else if (!rows->target_count && !coverage(rows, COVERAGE_HITS))
		snprintf(out, EXPLAIN_MAX,
		         "No process runs this program yet: one that starts is watched by itself.");
	else if (coverage(rows, COVERAGE_HITS))
		snprintf(out, EXPLAIN_MAX,
		         "%s probe hit%s, none counted for a map of the target yet.",
		         format_count(coverage(rows, COVERAGE_HITS), hits),
		         plural(coverage(rows, COVERAGE_HITS)));
	else
		snprintf(out, EXPLAIN_MAX,
		         "No map operation seen for %s: the target is idle or does not use maps. "
		         "Send it some work.",
		         format_duration(rows->coverage.watched_ns, when));
	return out;
}

const char *explain_filtered(size_t total, const char *name, const struct pattern *filter,
                             char *out)
{
	char count[FORMAT_MAX];

	if (pattern_is_empty(filter)) {
		snprintf(out, EXPLAIN_MAX,
		         "None of the %s %s has a conflict in the range that was picked. u lifts "
		         "it.",
		         format_count(total, count), name);
		return out;
	}
	snprintf(out, EXPLAIN_MAX,
	         "None of the %s %s matches the filter \"%s\". u takes the filter back, \\ changes "
	         "it.",
	         format_count(total, count), name, filter->text);
	return out;
}

const char *explain_no_goroutines(const struct rows *rows, bool gone, char *out)
{
	if (!rows->map_count)
		return explain_no_maps(rows, gone, out);
	snprintf(out, EXPLAIN_MAX,
	         "No goroutine has been told apart yet; they come with the next "
	         "counts.");
	return out;
}

/* Holds and expectation of one map, or of all. */
static void evidence(const struct rows *rows, const struct map_row *map, uint64_t *holds,
                     double *expected)
{
	*holds = map ? map->stalls : coverage(rows, COVERAGE_STALLS);
	*expected = map ? map->expected_overlaps : 0;
	for (size_t i = 0; !map && i < rows->map_count; i++)
		*expected += rows->maps[i]->expected_overlaps;
}

const char *explain_no_conflicts(const struct rows *rows, const struct map_row *map, char *out)
{
	char holds_text[FORMAT_MAX], lost[FORMAT_MAX];
	uint64_t holds, unordered = map ? map->order.unordered : rows->unordered_total;
	double expected;

	evidence(rows, map, &holds, &expected);
	format_count(holds, holds_text);
	if (unordered)
		snprintf(out, EXPLAIN_MAX,
		         "No overlap seen yet: %s hold%s, %.1f overlaps expected. %s unordered "
		         "pair%s seen.",
		         holds_text, plural(holds), expected, format_count(unordered, lost),
		         plural_word(unordered, " was", "s were"));
	else if (rows_lost(rows))
		snprintf(out, EXPLAIN_MAX,
		         "None seen, %s event%s lost: a conflict may be among them (%s hold%s, "
		         "%.1f overlaps expected).",
		         format_count(rows_lost(rows), lost), plural(rows_lost(rows)), holds_text,
		         plural(holds), expected);
	else
		snprintf(out, EXPLAIN_MAX,
		         "No conflict seen yet: %s hold%s, %.1f overlaps expected.", holds_text,
		         plural(holds), expected);
	return out;
}

const char *explain_no_chains(const struct rows *rows, const struct map_row *map, char *out)
{
	char lost[FORMAT_MAX];

	if (!map)
		snprintf(out, EXPLAIN_MAX, "No map is selected.");
	else if (coverage(rows, COVERAGE_STACK_FAILED))
		snprintf(out, EXPLAIN_MAX,
		         "No call chain yet; %s could not be walked and are lost.",
		         format_count(coverage(rows, COVERAGE_STACK_FAILED), lost));
	else
		snprintf(out, EXPLAIN_MAX,
		         "No call chain yet: chains come with accesses that are held, and none "
		         "was held on this map so far.");
	return out;
}

/* What was looked at in order windows says more of a map than little held time. */
static void explain_ordered(const struct map_row *map, char *out)
{
	char pairs[FORMAT_MAX], ordered[FORMAT_MAX], unknown[FORMAT_MAX];
	const struct pair_counts *order = &map->order;

	snprintf(out, EXPLAIN_MAX,
	         "Several goroutines use it and at least one changes it. No overlap and no "
	         "unordered pair was seen: of %s pairs of accesses that were looked at %s were "
	         "ordered, of %s that is not known. Not an accusation.",
	         format_count(order->pairs, pairs),
	         format_count(order->under_lock + order->ordered, ordered),
	         format_count(order->pairs - order->under_lock - order->ordered, unknown));
}

static void explain_unseen(const struct map_row *map, const struct rows *rows, char *out)
{
	char holds[FORMAT_MAX], lost[FORMAT_MAX], luck[64] = "";
	bool guarded = map->verdict == VERDICT_GUARDED;

	if (guarded)
		snprintf(luck, sizeof(luck), " The chance of that by luck is %.2g %%.",
		         100 * exp(-map->expected_overlaps));
	if (rows_lost(rows))
		snprintf(lost, sizeof(lost), "none was seen");
	else
		snprintf(lost, sizeof(lost), "no overlap was seen");
	snprintf(out, EXPLAIN_MAX,
	         "Several goroutines use it and at least one changes it; %s in %s hold%s, where "
	         "%.1f overlaps were to be expected if nothing kept them apart.%s%s",
	         lost, format_count(map->stalls, holds), plural(map->stalls),
	         map->expected_overlaps, luck,
	         guarded ? "" : " Not an accusation: too little held time to tell.");
}

/* The finding that comes first of those on this map; NULL: no row is kept of any. */
static const struct conflict_row *first_finding(const struct rows *rows, const struct map_row *map)
{
	for (size_t i = 0; i < rows->conflict_count; i++)
		if (rows->conflicts[i]->map && rows->conflicts[i]->map->number == map->number)
			return rows->conflicts[i];
	return NULL;
}

/* The lock that the other accesses are under, where one is known: the guard to share. */
static void lock_words(const struct map_guard *guard, char *out, size_t size)
{
	char line[LINE_MAX_BYTES];

	if (map_guard_known(guard) && guard->lock && guard->taken.function)
		snprintf(out, size, "the lock that is taken at %s",
		         format_line(&guard->taken, line, sizeof(line)));
	else
		snprintf(out, size, "the same lock");
}

const char *explain_remedy(const struct rows *rows, const struct map_row *map, char *out)
{
	const struct conflict_row *finding = first_finding(rows, map);
	char a[LINE_MAX_BYTES], b[LINE_MAX_BYTES], lock[LINE_MAX_BYTES + 32];

	*out = '\0';
	if (!finding || !finding->a.chain_length)
		return out;
	format_line(&finding->a.chain[0], a, sizeof(a));
	lock_words(&map->guard, lock, sizeof(lock));
	if (!explain_side_is_known(finding, &finding->b) || !finding->b.chain_length) {
		snprintf(out, EXPLAIN_MAX, "To do: %s, and all else that uses the map, under %s.",
		         a, lock);
		return out;
	}
	format_line(&finding->b.chain[0], b, sizeof(b));
	if (strcmp(a, b) == 0)
		snprintf(out, EXPLAIN_MAX, "To do: %s under %s each time.", a, lock);
	else
		snprintf(out, EXPLAIN_MAX, "To do: %s and %s under %s.", a, b, lock);
	return out;
}

const char *explain_verdict(const struct rows *rows, const struct map_row *map, char *out)
{
	char count[FORMAT_MAX], holds[FORMAT_MAX], remedy[EXPLAIN_MAX];

	explain_remedy(rows, map, remedy);
	if (map->verdict == VERDICT_CONFLICT)
		snprintf(out, EXPLAIN_MAX,
		         "Proven: two goroutines were inside operations on this map at the same "
		         "time and one changed it. Seen %s time%s in %s hold%s (%.1f expected). "
		         "%.200s",
		         format_count(map->conflicts, count), plural(map->conflicts),
		         format_count(map->stalls, holds), plural(map->stalls),
		         map->expected_overlaps, remedy);
	else if (map->verdict == VERDICT_UNORDERED)
		snprintf(out, EXPLAIN_MAX,
		         "Two goroutines used it with nothing between them that orders them: no "
		         "lock, channel, start, wake-up, atomic. Seen %s time%s; not caught at "
		         "the same time in %s hold%s (%.1f overlaps expected). %.200s",
		         format_count(map->order.unordered, count), plural(map->order.unordered),
		         format_count(map->stalls, holds), plural(map->stalls),
		         map->expected_overlaps, remedy);
	else if (map->verdict == VERDICT_SHARED)
		snprintf(out, EXPLAIN_MAX,
		         "Several goroutines use it and nobody was seen to change it: reading "
		         "together is safe.");
	else if (map->verdict == VERDICT_LOCAL)
		snprintf(out, EXPLAIN_MAX, "One goroutine was seen to use it.");
	else if (map->verdict == VERDICT_SUSPECT && map->order.pairs && !rows_lost(rows))
		explain_ordered(map, out);
	else
		explain_unseen(map, rows, out);
	return out;
}

const char *explain_map_name(const struct map_row *map, char *out, size_t size)
{
	char function[512];

	if (map->type)
		snprintf(out, size, "%s", map->type);
	else if (map->first_use.function)
		snprintf(out, size, "in %s",
		         format_function(&map->first_use, function, sizeof(function)));
	else
		snprintf(out, size, "map at 0x%" PRIx64, map->addr);
	return out;
}

bool explain_side_is_known(const struct conflict_row *conflict, const struct side *side)
{
	return conflict->evidence != EVIDENCE_FATAL || side == &conflict->a;
}
