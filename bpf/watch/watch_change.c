/* SPDX-License-Identifier: MIT */
/* Probes of a binary that comes while others are watched, and of one that goes. */
#include <errno.h>
#include <unistd.h>

#include "bpf/watch/watch_internal.h"
#include "core/base/clock.h"

/* What the governor's thread is asked to do. */
struct change {
	struct watch *w;
	struct watch_binary *b;
	size_t refused;
	int rc;
};

static void on_refused(void *ctx, const struct probe_point *point)
{
	struct change *c = ctx;

	(void)point;
	c->refused++;
}

static void add(void *ctx)
{
	struct change *c = ctx;
	struct watch *w = c->w;
	const struct site_probes_binary binary = {
	        .file = c->b->file, .first_site = c->b->first_site, .row = c->b->row};

	c->rc = watch_attach_points(w, c->b);
	if (c->rc)
		return;
	c->rc = probe_set_open(w->standing, on_refused, c);
	if (c->rc >= 0)
		c->rc = governor_renew(w->governor, on_refused, c);
	/* Where single calls cannot be probed the functions can. */
	if (w->sites)
		site_zoom_add(w->sites, &binary);
}

int watch_attach_add(struct watch *w, struct watch_binary *b, size_t *attached)
{
	struct change c = {.w = w, .b = b};

	governor_call(w->governor, add, &c);
	*attached = b->plan.site_count - c.refused;
	return c.rc < 0 ? c.rc : 0;
}

/* Everything that reads its go_binary comes first: from the publication on that is the watch's
 * thread's. Probes come last: who hits one must be known. */
void watch_binary_bring(struct watch *w, struct watch_binary *b, size_t *attached)
{
	struct collector_executable executable;
	struct birth_plan births = {0};

	birth_plan_make(b->binary, &births);
	watch_binary_fields_set(w, b);
	executable = watch_binary_told(b);
	collector_executable_add(w->collector, &executable);
	watch_binary_publish(w, b);
	watch_attach_add(w, b, attached);
	watch_births_add(w, b, &births);
	birth_plan_free(&births);
}

static void take_away(void *ctx)
{
	struct change *c = ctx;

	c->b->removed = true;
	probe_set_remove(c->w->standing, c->b->file.fd);
	probe_set_remove(c->w->governed, c->b->file.fd);
	if (c->w->sites)
		site_zoom_remove(c->w->sites, c->b->file.fd);
	birth_probes_remove(c->w->births, c->b->file.fd);
	if (c->w->order)
		order_probes_remove(c->w->order, c->b->file.fd);
	governor_renew(c->w->governor, NULL, NULL);
}

void watch_attach_remove(struct watch *w, struct watch_binary *b)
{
	struct change c = {.w = w, .b = b};

	governor_call(w->governor, take_away, &c);
	collector_executable_remove(w->collector, b->row);
	link_keeper_file_remove(w->keeper, b->file.guard);
	close(b->file.fd);
	b->file.fd = -1;
	b->retired_ns = clock_now();
}
