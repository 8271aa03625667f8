/* SPDX-License-Identifier: MIT */
#include "bpf/govern/site_zoom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/govern/site_survey.h"
#include "core/base/u64_map.h"
#include "core/budget/zoom.h"

#define SECOND      1000000000ULL
#define TOUCH_LIVE  (600 * SECOND) /* what was not seen for so long is forgotten */
#define FADE        0.9            /* what surveys saw loses a tenth of its weight at each step */
#define FADE_DEAR   0.97           /* what a probe of its own cost is remembered longer */
#define UNKNOWN     1e12           /* hits a second of a site that was never looked at */
#define SITES_MAX   256            /* so that attaching takes a few milliseconds */
#define SAMPLES_MAX 65536          /* processes come and go: begin again beyond that */

/* How often one place in one process was seen by the surveys. */
struct place_samples {
	uint64_t samples;
	uint64_t step; /* of the last reading */
};

/* A call site, over all steps. */
struct site_rate {
	struct site_place place;
	uint64_t step;     /* in which it was seen last */
	size_t index;      /* in that step's input */
	double samples;    /* faded sums: of surveys while no probe of its own was there, */
	double armed_s;    /* and how long these were */
	uint64_t fresh;    /* samples of this step */
	uint64_t ops;      /* such operations on the maps that it touches */
	uint64_t hits;     /* of its own probe, at the last step */
	double measured;   /* hits a second of that; fades when it is gone */
	bool armed, known; /* now; at any time */
};

struct site_zoom {
	struct site_probes *probes;
	struct site_survey *survey;
	struct zoom *zoom;
	struct u64_map samples; /* (process, place) -> struct place_samples */
	struct u64_map rates;   /* (executable, place) -> struct site_rate */
	struct u64_map ids;     /* of this step: group -> its row of groups */
	/* Of this step, TOUCHES_MAX rows of each. */
	struct zoom_site *sites;
	struct site_rate **site_rates;
	struct zoom_group *groups;
	struct zoom_touch *touches;
	struct site_place *chosen;
	size_t site_count, group_count, touch_count, chosen_count;
	uint64_t step, stepped_ns, armed_ns, guarded_hits;
	double ns_per_hit;
};

/* ---- life ---------------------------------------------------------------------------- */

static void values_free(struct u64_map *map)
{
	for (size_t i = 0; map->slots && i <= map->mask; i++)
		free(map->slots[i].value);
	u64_map_free(map);
	*map = (struct u64_map){0};
}

int site_zoom_create(const struct site_probes_config *config, struct site_zoom **out)
{
	struct site_zoom *z = calloc(1, sizeof(*z));
	int rc = -ENOMEM;

	*out = NULL;
	if (!z)
		return rc;
	z->sites = calloc(TOUCHES_MAX, sizeof(*z->sites));
	z->site_rates = calloc(TOUCHES_MAX, sizeof(struct site_rate *));
	z->groups = calloc(TOUCHES_MAX, sizeof(*z->groups));
	z->touches = calloc(TOUCHES_MAX, sizeof(*z->touches));
	z->chosen = calloc(TOUCHES_MAX, sizeof(*z->chosen));
	if (z->sites && z->site_rates && z->groups && z->touches && z->chosen)
		rc = site_probes_create(config, &z->probes);
	if (!rc)
		rc = site_survey_create(config->program, &z->survey);
	if (!rc)
		rc = zoom_create(&z->zoom);
	if (rc) {
		site_zoom_destroy(z);
		return rc;
	}
	*out = z;
	return 0;
}

void site_zoom_destroy(struct site_zoom *z)
{
	if (!z)
		return;
	site_probes_destroy(z->probes);
	site_survey_destroy(z->survey);
	zoom_destroy(z->zoom);
	values_free(&z->samples);
	values_free(&z->rates);
	u64_map_free(&z->ids);
	free(z->sites);
	free(z->site_rates);
	free(z->groups);
	free(z->touches);
	free(z->chosen);
	free(z);
}

int site_zoom_add(struct site_zoom *z, const struct site_probes_binary *binary)
{
	return site_probes_add(z->probes, binary);
}

void site_zoom_remove(struct site_zoom *z, int fd)
{
	site_probes_remove(z->probes, fd);
	for (size_t i = 0; i < z->site_count; i++)
		z->site_rates[i]->armed =
		        site_probes_state(z->probes, z->site_rates[i]->place).armed;
}

/* ---- how often a site is hit --------------------------------------------------------- */

/* The table's row for a key, made when it is missing. */
static void *row_need(struct u64_map *map, uint64_t key, size_t size)
{
	void *row = u64_map_get(map, key);

	if (row)
		return row;
	row = calloc(1, size);
	if (row && u64_map_put(map, key, row)) {
		free(row);
		return NULL;
	}
	return row;
}

