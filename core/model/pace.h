/* SPDX-License-Identifier: MIT */
/*
 * pace: how fast a figure that only grows has grown over the last part of the watch: the last 15 to
 * 30 s, or as long as it has been looked at where that is less. Pure, nothing is allocated.
 */
#ifndef GOMAPTOP_CORE_PACE_H
#define GOMAPTOP_CORE_PACE_H

#define PACE_SECONDS       15.0 /* how far apart the two marks are at least */
#define PACE_KNOWN_SECONDS 3.0  /* a pace is told from that much on */
#define PACE_UNKNOWN       (-1.0)

struct pace {
	/* Seconds since the older and the newer mark, and the figure at both. */
	double older, newer;
	double older_value, newer_value;
	double value; /* the latest */
};

/* `seconds` have passed since the last call, and the figure is `value` now. Before the first call
 * it was 0. One that is below what it was 15 to 30 s ago began again. */
void pace_tick(struct pace *pace, double seconds, double value);

/* The figure is larger by that from now on, and it is no growth (two figures became one). */
void pace_shift(struct pace *pace, double by);

/* Per second; PACE_UNKNOWN: not known yet. */
double pace_of(const struct pace *pace);

#endif
