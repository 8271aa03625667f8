/* SPDX-License-Identifier: MIT */
#include "core/model/expectation.h"

double expectation_add(struct expectation *e, int class, uint64_t hold_ns, int64_t control_ns,
                       uint64_t arrivals)
{
	double held, watched, overlaps;

	e->hold_ns[class] += (int64_t)hold_ns;
	e->control_ns[class] += control_ns;
	e->arrivals[class] += arrivals;
	if (e->control_ns[class] < EXPECTATION_CONTROL_NS)
		return 0;
	held = (double)e->hold_ns[class];
	watched = (double)e->control_ns[class];
	if (held > EXPECTATION_HELD_MOST * watched)
		held = EXPECTATION_HELD_MOST * watched;
	overlaps = held * (double)e->arrivals[class] / watched;
	e->hold_ns[class] = e->control_ns[class] = 0;
	e->arrivals[class] = 0;
	return overlaps;
}

double expectation_merge(struct expectation *into, const struct expectation *from)
{
	double overlaps = 0;

	for (int class = 0; class < 2; class ++)
		overlaps += expectation_add(into, class, (uint64_t)from->hold_ns[class],
		                            from->control_ns[class], from->arrivals[class]);
	return overlaps;
}
