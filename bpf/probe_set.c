/* SPDX-License-Identifier: MIT */
#include "bpf/probe_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_AT_ONCE 128

struct member {
	struct probe_file file;
	char path[32]; /* of its descriptor, whatever becomes of the name */
	pid_t pid;
	struct probe_point *points;
	size_t count;
	bool told;
	struct probe_links *links; /* NULL: not in place */
};

struct probe_set {
	struct bpf_program *program;
	enum probe_link_mode mode;
	struct member *members;
	size_t count;
	bool open;
};

int probe_set_create(struct bpf_program *program, enum probe_link_mode mode, struct probe_set **out)
{
	struct probe_set *set = calloc(1, sizeof(*set));

	*out = set;
	if (!set)
		return -ENOMEM;
	set->program = program;
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
	snprintf(m->path, sizeof(m->path), "/proc/self/fd/%d", file->fd);
	m->points = calloc(count ? count : 1, sizeof(*points));
	if (!m->points)
		return -ENOMEM;
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

/* One point after the other, each with a question whether it may stay. */
static int member_open_each(const struct probe_set *set, struct member *m,
                            bool (*keep)(void *keeper), void *keeper)
{
	int attached = 0, refused = -ENODATA;

	for (size_t i = 0; i < m->count; i++) {
		struct probe_point *p = &m->points[i];
		struct probe_links *links = NULL;
		int rc = probe_links_open(set->program, set->mode, m->path, m->pid, p, 1, &links);

		if (rc > 0 && !keep(keeper))
			rc = -EDQUOT;
		if (rc > 0 && probe_links_join(&m->links, links))
			rc = -ENOMEM;
		if (rc > 0) {
			attached++;
			continue;
		}
		probe_links_close(links);
		p->error = refused = rc;
	}
	return attached ? attached : refused;
}

int probe_set_open_each(struct probe_set *set, bool (*keep)(void *keeper), void *keeper,
                        void (*failed)(void *ctx, const struct probe_point *point), void *ctx)
{
	int attached = 0, refused = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct member *m = &set->members[i];
		int rc;

		if (m->links || !m->count)
			continue;
		if (!member_unchanged(m)) {
			refused = -ESTALE;
			continue;
		}
		rc = keep ? member_open_each(set, m, keep, keeper)
		          : probe_links_open(set->program, set->mode, m->path, m->pid, m->points,
		                             m->count, &m->links);
		set->open = set->open || rc > 0;
		if (rc > 0)
			attached += m->told ? rc : 0;
		else
			refused = rc;
		if (rc > 0 || keep)
			member_prune(m, m->told ? failed : NULL, ctx);
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
	struct probe_links *all[CLOSE_AT_ONCE];
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		all[count++] = set->members[i].links;
		set->members[i].links = NULL;
		if (count < CLOSE_AT_ONCE && i + 1 < set->count)
			continue;
		probe_links_close_all(all, count);
		count = 0;
	}
	set->open = false;
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

void probe_set_destroy(struct probe_set *set)
{
	if (!set)
		return;
	probe_set_close(set);
	for (size_t i = 0; i < set->count; i++)
		free(set->members[i].points);
	free(set->members);
	free(set);
}
