/* SPDX-License-Identifier: MIT */
#include "core/model/pace.h"

#include <stdbool.h>

void pace_tick(struct pace *pace, double seconds, double value)
{
	bool restart = value < pace->older_value;

	if (restart) {
		*pace = (struct pace){.older_value = value, .newer_value = value, .value = value};
		return;
	}
	pace->value = value;
	pace->older += seconds;
	pace->newer += seconds;
	if (pace->newer < PACE_SECONDS)
		return;
	pace->older = pace->newer;
	pace->older_value = pace->newer_value;
	pace->newer = 0;
	pace->newer_value = value;
}

double pace_of(const struct pace *pace)
{
	if (pace->older < PACE_KNOWN_SECONDS)
		return PACE_UNKNOWN;
	return (pace->value - pace->older_value) / pace->older;
}

void pace_shift(struct pace *pace, double by)
{
	pace->older_value += by;
	pace->newer_value += by;
	pace->value += by;
}
