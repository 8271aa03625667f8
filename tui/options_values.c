/* SPDX-License-Identifier: MIT */
/* Readers of the options' values. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tui/options_internal.h"

static const struct {
	const char *name;
	double ns;
} TIME_UNITS[] = {
        {"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"m", 60e9}, {"h", 3600e9},
};

#define TIME_MAX_NS (1000.0 * 24 * 3600 * 1e9)

int time_parse(const char *text, uint64_t *ns, struct error *err)
{
	char *unit;
	double value;
	size_t i;

	/* strtod() alone would also take blanks, signs, hexadecimal, "inf" and "nan". */
	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
		goto invalid;
	value = strtod(text, &unit);
	for (i = 0; i < sizeof(TIME_UNITS) / sizeof(TIME_UNITS[0]); i++) {
		if (strcmp(unit, TIME_UNITS[i].name) != 0)
			continue;
		value *= TIME_UNITS[i].ns;
		if (value > TIME_MAX_NS)
			return error_set(err, EINVAL,
			                 "'%s' is more than 1000 days: give a shorter time", text);
		*ns = (uint64_t)llround(value);
		return 0;
	}
invalid:
	return error_set(
	        err, EINVAL,
	        "'%s' is no time: write a number and ns, us, ms, s, m or h, as in 500ms; a "
	        "bare number is seconds",
	        text);
}

int time_range_parse(const char *text, uint64_t *min_ns, uint64_t *max_ns, struct error *err)
{
	const char *dots = strstr(text, "..");
	char first[32];
	int rc;

	if (!dots) {
		rc = time_parse(text, min_ns, err);
		*max_ns = *min_ns;
		return rc;
	}
	if ((size_t)(dots - text) >= sizeof(first))
		return error_set(err, EINVAL, "'%s' is no range: write MIN..MAX, as in 20us..1ms",
		                 text);
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = '\0';
	rc = time_parse(first, min_ns, err);
	if (!rc)
		rc = time_parse(dots + 2, max_ns, err);
	if (!rc && *min_ns > *max_ns)
		rc = error_set(err, EINVAL,
		               "'%s' runs backwards: write the shorter time first, as in "
		               "20us..1ms",
		               text);
	return rc;
}

int number_parse(const char *text, long min, long max, long *out, struct error *err)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || end == text || text[0] < '0' || text[0] > '9' || value < min ||
	    value > max)
		return error_set(err, EINVAL, "'%s' is no number from %ld to %ld: give one", text,
		                 min, max);
	*out = value;
	return 0;
}

int string_keep(char **slot, const char *text, struct error *err)
{
	if (!*text)
		return error_set(err, EINVAL, "an empty name names nothing: give a path");
	free(*slot);
	*slot = strdup(text);
	return *slot ? 0 : error_set(err, ENOMEM, "out of memory: free some and try again");
}