/* Samples of the place in this process since the last step; each counts once a step. */
static uint64_t samples_fresh(struct site_zoom *z, const struct survey_touch *t)
{
	uint64_t key = t->touch.place * 0x9e3779b97f4a7c15ULL ^ t->key.tgid;
	struct place_samples *s = row_need(&z->samples, key, sizeof(*s));
	uint64_t fresh;

	if (!s || s->step == z->step)
		return 0;
	fresh = t->site.samples > s->samples ? t->site.samples - s->samples : 0;
	*s = (struct place_samples){.samples = t->site.samples, .step = z->step};
	return fresh;
}

/* What is known of the site's hits a second: from its own probe; else from surveys. Where these
 * have no sample yet it was hit no more often than its maps were worked on. Rather too low than too
 * high: a site that turns out to be dear goes at once. */
static double rate_estimate(const struct site_rate *r, double armed_s)
{
	double surveyed = UNKNOWN, most = (r->samples + 1) * CALL_SAMPLE;

	if (r->armed)
		return r->measured;
	if (r->armed_s > 0 && r->samples >= 1)
		surveyed = r->samples * CALL_SAMPLE / r->armed_s;
	else if (armed_s > 0)
		surveyed = (r->ops && (double)r->ops < most ? (double)r->ops : most) / armed_s;
	return r->known && r->measured > surveyed ? r->measured : surveyed;
}

/* Hits since the last step; upwards at once, downwards by and by. */
static void rate_measure(const struct site_zoom *z, struct site_rate *r, double elapsed_s)
{
	uint64_t hits = site_probes_hits_of(z->probes, r->place);
	double now = elapsed_s > 0 ? (double)(hits - r->hits) / elapsed_s : 0;

	r->hits = hits;
	if (!r->armed) {
		r->measured *= FADE_DEAR;
		return;
	}
	r->measured = !r->known || now > r->measured ? now : (r->measured + now) / 2;
	r->known = true;
}

static void rate_settle(const struct site_zoom *z, struct site_rate *r, double elapsed_s,
                        double armed_s)
{
	rate_measure(z, r, elapsed_s);
	if (r->armed)
		return;
	r->samples = r->samples * FADE + (double)r->fresh;
	r->armed_s = r->armed_s * FADE + armed_s;
}

/* ---- what is to be decided about ----------------------------------------------------- */

static struct site_rate *site_add(struct site_zoom *z, const struct survey_touch *t,
                                  struct site_place place)
{
	uint64_t key = (uint64_t)place.binary << 56 ^ place.place;
	struct site_rate *r = row_need(&z->rates, key, sizeof(*r));

	if (!r)
		return NULL;
	if (r->step != z->step) {
		r->place = place;
		r->step = z->step;
		r->index = z->site_count++;
		r->fresh = r->ops = 0;
		z->site_rates[r->index] = r;
		z->sites[r->index] = (struct zoom_site){
		        .id = key,
		        .refused = site_probes_verify(z->probes, place) != CALL_NONE ||
		                   site_probes_state(z->probes, place).error,
		};
	}
	r->fresh += samples_fresh(z, t);
	r->ops += t->ops;
	z->sites[r->index].changes |= op_changes(t->key.op);
	return r;
}

/* The object that was tried most tells most. */
static void trial_add(struct zoom_group *g, const struct survey_trial *trial)
{
	if (trial->met > g->met)
		g->met = trial->met;
	if (trial->waited > g->waited)
		g->waited = trial->waited;
	g->contested |= trial->contested;
	g->unordered |= trial->unordered;
	if (trial->holds <= g->holds)
		return;
	g->holds = trial->holds;
	g->expected = trial->expected;
	g->arrivals = trial->arrivals;
	g->watched_s = trial->watched_s;
}

static struct zoom_group *group_add(struct site_zoom *z, const struct survey_touch *t)
{
	uint64_t id = t->key.group * 0x9e3779b97f4a7c15ULL ^ t->key.tgid;
	struct zoom_group *g = u64_map_get(&z->ids, id);

	if (!g) {
		g = &z->groups[z->group_count];
		if (u64_map_put(&z->ids, id, g))
			return NULL;
		z->group_count++;
		*g = (struct zoom_group){.id = id, .suspect = true};
	}
	trial_add(g, &t->map);
	trial_add(g, &t->place);
	return g;
}

static void touch_add(struct site_zoom *z, const struct survey_touch *t)
{
	struct site_place place;
	struct site_rate *site;
	struct zoom_group *group;

	if (site_probes_place(z->probes, t->key.site, t->key.distance, &place))
		return;
	site = site_add(z, t, place);
	group = site ? group_add(z, t) : NULL;
	if (group)
		z->touches[z->touch_count++] =
		        (struct zoom_touch){.group = group->id, .site = site->index};
}

