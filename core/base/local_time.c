/* SPDX-License-Identifier: MIT */
#include "core/base/local_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)

/* "Z", or "+01:00" of tm_gmtoff. */
static void zone_add(const struct tm *when, char *out, size_t size)
{
	long minutes = when->tm_gmtoff / 60, positive = minutes < 0 ? -minutes : minutes;

	if (!when->tm_gmtoff)
		snprintf(out, size, "Z");
	else
		snprintf(out, size, "%c%02ld:%02ld", minutes < 0 ? '-' : '+', positive / 60,
		         positive % 60);
}

static const char *format_as(const char *format, uint64_t realtime_ns, char out[LOCAL_TIME_MAX])
{
	time_t seconds = (time_t)(realtime_ns / SECOND_NS);
	struct tm when;
	size_t used;

	if (!localtime_r(&seconds, &when))
		memset(&when, 0, sizeof(when));
	used = strftime(out, LOCAL_TIME_MAX, format, &when);
	snprintf(out + used, LOCAL_TIME_MAX - used, ".%06u",
	         (unsigned int)(realtime_ns % SECOND_NS / 1000));
	used = strlen(out);
	zone_add(&when, out + used, LOCAL_TIME_MAX - used);
	return out;
}

const char *local_time_format(uint64_t realtime_ns, char out[LOCAL_TIME_MAX])
{
	return format_as("%Y-%m-%d %H:%M:%S", realtime_ns, out);
}

const char *local_clock_format(uint64_t realtime_ns, char out[LOCAL_TIME_MAX])
{
	return format_as("%H:%M:%S", realtime_ns, out);
}
