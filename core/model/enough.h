/* SPDX-License-Identifier: MIT */
/*
 * enough: is what was seen enough to say that there is no conflict, and if not, how much longer
 * will it take?
 *
 * A map that several goroutines use and one changes is decided when something was found on it, when
 * it is guarded (MODEL_GUARDED_FROM overlaps were to be expected, none was seen), or when
 * ENOUGH_PAIRS pairs of accesses to it were seen to be ordered and no more than as many are
 * unknown. Enough was seen when each such map is decided.
 *
 * Where there is no such map at all, that says something only of a program that was looked at while
 * it used maps. Both bounds leave less than exp(-5) = 0.7 % to luck, as for a guarded map: in
 * ENOUGH_ARMED_SECONDS with the probes in place what happens five times a second is missed, and
 * among ENOUGH_OPERATIONS what is one in twenty of them.
 *
 * Pure apart from enough_of(), which asks a model and belongs to its thread.
 */
#ifndef GOMAPTOP_CORE_ENOUGH_H
#define GOMAPTOP_CORE_ENOUGH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model/model.h"

#define ENOUGH_PAIRS         100
#define ENOUGH_ARMED_SECONDS 1.0
#define ENOUGH_OPERATIONS    100
#define ENOUGH_SETTLED_SECONDS \
	5.0 /* of watching: before, the maps of the program have hardly shown themselves */

enum enough_lack {
	ENOUGH_LACKS_NOTHING,
	ENOUGH_LACKS_OVERLAPS,   /* a map is undecided */
	ENOUGH_LACKS_OPERATIONS, /* no map is shared and changed, and there was little to see */
	ENOUGH_LACKS_TIME,       /* likewise, and the probes were in place for too short a time */
};

struct enough {
	enum enough_lack lack;
	size_t maps;          /* shared and changed, findings included */
	size_t undecided;     /* of these */
	size_t over;          /* of the undecided: ended, or not used any more */
	unsigned int weakest; /* number of the undecided map with the fewest overlaps expected */
	double expected;      /* overlaps that were to be expected on that one */
	double watched_seconds, armed_seconds, operations;
	/* Until it is enough, at the pace of the last part of the watch; negative: not known, or
	 * never. */
	double seconds_left;
};

void enough_begin(struct enough *enough);
void enough_add(struct enough *enough, const struct map_row *row);
void enough_end(struct enough *enough, const struct coverage_row *coverage);

/* All three, on the maps of a model that are in its lists, and on what was seen since the last
 * model_reset(). */
void enough_of(const struct model *model, struct enough *enough);

static inline bool enough_seen(const struct enough *enough)
{
	return enough->lack == ENOUGH_LACKS_NOTHING;
}

/* Watching on decides nothing more: enough was seen, or as much as will be seen of maps that have
 * ended or are not used any more. */
bool enough_settled(const struct enough *enough);

#endif
