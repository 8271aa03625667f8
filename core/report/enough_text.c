/* SPDX-License-Identifier: MIT */
#include "core/report/enough_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIGURE_MAX 32

/* Rounded down, so that what is below the goal never reads as the goal. */
static const char *figure(double value, char out[FIGURE_MAX])
{
	if (value >= 0.1)
		snprintf(out, FIGURE_MAX, "%.1f", floor(value * 10) / 10);
	else if (value >= 0.0001)
		snprintf(out, FIGURE_MAX, "%.1g", value);
	else
		snprintf(out, FIGURE_MAX, "0");
	return out;
}

/* "about 4 min", rounded up; empty: it is not known. */
static const char *time_left(const struct enough *enough, char out[FIGURE_MAX])
{
	static const struct {
		double seconds, below;
		const char *unit;
	} units[] = {{1, 90, "s"}, {60, 90 * 60, "min"}, {3600, 48 * 3600, "h"}};
	double left = enough->seconds_left;

	*out = '\0';
	if (left < 0)
		return out;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (left < units[i].below) {
			left = left < 1 ? 1 : ceil(left / units[i].seconds);
			snprintf(out, FIGURE_MAX, "about %.0f %s", left, units[i].unit);
			return out;
		}
	if (left < 1000.0 * 24 * 3600)
		snprintf(out, FIGURE_MAX, "about %.0f days", ceil(left / (24 * 3600)));
	else
		snprintf(out, FIGURE_MAX, "over 1000 days");
	return out;
}

__attribute__((format(printf, 2, 3))) static void add(char text[ENOUGH_TEXT_MAX],
                                                      const char *format, ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + used, ENOUGH_TEXT_MAX - used, format, ap);
	va_end(ap);
}

/* One map, or as few as on the weakest of several. */
static void overlaps_add(const struct enough *enough, char *text)
{
	char expected[FIGURE_MAX];
	bool several = enough->undecided > 1;

	figure(enough->expected, expected);
	add(text, "%s overlaps were to be expected", expected);
	if (several)
		add(text, " if nothing guarded these maps (m%u, the least of %zu undecided)",
		    enough->weakest, enough->undecided);
	else
		add(text, " if nothing guarded this map (m%u)", enough->weakest);
	add(text, "; %.0f are needed%s to say more", MODEL_GUARDED_FROM, several ? " on each" : "");
}

/* Where all that is undecided is over, time does not help. */
static void time_add(const struct enough *enough, char *text)
{
	char left[FIGURE_MAX];

	if (enough->over && enough->over == enough->undecided) {
		add(text, ", and %s not used any more", enough->over > 1 ? "they are" : "it is");
		return;
	}
	if (*time_left(enough, left))
		add(text, ": %s at this rate", left);
	if (enough->over)
		add(text, "; %zu of them %s not used any more", enough->over,
		    enough->over == 1 ? "is" : "are");
}

const char *enough_text(const struct enough *enough, char text[ENOUGH_TEXT_MAX])
{
	*text = '\0';
	if (enough_seen(enough)) {
		add(text, "no conflicts seen");
		return text;
	}
	add(text, "none seen; ");
	if (enough->lack == ENOUGH_LACKS_OVERLAPS)
		overlaps_add(enough, text);
	else if (enough->lack == ENOUGH_LACKS_TIME)
		add(text,
		    "no map was seen to be used by two goroutines and changed, but the probes were "
		    "in place for %.2g s; %.0f s are needed to say more",
		    floor(enough->armed_seconds * 100) / 100, ENOUGH_ARMED_SECONDS);
	else if (enough->operations < 1)
		add(text, "no map operation was seen; %d are needed to say more",
		    ENOUGH_OPERATIONS);
	else
		add(text,
		    "only %.0f map operation%s seen, on no map that two goroutines use and one "
		    "changes; %d are needed to say more",
		    enough->operations, enough->operations > 1 ? "s were" : " was",
		    ENOUGH_OPERATIONS);
	time_add(enough, text);
	return text;
}

/* What is there of what is needed, without and with its unit. */
static void part_add(const struct enough *enough, bool unit, char *text)
{
	char expected[FIGURE_MAX];

	if (enough->lack == ENOUGH_LACKS_OVERLAPS)
		add(text, "%s of %.0f%s expected", figure(enough->expected, expected),
		    MODEL_GUARDED_FROM, unit ? " overlaps" : "");
	else if (enough->lack == ENOUGH_LACKS_TIME)
		add(text, "armed for %.2g of %.0f s", floor(enough->armed_seconds * 100) / 100,
		    ENOUGH_ARMED_SECONDS);
	else
		add(text, "%.0f of %d %s", enough->operations, ENOUGH_OPERATIONS,
		    unit ? "map operations" : "operations");
}

const char *enough_short(const struct enough *enough, int level, char text[ENOUGH_TEXT_MAX])
{
	char left[FIGURE_MAX];

	*text = '\0';
	if (level >= ENOUGH_LEVELS)
		return NULL;
	if (enough_seen(enough)) {
		add(text, "no conflict seen");
		return text;
	}
	add(text, "none seen");
	if (level == ENOUGH_LEVELS - 1)
		return text;
	add(text, "; ");
	part_add(enough, level == 0, text);
	if (level < 2 && *time_left(enough, left))
		add(text, ", %s%s", left, level == 0 ? " more" : "");
	return text;
}
