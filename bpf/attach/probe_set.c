/* SPDX-License-Identifier: MIT */
#include "bpf/attach/probe_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct member {
	struct probe_file file;
	pid_t pid;
	struct probe_point *points;
	size_t count;
	bool told;
	link_handle *handles; /* room for one a point */
	size_t handle_count;  /* 0: not in place */
	unsigned int era;     /* link_keeper_era() when they were put in */
	bool accepted;        /* they were in place once: the points left are those that may be */
	bool ended;           /* the process, which had its own probes */
};

struct probe_set {
	struct link_keeper *keeper;
	enum probe_link_mode mode;
	struct member *members;
	size_t count;
	bool open;
};

int probe_set_create(struct link_keeper *keeper, enum probe_link_mode mode, struct probe_set **out)
{
	struct probe_set *set = calloc(1, sizeof(*set));

	*out = set;
	if (!set)
		return -ENOMEM;
	set->keeper = keeper;
	set->mode = mode;
	return 0;
}

/* A file that is not running may be written to, under the same inode. */
static bool member_unchanged(const struct member *m)
{
	struct file_identity now;

	return !file_identity_read(m->file.fd, &now) &&
	       file_identity_unwritten(&now, &m->file.seen);
}

int probe_set_add(struct probe_set *set, const struct probe_file *file, pid_t pid, bool told,
                  const struct probe_point *points, size_t count)
{
	void *more = reallocarray(set->members, set->count + 1, sizeof(*set->members));
	struct member *m;

	if (!more)
		return -ENOMEM;
	set->members = more;
	m = &set->members[set->count];
	*m = (struct member){.file = *file, .pid = pid, .count = count, .told = told};
	if (!member_unchanged(m))
		return -ESTALE;
	m->points = calloc(count ? count : 1, sizeof(*points));
	m->handles = calloc(count ? count : 1, sizeof(*m->handles));
	if (!m->points || !m->handles) {
		free(m->points);
		free(m->handles);
		return -ENOMEM;
	}
	memcpy(m->points, points, count * sizeof(*points));
	set->count++;
	return 0;
}

/* What was refused once is not asked for again: one bad point costs a bisection each time. */
static void member_prune(struct member *m,
                         void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++) {
		if (!m->points[i].error)
			m->points[kept++] = m->points[i];
		else if (failed)
			failed(ctx, &m->points[i]);
	}
	m->count = kept;
}

/* Not refused for what they are: they may go in later. */
static void member_forgive(struct member *m)
{
	for (size_t i = 0; i < m->count; i++)
		m->points[i].error = 0;
}

static int member_open(const struct probe_set *set, struct member *m)
{
	int rc = link_keeper_open(set->keeper, set->mode, m->file.guard, m->pid, m->points,
	                          m->count, &m->handles[0]);

	m->handle_count = rc > 0;
	return rc;
}

/* One point after the other, each with a question whether it may stay. What is refused for a reason
 * that may pass ends the round: it says nothing of this point. */
static int member_open_each(const struct probe_set *set, struct member *m,
                            bool (*keep)(void *keeper), void *keeper)
{
	int attached = 0, refused = -ENODATA;

	for (size_t i = 0; i < m->count; i++) {
		struct probe_point *p = &m->points[i];
		link_handle handle;
		int rc = link_keeper_open(set->keeper, set->mode, m->file.guard, m->pid, p, 1,
		                          &handle);

		if (rc > 0 && !keep(keeper)) {
			link_keeper_close(set->keeper, &handle, 1);
			rc = -EDQUOT;
		}
		if (rc > 0) {
			m->handles[m->handle_count++] = handle;
			attached++;
			continue;
		}
		refused = rc;
		if (link_keeper_may_take_later(rc))
			break;
		p->error = rc;
	}
	return attached ? attached : refused;
}

static bool member_holds(const struct probe_set *set, const struct member *m)
{
	return m->handle_count &&
	       link_keeper_holds(set->keeper, m->handles[0], m->file.guard, m->era);
}

