/* SPDX-License-Identifier: MIT */
/*
 * zoom: which call sites to probe until the next choice, between the surveys.
 *
 * A conflict needs both its sides, so what is chosen are groups: the sites that touch one map (or
 * all maps of one kind, where they live shortly). In a group of which at least one site changes the
 * map the cheap sites come first; one that is hit too often for what is left of the budget stays
 * out, and a group of which no two sides fit is not begun. Groups that
 * promise most, are cheap and were tried least go first; those whose conflicts are known well
 * enough take what is left, those that turn out to be guarded get out of the way and come back now
 * and then. What is learned of a group in its turn lets it fall behind the others, so that all have
 * theirs.
 *
 * Pure: no clock, no kernel. State only for what one call cannot know: what was chosen before, what
 * a site was seen to cost, when a group had its turn.
 */
#ifndef GOMAPTOP_CORE_ZOOM_H
#define GOMAPTOP_CORE_ZOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One call site, as the last surveys and its own probe know it. */
struct zoom_site {
	uint64_t id;       /* the caller's own; the same site keeps its id */
	double hits_per_s; /* estimate, upwards rather than down */
	bool measured;     /* hits_per_s is from a probe at the site itself */
	bool changes;      /* its operation changes the map */
	bool refused;      /* cannot be probed */
	/* out */
	bool chosen;
};

/* A group is touched by a site. */
struct zoom_touch {
	uint64_t group;
	size_t site; /* index of its zoom_site */
};

/* What is known of a group's maps. Every group of a touch has one. */
struct zoom_group {
	uint64_t id;
	bool suspect;    /* shared and changed */
	uint64_t holds;  /* so far */
	uint64_t met;    /* conflicts found in them */
	double expected; /* that were to be expected if nothing guarded the map */
	double waited;   /* so many more might as well have been expected: somebody waited at a lock
	                   * for one who was held; chooses, and says nothing of the map */
	double arrivals; /* of others who could conflict, while nobody was held, */
	double watched_s; /* in so long a time */
	bool contested;   /* something changed the map when others had used it already */
	bool unordered;   /* nothing orders accesses to them, as was seen */
	/* out */
	bool chosen;
};

struct zoom_input {
	uint64_t now_ns;
	double budget_ns_per_s; /* that the sites may cost together */
	double ns_per_hit;
	size_t sites_max; /* so many probes at most; 0: any number */
	struct zoom_site *sites;
	size_t site_count;
	struct zoom_group *groups;
	size_t group_count;
	const struct zoom_touch *touches;
	size_t touch_count;
};

struct zoom;

int zoom_create(struct zoom **out);   /* 0 or -ENOMEM */
void zoom_destroy(struct zoom *zoom); /* accepts NULL */

/* Puts the groups into the order of their ids, and sets `chosen` of every site and group: the
 * expected cost of all chosen sites is within the budget. Returns how many sites are chosen, or
 * -ENOMEM (then nothing is chosen). One thread. */
int zoom_choose(struct zoom *zoom, const struct zoom_input *input);

#endif
