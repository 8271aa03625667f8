/* SPDX-License-Identifier: MIT */
#include "core/model/enough.h"

#include "core/model/model_internal.h"

#define NOT_KNOWN (-1.0)

void enough_begin(struct enough *enough)
{
	*enough = (struct enough){.seconds_left = NOT_KNOWN};
}

static uint64_t ordered_pairs(const struct pair_counts *order)
{
	return order->under_lock + order->ordered;
}

static bool pairs_decided(const struct pair_counts *order)
{
	uint64_t ordered = ordered_pairs(order), all = pair_counts_all(order);

	return ordered >= ENOUGH_PAIRS && 2 * ordered >= all;
}

/* Seconds until a figure is at its goal, at this pace. */
static double left_until(double goal, double value, double pace)
{
	if (pace <= 0)
		return NOT_KNOWN;
	return value < goal ? (goal - value) / pace : 0;
}

/* Whichever way decides it first. Pairs of which most are unknown are not counted on. */
static double map_left(const struct map_row *row)
{
	double ordered = (double)ordered_pairs(&row->order);
	double by_overlaps =
	        left_until(MODEL_GUARDED_FROM, row->expected_overlaps, row->expected_pace);
	double by_pairs = 2 * ordered >= (double)pair_counts_all(&row->order)
	                          ? left_until(ENOUGH_PAIRS, ordered, row->ordered_pace)
	                          : NOT_KNOWN;

	if (by_overlaps < 0 || (by_pairs >= 0 && by_pairs < by_overlaps))
		return by_pairs;
	return by_overlaps;
}

/* The longest; one that is not known makes all of it not known. */
static double longer(double a, double b)
{
	if (a < 0 || b < 0)
		return NOT_KNOWN;
	return a > b ? a : b;
}

static void undecided_add(struct enough *enough, const struct map_row *row)
{
	bool first = enough->undecided++ == 0;

	if (first || row->expected_overlaps < enough->expected) {
		enough->expected = row->expected_overlaps;
		enough->weakest = row->number;
	}
	if (row->retired || row->ended)
		enough->over++;
	else if (enough->undecided - enough->over == 1)
		enough->seconds_left = map_left(row);
	else
		enough->seconds_left = longer(enough->seconds_left, map_left(row));
}

void enough_add(struct enough *enough, const struct map_row *row)
{
	if (row->verdict == VERDICT_SHARED || row->verdict == VERDICT_LOCAL)
		return;
	enough->maps++;
	if (row->verdict == VERDICT_SUSPECT && !pairs_decided(&row->order))
		undecided_add(enough, row);
}

void enough_end(struct enough *enough, const struct coverage_row *coverage)
{
	double time_left, operations_left;

	enough->watched_seconds = (double)coverage->watched_ns / 1e9;
	enough->armed_seconds = (double)coverage->armed_ns / 1e9;
	enough->operations = (double)coverage->value[COVERAGE_COUNTED];
	if (enough->undecided) {
		enough->lack = ENOUGH_LACKS_OVERLAPS;
		return;
	}
	if (enough->maps)
		return;
	time_left = left_until(ENOUGH_ARMED_SECONDS, enough->armed_seconds, coverage->armed_pace);
	operations_left = left_until(ENOUGH_OPERATIONS, enough->operations, coverage->counted_pace);
	enough->seconds_left = longer(time_left, operations_left);
	if (enough->operations < ENOUGH_OPERATIONS)
		enough->lack = ENOUGH_LACKS_OPERATIONS;
	else if (enough->armed_seconds < ENOUGH_ARMED_SECONDS)
		enough->lack = ENOUGH_LACKS_TIME;
}

void enough_of(const struct model *model, struct enough *enough)
{
	const struct coverage_row *before = &model->at_reset;
	struct coverage_row since = model->coverage;

	since.watched_ns -= before->watched_ns;
	since.armed_ns -= before->armed_ns;
	since.value[COVERAGE_COUNTED] -= before->value[COVERAGE_COUNTED];
	enough_begin(enough);
	for (size_t i = 0; i < model->entries.count; i++) {
		const struct map_row *row = model->entries.rows[i];

		if (!row->forgotten)
			enough_add(enough, row);
	}
	enough_end(enough, &since);
}

bool enough_settled(const struct enough *enough)
{
	return enough->watched_seconds >= ENOUGH_SETTLED_SECONDS &&
	       (enough_seen(enough) || (enough->undecided && enough->undecided == enough->over));
}
