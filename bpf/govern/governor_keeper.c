/* SPDX-License-Identifier: MIT */
/* What became of probes without the governor: the keeper may have let them go, or have died. */
#include <errno.h>

#include "bpf/govern/governor_internal.h"

/* Probes that stay in place: those that are not are tried again, once a second. */
static void standing_step(struct governor *g, uint64_t now)
{
	probe_set_look(g->config.standing);
	if (probe_set_is_whole(g->config.standing) || now - g->standing_ns < GOVERNOR_RETRY_NS)
		return;
	g->standing_ns = now;
	g->standing_rc = probe_set_open(g->config.standing, NULL, NULL);
}

void governor_trouble_set(struct governor *g, enum trouble trouble)
{
	pthread_mutex_lock(&g->lock);
	g->state.trouble = trouble;
	pthread_mutex_unlock(&g->lock);
}

static enum trouble file_trouble(const struct governor *g)
{
	if (g->standing_rc == -EUSERS && !probe_set_is_open(g->config.standing))
		return TROUBLE_FILE_CROWDED;
	if (probe_set_waits_for(g->config.standing, LINK_FILE_WRITTEN))
		return TROUBLE_FILE_WRITTEN;
	if (!probe_set_is_open(g->config.standing) &&
	    probe_set_waits_for(g->config.standing, LINK_FILE_STALE))
		return TROUBLE_FILE_STALE;
	return probe_set_waits_for(g->config.standing, LINK_FILE_IDLE) ? TROUBLE_FILE_IDLE
	                                                               : TROUBLE_NONE;
}

void governor_accepted_set(struct governor *g, size_t accepted)
{
	targets_probes_set(g->config.targets, accepted);
	pthread_mutex_lock(&g->lock);
	g->state.accepted = accepted;
	pthread_mutex_unlock(&g->lock);
}

void governor_keeper_step(struct governor *g, uint64_t now)
{
	int rc = link_keeper_look(g->config.keeper, now);

	probe_set_look(g->config.probes);
	if (governor_window_look(g))
		g->retry_ns = 0;
	if (g->sites)
		site_zoom_look(g->sites);
	standing_step(g, now);
	governor_trouble_set(g, rc < 0 ? TROUBLE_KEEPER_GONE : file_trouble(g));
	governor_accepted_set(g, probe_set_accepted(g->config.standing) +
	                                 (g->config.overhead_limit > 0
	                                          ? probe_set_accepted(g->config.probes)
	                                          : probe_set_size(g->config.probes)));
	pthread_mutex_lock(&g->lock);
	g->state.drops = link_keeper_drops(g->config.keeper);
	pthread_mutex_unlock(&g->lock);
}
