/* SPDX-License-Identifier: MIT */
#include "core/budget/zoom.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/base/u64_map.h"
#include "core/budget/hold_value.h"

#define SECOND UINT64_C(1000000000)

/* Newcomers may fill so much of the budget; who is chosen already stays up to all of it. */
#define FILL_NEW 0.9

#define STAY_NS \
	(SECOND * 4 / 10) /* a time slice lasts at least that long: to be known to be seen */
#define REST_NS     (60 * SECOND) /* so long a group rests that is guarded */
#define UNORDERED   1000.0        /* times more is a group worth that nothing orders */
#define WAITED_MOST 8.0           /* a guess may be wrong */
#define CHEAP       0.25          /* of the budget: below this the price matters little */

/* Lasts: what one call cannot know of a group. */
struct turn {
	uint64_t began_ns; /* of the turn it has, or had last; 0: none yet */
	uint64_t ended_ns;
	bool chosen;
};

struct zoom {
	struct u64_map turns; /* group id -> struct turn */
};

/* A group while it is decided about. */
struct candidate {
	struct zoom_group *group;
	struct turn *turn;
	size_t first, count; /* its sites: touched[first..] */
	double cost;         /* of its cheapest pair, ns per second */
	double cheap;        /* a cost that matters little */
	double merit;
};

/* A touch as it is sorted. */
struct touched {
	uint64_t group;
	double hits_per_s;
	size_t site;
};

struct choice {
	struct zoom *zoom;
	const struct zoom_input *input;
	struct candidate *candidates;
	size_t *touched; /* indexes of sites, by group, cheapest first */
	double spent;
	size_t chosen;
};

int zoom_create(struct zoom **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void zoom_destroy(struct zoom *zoom)
{
	if (!zoom)
		return;
	for (size_t i = 0; zoom->turns.slots && i <= zoom->turns.mask; i++)
		free(zoom->turns.slots[i].value);
	u64_map_free(&zoom->turns);
	free(zoom);
}

static struct turn *turn_need(struct zoom *zoom, uint64_t group)
{
	struct turn *turn = u64_map_get(&zoom->turns, group);

	if (turn)
		return turn;
	turn = calloc(1, sizeof(*turn));
	if (turn && u64_map_put(&zoom->turns, group, turn)) {
		free(turn);
		return NULL;
	}
	return turn;
}

/* ---- what a group is worth ----------------------------------------------------------- */

/* Something keeps the goroutines apart. */
static bool group_is_guarded(const struct zoom_group *g)
{
	return hold_is_guarded(g->holds, g->met, (uint64_t)(1000 * g->expected));
}

/* A turn that has just begun is not broken off; those that are guarded have one now and then. */
static bool group_may_go_on(const struct candidate *c, uint64_t now)
{
	const struct turn *t = c->turn;

	if (!c->group->suspect)
		return false;
	if (!group_is_guarded(c->group))
		return true;
	if (t->chosen)
		return now - t->began_ns < STAY_NS;
	return t->began_ns && now - t->ended_ns >= REST_NS;
}

/* Overlaps that a second of holding promises, of an average group 1: the rate at which others come,
 * as far as it is known, and the less the more overlaps would have been seen by now. */
static double group_promise(const struct zoom_group *g)
{
	const uint64_t average_per_s = HOLD_RATE_AVERAGE;
	double rate = (g->arrivals + 1) / (g->watched_s * (double)average_per_s + 1);
	double doubt = 1 + g->expected + fmin(g->waited, WAITED_MOST);
	double promise = fmin(rate, 2) / (doubt * doubt);

	return g->contested ? promise : promise / HOLD_UNCONTESTED;
}

/* Promising, rarely tried and cheap is best, what is known well enough comes last. A turn that has
 * just begun counts as the best there is. */
static double group_merit(const struct candidate *c, uint64_t now)
{
	double tried = 1 + (double)c->group->holds / HOLD_TRIED;
	double merit = group_promise(c->group) / (tried * (c->cheap + c->cost));

	if (c->group->met > HOLD_KNOWN_CONFLICTS)
		return merit / 1000;
	if (c->group->unordered)
		merit *= UNORDERED;
	if (!c->turn->chosen)
		return merit;
	return now - c->turn->began_ns < STAY_NS ? 1e9 : 2 * merit;
}

/* ---- sites --------------------------------------------------------------------------- */

/* What it costs to choose this one too. */
static double site_cost(const struct choice *c, size_t site)
{
	const struct zoom_site *s = &c->input->sites[site];

	return s->chosen ? 0 : s->hits_per_s * c->input->ns_per_hit;
}

static bool sites_fit(const struct choice *c, size_t more, double cost, bool known)
{
	double room = c->input->budget_ns_per_s * (known ? 1 : FILL_NEW);

	return c->spent + cost <= room &&
	       (!c->input->sites_max || c->chosen + more <= c->input->sites_max);
}

static void site_choose(struct choice *c, size_t site)
{
	struct zoom_site *s = &c->input->sites[site];

	if (s->chosen)
		return;
	c->spent += site_cost(c, site);
	c->chosen++;
	s->chosen = true;
}

/* The two sides of a conflict at the lowest price: the cheapest site that changes the map, the
 * cheapest other one. A group of one site is used by several goroutines through that one. Returns
 * how many; 0: the group has no two sides that can be probed. */
static int pair_find(const struct choice *c, const struct candidate *group, size_t pair[2])
{
	const size_t *sites = &c->touched[group->first];
	size_t changing = group->count;

	for (size_t i = 0; i < group->count && changing == group->count; i++)
		if (c->input->sites[sites[i]].changes)
			changing = i;
	if (changing == group->count)
		return 0;
	pair[0] = sites[changing];
	if (group->count == 1)
		return 1;
	pair[1] = sites[changing ? 0 : 1];
	return 2;
}

/* ---- groups -------------------------------------------------------------------------- */

static int by_group(const void *a, const void *b)
{
	const struct touched *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->hits_per_s != y->hits_per_s)
		return x->hits_per_s < y->hits_per_s ? -1 : 1;
	return (x->site > y->site) - (x->site < y->site);
}