int probe_set_open_each(struct probe_set *set, bool (*keep)(void *keeper), void *keeper,
                        void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	int attached = 0, refused = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct member *m = &set->members[i];
		int rc;

		if (m->handle_count || !m->count || m->ended)
			continue;
		m->era = link_keeper_era(set->keeper, m->file.guard);
		rc = keep ? member_open_each(set, m, keep, keeper) : member_open(set, m);
		set->open = set->open || rc > 0;
		m->accepted = m->accepted || rc > 0;
		m->ended = m->pid && rc == -ESRCH;
		if (rc > 0)
			attached += m->told ? rc : 0;
		else
			refused = rc;
		if (rc > 0 || (keep && !link_keeper_may_take_later(rc)))
			member_prune(m, m->told ? failed : NULL, ctx);
		else
			member_forgive(m);
	}
	return !set->open && refused ? refused : attached;
}

int probe_set_open(struct probe_set *set,
                   void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	return probe_set_open_each(set, NULL, NULL, failed, ctx);
}

void probe_set_close(struct probe_set *set)
{
	size_t count = 0, room = 0;
	link_handle *all;

	for (size_t i = 0; i < set->count; i++)
		room += set->members[i].handle_count;
	all = room ? calloc(room, sizeof(*all)) : NULL;
	for (size_t i = 0; i < set->count; i++) {
		struct member *m = &set->members[i];

		if (all)
			memcpy(all + count, m->handles, m->handle_count * sizeof(*all));
		else /* no memory: one after the other */
			link_keeper_close(set->keeper, m->handles, m->handle_count);
		count += m->handle_count;
		m->handle_count = 0;
	}
	if (all)
		link_keeper_close(set->keeper, all, count);
	free(all);
	set->open = false;
}

void probe_set_look(struct probe_set *set)
{
	set->open = false;
	for (size_t i = 0; i < set->count; i++) {
		struct member *m = &set->members[i];

		if (!member_holds(set, m))
			m->handle_count = 0;
		set->open = set->open || m->handle_count;
	}
}

bool probe_set_is_whole(const struct probe_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct member *m = &set->members[i];

		if (m->count && !m->handle_count && !m->ended &&
		    link_keeper_file_state(set->keeper, m->file.guard) != LINK_FILE_STALE)
			return false;
	}
	return true;
}

size_t probe_set_held(const struct probe_set *set)
{
	size_t held = 0;

	for (size_t i = 0; i < set->count; i++)
		held += set->members[i].handle_count != 0;
	return held;
}

bool probe_set_waits_for(const struct probe_set *set, enum link_file_state state)
{
	for (size_t i = 0; i < set->count; i++)
		if (link_keeper_file_state(set->keeper, set->members[i].file.guard) == state)
			return true;
	return false;
}

size_t probe_set_accepted(const struct probe_set *set)
{
	size_t size = 0;

	for (size_t i = 0; i < set->count; i++)
		size += set->members[i].told && set->members[i].accepted ? set->members[i].count
		                                                         : 0;
	return size;
}

bool probe_set_is_open(const struct probe_set *set)
{
	return set->open;
}

size_t probe_set_size(const struct probe_set *set)
{
	size_t size = 0;

	for (size_t i = 0; i < set->count; i++)
		size += set->members[i].told ? set->members[i].count : 0;
	return size;
}

void probe_set_remove(struct probe_set *set, int fd)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct member *m = &set->members[i];

		if (m->file.fd != fd) {
			set->members[kept++] = *m;
			continue;
		}
		link_keeper_close(set->keeper, m->handles, m->handle_count);
		free(m->points);
		free(m->handles);
	}
	set->count = kept;
	set->open = false;
	for (size_t i = 0; i < kept; i++)
		set->open = set->open || set->members[i].handle_count;
}

void probe_set_destroy(struct probe_set *set)
{
	if (!set)
		return;
	probe_set_close(set);
	for (size_t i = 0; i < set->count; i++) {
		free(set->members[i].points);
		free(set->members[i].handles);
	}
	free(set->members);
	free(set);
}
