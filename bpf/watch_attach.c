/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch_internal.h"
#include "core/access_key.h"

_Static_assert((int)WIRE_MAP_OP == PROBE_MAP_OP && (int)WIRE_CRASH == PROBE_CRASH &&
                       (int)WIRE_BIRTH == PROBE_BIRTH,
               "roles agree");
_Static_assert((int)WIRE_TYPE_MAP == ARGS_TYPE_MAP && (int)WIRE_MAP_TYPE == ARGS_MAP_TYPE &&
                       (int)WIRE_ITERATOR == ARGS_ITERATOR && (int)WIRE_MESSAGE == ARGS_MESSAGE &&
                       (int)WIRE_RESULT == ARGS_RESULT,
               "arguments agree");
_Static_assert((int)WIRE_AT_PUSH == PROBE_AT_PUSH && (int)WIRE_AT_JBE == PROBE_AT_JBE &&
                       (int)WIRE_AT_ENTRY == PROBE_AT_ENTRY && (int)WIRE_AT_RET == PROBE_AT_RET,
               "instructions agree");
_Static_assert((int)WIRE_KEY_POINTER == KEY_POINTER && (int)WIRE_KEY_WORD == KEY_WORD &&
                       (int)WIRE_KEY_STRING == KEY_STRING,
               "keys agree");

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

/* Attach all probes of one binary in one process (0: in all). */
static int binary_attach(struct watch *w, const struct watch_binary *b, pid_t pid, bool account,
                         struct error *err)
{
	struct probe_point *points = points_make(w, b);
	int attached = -ENOMEM;

	if (points)
		attached =
		        probe_links_open(program_probe(&w->program), w->program.mode, b->path, pid,
		                         points, b->plan.site_count, &w->links[w->link_count]);
	if (attached < 0) {
		free(points);
		return error_set(err, -attached,
		                 "cannot attach probes to %s: %s; --verbose shows what was tried",
		                 b->path, strerror(-attached));
	}
	w->link_count++;
	for (size_t i = 0; account && i < b->plan.site_count; i++)
		if (points[i].error)
			skip_add(w, b->plan.sites[i].function, strerror(-points[i].error));
	w->attached += account ? attached : 0;
	free(points);
	return 0;
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

/* Confined to the processes asked for where the kernel can do that, so that other processes of the
 * same file never meet a breakpoint; else in all of them, and the program looks at the pid. */
static int binary_attach_targets(struct watch *w, size_t index, struct error *err)
{
	const struct watch_binary *b = &w->binaries[index];
	bool first = true;
	int rc;

	binary_account(w, b);
	if (!w->config.pid_count || !w->program.pid_filter)
		return binary_attach(w, b, 0, true, err);
	for (size_t i = 0; i < w->target_count; i++) {
		if (w->targets[i].binary != index)
			continue;
		rc = binary_attach(w, b, w->targets[i].pid, first, err);
		if (rc)
			return rc;
		first = false;
	}
	return 0;
}

int watch_attach(struct watch *w, struct error *err)
{
	w->links = calloc(w->binary_count + w->target_count, sizeof(*w->links));
	if (!w->links)
		return error_set(err, ENOMEM, "out of memory; free some and try again");
	for (size_t i = 0; i < w->target_count; i++) {
		int rc = program_target_add(&w->program, w->targets[i].pid);

		if (rc)
			return error_set(err, -rc,
			                 "too many targets; watch fewer processes with -p");
	}
	for (size_t i = 0; i < w->binary_count; i++) {
		int rc = binary_attach_targets(w, i, err);

		if (rc)
			return rc;
	}
	return 0;
}
