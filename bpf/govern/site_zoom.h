/* SPDX-License-Identifier: MIT */
/*
 * site_zoom: what the surveys learned, the choice, and the probes at call sites, in one.
 *
 * The governor's thread drives it: site_zoom_step() once an interval, best while the probes in the
 * functions are out; site_zoom_guard() as often as it looks at costs. What the sites' hits cost is
 * part of the one budget: site_zoom_guard() tells it.
 */
#ifndef GOMAPTOP_BPF_SITE_ZOOM_H
#define GOMAPTOP_BPF_SITE_ZOOM_H

#include <stdint.h>

#include "bpf/govern/site_probes.h"

struct site_zoom;

/* What the governor says at each step. */
struct site_zoom_terms {
	uint64_t now_ns;        /* CLOCK_MONOTONIC */
	uint64_t armed_ns;      /* so long the probes in the functions were in place so far */
	double budget_ns_per_s; /* that the sites may cost together; 0: take all out */
	double ns_per_hit;      /* at a call, and what it costs beyond */
};

/* As site_probes_create(). */
int site_zoom_create(const struct site_probes_config *config, struct site_zoom **out);

/* As site_probes_add() and site_probes_remove(). */
int site_zoom_add(struct site_zoom *zoom, const struct site_probes_binary *binary);
void site_zoom_remove(struct site_zoom *zoom, int fd);

/* Read what the surveys learned, choose, attach and take out. Returns the number of sites in place
 * or -errno. Takes some ten milliseconds when links change. */
int site_zoom_step(struct site_zoom *zoom, const struct site_zoom_terms *terms);

/* Take all sites out at once when their hits since the last step or guard cost more than
 * allowed_ns: a site turned out to be hit much more often than was known. Returns what they
 * cost. */
uint64_t site_zoom_guard(struct site_zoom *zoom, uint64_t now_ns, uint64_t allowed_ns);

/* Find out which of them are not in place any more, see site_probes_look(). */
void site_zoom_look(struct site_zoom *zoom);

/* Sites in place now. */
size_t site_zoom_count(const struct site_zoom *zoom);

/* Take all out; nothing is chosen any more. */
void site_zoom_stop(struct site_zoom *zoom);
void site_zoom_destroy(struct site_zoom *zoom); /* accepts NULL; stops first */

#endif
