/* SPDX-License-Identifier: MIT */
#include "core/report/rate_text.h"

#include <stdio.h>

#include "core/base/thousands.h"
#include "core/model/op_rate.h"

static const char *rate_put(double rate, bool estimated, char out[RATE_TEXT_MAX])
{
	const char *unit = thousands(&rate);
	bool fraction = *unit ? rate < 99.5 : rate > 0 && rate < 9.95;

	snprintf(out, RATE_TEXT_MAX, fraction ? "%s%.1f%s ops/s" : "%s%.0f%s ops/s",
	         estimated && rate > 0 ? "~" : "", rate, unit);
	return out;
}

const char *rate_text(const struct coverage_row *coverage, char out[RATE_TEXT_MAX])
{
	/* A rate of 0 is known: all processes have ended. */
	if (coverage->rate_seen || coverage->ops_rate == 0)
		return rate_put(coverage->ops_rate, coverage->rates_estimated, out);
	snprintf(out, RATE_TEXT_MAX, "ops/s not seen");
	return out;
}

const char *rate_average_text(const struct coverage_row *coverage, char out[RATE_TEXT_MAX])
{
	uint64_t ops = coverage->value[COVERAGE_COUNTED];
	uint64_t outside = coverage->value[COVERAGE_OUTSIDE];
	bool sampled = (double)coverage->armed_ns < ARMED_WHOLE * (double)coverage->watched_ns;

	uint64_t ns = sampled ? coverage->sampled_ns : coverage->watched_ns;

	if (sampled && outside <= ops)
		ops -= outside;
	if (ns)
		return rate_put((double)ops * 1e9 / (double)ns, sampled, out);
	snprintf(out, RATE_TEXT_MAX, "ops/s not seen");
	return out;
}