static int by_merit(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->merit < y->merit) - (x->merit > y->merit);
}

static int by_id(const void *a, const void *b)
{
	const struct zoom_group *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void candidate_rate(struct choice *c, struct candidate *candidate)
{
	size_t pair[2];
	int count = pair_find(c, candidate, pair);

	for (int i = 0; i < count; i++)
		candidate->cost += site_cost(c, pair[i]);
	candidate->cheap = 1 + c->input->budget_ns_per_s * CHEAP;
	candidate->merit = count ? group_merit(candidate, c->input->now_ns) : 0;
}

/* touches[0..count) are those of one group, cheapest sites first, a site perhaps more than once. */
static int candidate_make(struct choice *c, const struct touched *touches, size_t count,
                          struct candidate *out, size_t *used)
{
	struct zoom_group key = {.id = touches[0].group};

	*out = (struct candidate){.first = *used};
	out->group = bsearch(&key, c->input->groups, c->input->group_count, sizeof(key), by_id);
	out->turn = turn_need(c->zoom, touches[0].group);
	if (!out->turn)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (c->input->sites[touches[i].site].refused ||
		    (out->count && c->touched[*used - 1] == touches[i].site))
			continue;
		c->touched[(*used)++] = touches[i].site;
		out->count++;
	}
	if (out->group)
		candidate_rate(c, out);
	return 0;
}

/* Returns the number of candidates, or -ENOMEM. */
static int candidates_make(struct choice *c, struct touched *touches)
{
	size_t count = c->input->touch_count, used = 0;
	int made = 0;

	for (size_t i = 0; i < count; i++) {
		size_t site = c->input->touches[i].site;

		touches[i] = (struct touched){.group = c->input->touches[i].group,
		                              .hits_per_s = c->input->sites[site].hits_per_s,
		                              .site = site};
	}
	qsort(touches, count, sizeof(*touches), by_group);
	for (size_t at = 0, next; at < count; at = next) {
		for (next = at; next < count && touches[next].group == touches[at].group;)
			next++;
		if (candidate_make(c, &touches[at], next - at, &c->candidates[made], &used))
			return -ENOMEM;
		made++;
	}
	return made;
}

/* ---- the choice ---------------------------------------------------------------------- */

static void group_choose(struct choice *c, struct candidate *candidate)
{
	size_t pair[2];
	int count = candidate->group && group_may_go_on(candidate, c->input->now_ns)
	                    ? pair_find(c, candidate, pair)
	                    : 0;
	bool stays = candidate->turn->chosen && candidate->group &&
	             candidate->group->met <= HOLD_KNOWN_CONFLICTS;
	double cost = 0;

	for (int i = 0; i < count; i++)
		cost += site_cost(c, pair[i]);
	if (!count || !sites_fit(c, (size_t)count, cost, stays))
		return;
	for (int i = 0; i < count; i++)
		site_choose(c, pair[i]);
	candidate->group->chosen = true;
}

/* What is left of the budget goes to the other sites of the groups chosen. */
static void rest_choose(struct choice *c, const struct candidate *candidate)
{
	for (size_t i = 0; candidate->group && candidate->group->chosen && i < candidate->count;
	     i++) {
		size_t site = c->touched[candidate->first + i];

		if (!c->input->sites[site].chosen &&
		    sites_fit(c, 1, site_cost(c, site), c->input->sites[site].measured))
			site_choose(c, site);
	}
}

static void turn_note(const struct choice *c, const struct candidate *candidate)
{
	struct turn *turn = candidate->turn;
	bool chosen = candidate->group && candidate->group->chosen;

	if (chosen && !turn->chosen)
		turn->began_ns = c->input->now_ns;
	if (!chosen && turn->chosen)
		turn->ended_ns = c->input->now_ns;
	turn->chosen = chosen;
}

static void all_choose(struct choice *c, size_t count)
{
	qsort(c->candidates, count, sizeof(*c->candidates), by_merit);
	for (size_t i = 0; i < count; i++)
		group_choose(c, &c->candidates[i]);
	for (size_t i = 0; i < count; i++)
		rest_choose(c, &c->candidates[i]);
	for (size_t i = 0; i < count; i++)
		turn_note(c, &c->candidates[i]);
}

int zoom_choose(struct zoom *zoom, const struct zoom_input *input)
{
	struct choice c = {.zoom = zoom, .input = input};
	struct touched *touches = calloc(input->touch_count + 1, sizeof(*touches));
	int count = -ENOMEM;

	for (size_t i = 0; i < input->site_count; i++)
		input->sites[i].chosen = false;
	for (size_t i = 0; i < input->group_count; i++)
		input->groups[i].chosen = false;
	qsort(input->groups, input->group_count, sizeof(*input->groups), by_id);
	c.candidates = calloc(input->touch_count + 1, sizeof(*c.candidates));
	c.touched = calloc(input->touch_count + 1, sizeof(*c.touched));
	if (touches && c.candidates && c.touched)
		count = candidates_make(&c, touches);
	if (count >= 0)
		all_choose(&c, (size_t)count);
	free(c.candidates);
	free(c.touched);
	free(touches);
	return count < 0 ? count : (int)c.chosen;
}