static void input_gather(struct site_zoom *z, const struct site_zoom_terms *terms)
{
	double elapsed_s = (double)(terms->now_ns - z->stepped_ns) / SECOND;
	double armed_s = (double)(terms->armed_ns - z->armed_ns) / SECOND;
	uint64_t since = terms->now_ns > TOUCH_LIVE ? terms->now_ns - TOUCH_LIVE : 0;
	const struct survey_touch *touches;
	size_t count;

	z->step++;
	z->site_count = z->group_count = z->touch_count = 0;
	u64_map_free(&z->ids);
	z->ids = (struct u64_map){0};
	if (z->samples.count > SAMPLES_MAX)
		values_free(&z->samples);
	count = site_survey_read(z->survey, since, &touches);
	for (size_t i = 0; i < count; i++)
		touch_add(z, &touches[i]);
	for (size_t i = 0; i < z->site_count; i++) {
		struct site_rate *r = z->site_rates[i];

		rate_settle(z, r, elapsed_s, armed_s);
		z->sites[i].hits_per_s = rate_estimate(r, (double)terms->armed_ns / SECOND);
		z->sites[i].measured = r->armed;
	}
	z->stepped_ns = terms->now_ns;
	z->armed_ns = terms->armed_ns;
}

/* ---- the choice ---------------------------------------------------------------------- */

/* Links are left alone while the same sites are chosen. */
static bool choice_changed(const struct site_zoom *z)
{
	size_t count = 0;

	for (size_t i = 0; i < z->site_count; i++) {
		count += z->sites[i].chosen;
		if (z->sites[i].chosen != z->site_rates[i]->armed)
			return true;
	}
	return count != site_probes_count(z->probes);
}

static int choice_apply(struct site_zoom *z)
{
	int rc;

	if (!choice_changed(z))
		return 0;
	z->chosen_count = 0;
	for (size_t i = 0; i < z->site_count; i++)
		if (z->sites[i].chosen)
			z->chosen[z->chosen_count++] = z->site_rates[i]->place;
	rc = site_probes_choose(z->probes, z->chosen, z->chosen_count);
	for (size_t i = 0; i < z->site_count; i++) {
		struct site_rate *r = z->site_rates[i];

		r->armed = site_probes_state(z->probes, r->place).armed;
		r->hits = site_probes_hits_of(z->probes, r->place);
	}
	return rc;
}

int site_zoom_step(struct site_zoom *z, const struct site_zoom_terms *terms)
{
	struct zoom_input input = {
	        .now_ns = terms->now_ns,
	        .budget_ns_per_s = terms->budget_ns_per_s,
	        .ns_per_hit = terms->ns_per_hit,
	        .sites_max = SITES_MAX,
	        .sites = z->sites,
	        .groups = z->groups,
	        .touches = z->touches,
	};
	int rc;

	if (!z->stepped_ns)
		z->stepped_ns = terms->now_ns;
	input_gather(z, terms);
	input.site_count = z->site_count;
	input.group_count = z->group_count;
	input.touch_count = z->touch_count;
	rc = zoom_choose(z->zoom, &input);
	if (rc >= 0)
		rc = choice_apply(z);
	z->ns_per_hit = terms->ns_per_hit;
	z->guarded_hits = site_probes_hits(z->probes);
	return rc < 0 ? rc : (int)site_probes_count(z->probes);
}

/* ---- costs --------------------------------------------------------------------------- */

/* What was too dear is known to be. */
static void rates_note_dear(struct site_zoom *z, uint64_t now_ns)
{
	double elapsed_s = (double)(now_ns - z->stepped_ns) / SECOND;

	for (size_t i = 0; i < z->site_count; i++) {
		struct site_rate *r = z->site_rates[i];
		uint64_t hits = site_probes_hits_of(z->probes, r->place);

		if (r->armed) {
			double now = elapsed_s > 0 ? (double)(hits - r->hits) / elapsed_s : 0;

			r->measured = now > r->measured ? now : r->measured;
			r->known = true;
		}
		r->hits = hits;
		r->armed = false;
	}
}

uint64_t site_zoom_guard(struct site_zoom *z, uint64_t now_ns, uint64_t allowed_ns)
{
	uint64_t hits = site_probes_hits(z->probes);
	uint64_t cost = (uint64_t)((double)(hits - z->guarded_hits) * z->ns_per_hit);

	z->guarded_hits = hits;
	if (cost <= allowed_ns || !site_probes_count(z->probes))
		return cost;
	site_probes_close(z->probes);
	rates_note_dear(z, now_ns);
	return cost;
}

void site_zoom_look(struct site_zoom *z)
{
	site_probes_look(z->probes);
}

size_t site_zoom_count(const struct site_zoom *z)
{
	return site_probes_count(z->probes);
}

void site_zoom_stop(struct site_zoom *z)
{
	site_probes_close(z->probes);
	for (size_t i = 0; i < z->site_count; i++)
		z->site_rates[i]->armed = false;
}
