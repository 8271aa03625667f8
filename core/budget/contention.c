/* SPDX-License-Identifier: MIT */
#include "core/budget/contention.h"

#include <math.h>

#define FADE        (63.0 / 64) /* of what was seen before, with each window */
#define WINDOWS_MIN 6           /* fewer do not tell how much they differ */
#define WINDOW_MAX  2000.0      /* ms; in a longer one the load changes by itself, */
#define STEP        2.0         /* and so it did where the rates around differ that much */
#define SPENT_MIN   0.05        /* ms; of less nothing can be seen */
#define CERTAIN     0.3         /* standard error, as a part, of what is said to have been seen */

/* What is assumed: a normal distribution of which only what is above 1 can be. Its mean there is
 * CONTENTION_ASSUMED, nearly. */
#define ASSUMED_CENTRE 1.0
#define ASSUMED_ERROR  0.4

void contention_open(struct contention *c)
{
	*c = (struct contention){0};
}

/* ---- one window ---------------------------------------------------------------------- */

/* From one turn to the next; times are milliseconds. */
struct span {
	double ms, calls, cpu, hits, held;
};

static struct span span_between(const struct contention_reading *a,
                                const struct contention_reading *b)
{
	return (struct span){
	        .ms = (double)(b->now_ns - a->now_ns) / 1e6,
	        .calls = (double)(b->calls - a->calls),
	        .cpu = (double)(b->cpu_ns - a->cpu_ns) / 1e6,
	        .hits = (double)(b->hits_ns - a->hits_ns) / 1e6,
	        .held = (double)(b->held_ns - a->held_ns) / 1e6,
	};
}

static bool is_comparable(const struct span *before, const struct span *in,
                          const struct span *after)
{
	double a = before->calls * after->ms, b = after->calls * before->ms;

	return before->ms > 0 && in->ms > 0 && after->ms > 0 && in->ms <= WINDOW_MAX &&
	       before->calls > 0 && after->calls > 0 && a < STEP * b && b < STEP * a;
}

/* What is spent all the time, on probed calls, is no part of what the window cost. */
static double beyond(double in, double before, double after, const struct span *window,
                     const struct span *a, const struct span *b)
{
	return in - window->ms * (before / a->ms + after / b->ms) / 2;
}

/* CPU time a call before and after count alike, however long that was: where it grows or falls
 * evenly that makes no difference then. */
static void window_add(struct contention_sums *s, const struct span *before, const struct span *in,
                       const struct span *after)
{
	double call = (before->cpu / before->calls + after->cpu / after->calls) / 2;
	double spent = beyond(in->hits, before->hits, after->hits, in, before, after);
	double held = beyond(in->held, before->held, after->held, in, before, after);
	double lost = in->cpu - in->calls * call - held;
	double of_call = in->calls * in->calls * (1 / before->calls + 1 / after->calls) / 4;

	if (spent < SPENT_MIN)
		return;
	*s = (struct contention_sums){
	        .windows = s->windows * FADE + 1,
	        .lost = s->lost * FADE + lost,
	        .spent = s->spent * FADE + spent,
	        .lost_lost = s->lost_lost * FADE + lost * lost,
	        .lost_spent = s->lost_spent * FADE + lost * spent,
	        .spent_spent = s->spent_spent * FADE + spent * spent,
	        .chance = s->chance * FADE + call * call * (in->calls + 1 + of_call),
	};
}

void contention_turn(struct contention *c, const struct contention_reading *reading, bool in)
{
	struct span before, window, after;

	/* Marks at odd places are those of probes that go in: out of step, begin anew. */
	if ((c->marks % 2 == 1) != in)
		c->marks = 0;
	for (int i = 0; i < 3; i++)
		c->mark[i] = c->mark[i + 1];
	c->mark[3] = *reading;
	c->marks += c->marks || !in;
	if (!in || c->marks < 4)
		return;
	before = span_between(&c->mark[0], &c->mark[1]);
	window = span_between(&c->mark[1], &c->mark[2]);
	after = span_between(&c->mark[2], &c->mark[3]);
	if (is_comparable(&before, &window, &after))
		window_add(&c->sums, &before, &window, &after);
}

/* ---- all windows --------------------------------------------------------------------- */

/* Variance of lost : spent. What windows differ by tells it, and chance alone is the least. */
static double variance(const struct contention_sums *s)
{
	double factor = s->lost / s->spent, n = s->windows;
	double rest = s->lost_lost - 2 * factor * s->lost_spent + factor * factor * s->spent_spent;

	rest = fmax(rest, s->chance) * n / (n - 1);
	return rest / (s->spent * s->spent);
}

static double bounded(double factor)
{
	return fmin(fmax(factor, 1), CONTENTION_MOST);
}

/* Mean of a normal distribution of which only what is above 1 can be: noise that would have windows
 * win something is no reason to spend more. */
static double mean_above_one(double centre, double error)
{
	double from = (1 - centre) / error;
	double density = exp(-from * from / 2) / sqrt(2 * M_PI);
	double above = erfc(from / M_SQRT2) / 2;

	return above > 1e-9 ? centre + error * density / above : 1;
}

/* Drawn towards what is assumed. */
static double believed(const struct contention *c)
{
	double seen, assumed = 1 / (ASSUMED_ERROR * ASSUMED_ERROR), centre;

	if (c->sums.windows < WINDOWS_MIN)
		return CONTENTION_ASSUMED;
	seen = 1 / variance(&c->sums);
	centre =
	        (c->sums.lost / c->sums.spent * seen + ASSUMED_CENTRE * assumed) / (seen + assumed);
	return bounded(mean_above_one(centre, 1 / sqrt(seen + assumed)));
}

double contention_seen(const struct contention *c)
{
	double factor;

	if (c->sums.windows < WINDOWS_MIN)
		return 0;
	factor = bounded(c->sums.lost / c->sums.spent);
	return variance(&c->sums) < CERTAIN * CERTAIN * factor * factor ? factor : 0;
}

/* The estimate has what was seen in it: less may not be planned with. */
double contention_planned(const struct contention *c)
{
	return fmax(believed(c), contention_seen(c));
}
