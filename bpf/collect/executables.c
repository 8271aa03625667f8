/* SPDX-License-Identifier: MIT */
#include "bpf/collect/executables.h"

#include <errno.h>
#include <stdlib.h>

struct executable {
	struct collector_executable what;
	struct go_binary *binary; /* of the collector's thread; NULL: not read */
	bool tried;
	atomic_bool removed;
	struct executable *next;
};

struct executables {
	struct executable
	        *_Atomic first; /* the latest: another thread puts further ones in front */
};

int executables_create(struct executables **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void executables_destroy(struct executables *list)
{
	if (!list)
		return;
	for (struct executable *e = list->first, *next; e; e = next) {
		next = e->next;
		go_binary_close(e->binary);
		free(e);
	}
	free(list);
}

/* What was read belongs to what was read before, or there is nothing to read. */
static int executable_read(struct executable *e)
{
	int fd = go_binary_descriptor(e->what.binary);
	struct file_identity now;
	int rc = go_binary_open_fd(fd, "executable", &e->binary, NULL);

	e->tried = true;
	if (rc)
		return rc;
	if (!file_identity_read(fd, &now) && file_identity_unwritten(&now, &e->what.seen))
		return 0;
	go_binary_close(e->binary);
	e->binary = NULL;
	return -ESTALE;
}

int executables_add(struct executables *list, const struct collector_executable *what,
                    struct executable **out)
{
	struct executable *e = calloc(1, sizeof(*e));
	int rc = 0;

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->what = *what;
	/* Not by the collector's thread, which has a ring to empty meanwhile. */
	if (go_binary_layout_trust(what->binary) == GO_LAYOUT_UNVERIFIED)
		rc = executable_read(e);
	if (rc) {
		free(e);
		return rc;
	}
	e->next = list->first;
	list->first = e;
	*out = e;
	return 0;
}

void executables_remove(struct executables *list, size_t row)
{
	for (struct executable *e = list->first; e; e = e->next)
		if (e->what.row == row)
			e->removed = true;
}

struct executable *executables_of_row(const struct executables *list, size_t row)
{
	for (struct executable *e = list->first; e; e = e->next)
		if (e->what.row == row && !e->removed)
			return e;
	return NULL;
}

const struct collector_executable *executable_what(const struct executable *e)
{
	return &e->what;
}

bool executable_is_removed(const struct executable *e)
{
	return e->removed;
}

struct go_binary *executable_binary(struct executable *e)
{
	if (!e->tried)
		executable_read(e);
	return e->binary;
}
