/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/watch/watch_internal.h"
#include "core/probe/access_key.h"

/* Tell the program from where a site is called on behalf of others. What there is no room for only
 * makes a place less exact; a part that counted as an operation would be a wrong count. */
static int site_callers_set(struct watch *w, const struct watch_binary *b, size_t index)
{
	const struct probe_site *s = &b->plan.sites[index];
	struct site_callers callers = {0};
	size_t probed = 0, behind = 0;

	for (size_t i = 0; i < s->caller_count; i++) {
		const struct probe_caller *c = &b->plan.callers[s->first_caller + i];
		struct code_range range = {(__s32)(c->addr - s->addr), (__u32)c->size};

		if (c->probed && probed == CALLERS_PROBED)
			return -E2BIG;
		if (c->probed)
			callers.probed[probed++] = range;
		else if (behind < CALLERS_BEHIND)
			callers.behind[behind++] = range;
	}
	return program_callers_set(&w->program, b->first_site + index, &callers);
}

static struct probe_point *points_make(struct watch *w, const struct watch_binary *b)
{
	struct probe_point *points = calloc(b->plan.site_count, sizeof(*points));

	for (size_t i = 0; points && i < b->plan.site_count; i++) {
		const struct probe_site *s = &b->plan.sites[i];

		points[i].file_offset = s->file_offset;
		points[i].cookie =
		        COOKIE(b->first_site + i, s->role, s->op, s->args, s->instruction, b->row) |
		        COOKIE_KEY(key_source_find(s->function));
		if (!s->caller_count)
			continue;
		points[i].cookie |= COOKIE_CALLERS;
		if (site_callers_set(w, b, i)) {
			free(points);
			return NULL;
		}
	}
	return points;
}

static void skip_add(struct watch *w, const char *function, const char *reason)
{
	struct probe_skip *s;
	void *more = reallocarray(w->skips, w->skip_count + 1, sizeof(*w->skips));

	if (!more)
		return;
	w->skips = more;
	s = &w->skips[w->skip_count++];
	memset(s, 0, sizeof(*s));
	s->function = function;
	s->wanted = 1;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

/* Notes are rows of one table: the same note is the same address. */
static void unseen_add(struct watch *w, const struct probe_note *note)
{
	for (size_t i = 0; i < w->unseen_count; i++)
		if (w->unseen[i] == note)
			return;
	w->unseen[w->unseen_count++] = note;
}

/* Wanted: every function that ought to be probed, whether the plan found a place for it or not. */
static void binary_account(struct watch *w, const struct watch_binary *b)
{
	w->wanted += b->plan.site_count;
	for (size_t i = 0; i < b->plan.unseen_count; i++)
		unseen_add(w, b->plan.unseen[i]);
	for (size_t i = 0; i < b->plan.skip_count; i++) {
		if (!b->plan.skips[i].wanted)
			continue;
		w->wanted++;
		skip_add(w, b->plan.skips[i].function, b->plan.skips[i].reason);
	}
}

/* The probes of one binary, in one process (0: in all): those on crashes stay in place, those on
 * map operations are governed. */
static int binary_add(struct watch *w, const struct watch_binary *b, pid_t pid, bool told)
{
	struct probe_point *points = points_make(w, b);
	size_t count = b->plan.site_count, crashes = 0;
	int rc = -ENOMEM;

	if (!points)
		return rc;
	for (size_t i = 0; i < count; i++) {
		struct probe_point point = points[i];

		if (COOKIE_ROLE(point.cookie) != PROBE_CRASH)
			continue;
		points[i] = points[crashes];
		points[crashes++] = point;
	}
	rc = probe_set_add(w->standing, &b->file, pid, told, points, crashes);
	if (!rc)
		rc = probe_set_add(w->governed, &b->file, pid, told, points + crashes,
		                   count - crashes);
	free(points);
	return rc;
}

int watch_attach_points(struct watch *w, const struct watch_binary *b)
{
	return binary_add(w, b, 0, true);
}

/* Confined to the processes asked for where the kernel can do that, so that other processes of the
 * same file never meet a breakpoint; else in all of them, and the program looks at the pid. */
static int binary_add_targets(struct watch *w, size_t index)
{
	const struct watch_binary *b = w->binaries[index];
	bool first = true;
	int rc = 0;

	if (!w->config.pid_count || !w->program.pid_filter)
		return binary_add(w, b, 0, true);
	for (size_t i = 0; !rc && i < w->target_count; i++) {
		if (w->targets[i].binary != index)
			continue;
		rc = binary_add(w, b, w->targets[i].pid, first);
		first = false;
	}
	return rc;
}

int watch_attach_plan(struct watch *w)
{
	int rc = probe_set_create(w->keeper, w->program.mode, &w->standing);

	if (!rc)
		rc = probe_set_create(w->keeper, w->program.mode, &w->governed);
	for (size_t i = 0; !rc && i < w->binary_count; i++) {
		rc = binary_add_targets(w, i);
		/* Written over since it was read: what is there then is followed. */
		if (rc == -ESTALE && watch_is_following(w))
			rc = 0;
	}
	return rc;
}

static void on_failed(void *ctx, const struct probe_point *point)
{
	struct watch *w = ctx;

	skip_add(w, w->site_functions[COOKIE_SITE(point->cookie)],
	         point->error == -EDQUOT
	                 ? "called too often for --max-overhead, on a kernel without uprobe_multi"
	                 : strerror(-point->error));
}

static int attach_error(const struct watch *w, int rc, struct error *err)
{
	if (rc == -ENOLCK)
		return error_set(err, -rc,
		                 "%s cannot be leased, so it could be written over while it is "
		                 "probed, and this kernel (before 6.10) cannot confine probes to "
		                 "processes; %s",
		                 w->binaries[0]->path,
		                 geteuid() == 0
		                         ? "give gomaptop CAP_LEASE, or put the file on a "
		                           "file system that has leases"
		                         : "run gomaptop as root or as the owner of the file");
	return error_set(err, -rc, "cannot attach probes to %s: %s; --verbose shows what was tried",
	                 w->binaries[0]->path, strerror(-rc));
}

int watch_attach(struct watch *w, struct error *err)
{
	int rc;

	for (size_t i = 0; i < w->target_count; i++) {
		rc = program_target_add(&w->program, w->targets[i].pid);
		if (rc)
			return error_set(err, -rc,
			                 "too many targets; watch fewer processes with -p");
		link_keeper_runner_add(w->keeper, w->binaries[w->targets[i].binary]->file.guard,
		                       w->targets[i].pid);
	}
	for (size_t i = 0; i < w->binary_count; i++)
		binary_account(w, w->binaries[i]);
	rc = governor_start(w->governor, on_failed, w);
	if (rc < 0)
		return attach_error(w, rc, err);
	w->attached = rc;
	return 0;
}
