/* SPDX-License-Identifier: MIT */
#include "core/model/op_rate.h"

#include <math.h>

/* Windows of the last few seconds count, the older the less; */
#define MEMORY_SECONDS 4.0
/* where they are few, so many seconds of them in all, or a rate would rest on a handful of
 * operations. */
#define MEMORY_SAMPLED 0.05

/* Of the time before this interval, how much still counts. */
static double sampled_kept(const struct op_rate *rate, const struct tick_span *span)
{
	double kept = rate->sampled * exp(-span->seconds / MEMORY_SECONDS);
	double least = fmin(rate->sampled, MEMORY_SAMPLED - span->sampled);
	double most = fmax(MEMORY_SECONDS * span->sampled / span->seconds, MEMORY_SAMPLED);

	return fmin(fmax(kept, least), most);
}

double op_rate_tick(struct op_rate *rate, uint64_t ops, const struct tick_span *span)
{
	uint64_t outside = rate->outside < ops ? rate->outside : ops;
	double kept;

	rate->outside = 0;
	if (span->whole) {
		rate->ops = (double)ops;
		rate->sampled = span->seconds;
		return (double)ops / span->seconds;
	}
	kept = sampled_kept(rate, span);
	rate->ops = (rate->sampled > 0 ? rate->ops * kept / rate->sampled : 0) +
	            (double)(ops - outside);
	rate->sampled = kept + span->sampled;
	return rate->sampled > 0 ? rate->ops / rate->sampled : 0;
}

void op_rate_merge(struct op_rate *into, const struct op_rate *from)
{
	into->outside += from->outside;
	into->ops += from->ops;
	if (from->sampled > into->sampled)
		into->sampled = from->sampled;
}

void op_rate_end(struct op_rate *rate)
{
	*rate = (struct op_rate){0};
}
