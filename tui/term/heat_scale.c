/* SPDX-License-Identifier: MIT */
#include "tui/term/heat_scale.h"

#include "tui/term/style.h"

static const struct {
	double from;
	const char *text;
} levels[HEAT_LEVELS] = {
        {0, "0"}, {0.03, ".03"}, {0.1, ".1"}, {0.3, ".3"},  {1, "1"},
        {3, "3"}, {10, "10"},    {30, "30"},  {100, "100"},
};

int heat_level(double rate, uint64_t conflicts)
{
	int level = HEAT_LEVELS;

	if (!conflicts && !(rate > 0))
		return 0;
	while (level > 1 && !(rate > levels[level - 1].from))
		level--;
	return level;
}

const char *heat_level_from(int level)
{
	return levels[level - 1].text;
}
