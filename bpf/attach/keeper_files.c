/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_SETLEASE */
#include "bpf/attach/keeper_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/process/go_process.h"

struct guarded {
	int fd; /* -1: not in use */
	char path[32];
	struct file_identity identity;
	struct keeper_runner *runners;
	size_t runner_count;
	bool leased;
};

struct keeper_files {
	atomic_uint *states;
	struct guarded files[LINK_KEEPER_FILES];
};

int keeper_files_create(atomic_uint *states, struct keeper_files **out)
{
	struct keeper_files *k = calloc(1, sizeof(*k));

	*out = k;
	if (!k)
		return -ENOMEM;
	k->states = states;
	for (int i = 0; i < LINK_KEEPER_FILES; i++)
		k->files[i].fd = -1;
	return 0;
}

static struct guarded *file_at(struct keeper_files *k, int file)
{
	if (file < 0 || file >= LINK_KEEPER_FILES || k->files[file].fd < 0)
		return NULL;
	return &k->files[file];
}

static enum link_file_state state_of(const struct keeper_files *k, int file)
{
	return atomic_load(&k->states[file]);
}

static void state_set(struct keeper_files *k, int file, enum link_file_state state)
{
	atomic_store(&k->states[file], state);
}

/* ---- what keeps writers out ------------------------------------------------------------ */

/* 0, or -errno: -EAGAIN means that the file is open for writing, or that an NFS server gives no
 * delegation; -EACCES another user's file; -EINVAL a file system without leases. */
static int lease_take(struct guarded *g)
{
	if (fcntl(g->fd, F_SETLEASE, F_RDLCK))
		return -errno;
	g->leased = true;
	return 0;
}

/* From the moment in which a writer opens the file the kernel says what the lease must become. */
static bool lease_is_broken(const struct guarded *g)
{
	return g->leased && fcntl(g->fd, F_GETLEASE) != F_RDLCK;
}

static void lease_give(struct guarded *g)
{
	if (g->leased)
		fcntl(g->fd, F_SETLEASE, F_UNLCK);
	g->leased = false;
}

bool keeper_runner_is_gone(const struct keeper_runner *runner)
{
	struct pollfd p = {.fd = runner->pidfd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

/* How many are left. One that has executed another program does not keep writers out any more. */
static size_t runners_look(struct guarded *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->runner_count; i++) {
		if (keeper_runner_is_gone(&g->runners[i]) ||
		    !go_process_runs(g->runners[i].pid, &g->identity))
			close(g->runners[i].pidfd);
		else
			g->runners[kept++] = g->runners[i];
	}
	g->runner_count = kept;
	return kept;
}

static bool is_unwritten(const struct guarded *g)
{
	struct file_identity now;

	return !file_identity_read(g->fd, &now) && file_identity_unwritten(&g->identity, &now);
}

/* While the lease holds nothing can have been written. touch(1) sets the time of modification
 * without opening the file, so it is not asked about here. */
static bool is_as_long(const struct guarded *g)
{
	struct file_identity now;

	return !file_identity_read(g->fd, &now) && now.size == g->identity.size;
}

/* Is it as it was when nothing kept writers out? Times can be set back, that of the change
 * cannot. */
static bool is_untouched(const struct guarded *g)
{
	struct file_identity now;

	return !file_identity_read(g->fd, &now) && file_identity_same(&g->identity, &now);
}

static void guard(struct keeper_files *k, int file)
{
	struct guarded *g = &k->files[file];
	int rc = lease_take(g);

	if (!is_untouched(g)) {
		lease_give(g);
		state_set(k, file, LINK_FILE_STALE);
	} else if (!rc) {
		state_set(k, file, LINK_FILE_LEASED);
	} else if (runners_look(g)) {
		state_set(k, file, LINK_FILE_RUNNING);
	} else {
		state_set(k, file, rc == -EAGAIN ? LINK_FILE_WRITTEN : LINK_FILE_IDLE);
	}
}

/* ---- the table ------------------------------------------------------------------------- */

/* wanted, when it is free; -1: the first that is; else LINK_KEEPER_FILES. */
static int row_find(const struct keeper_files *k, int wanted)
{
	int file = 0;

	if (wanted >= 0)
		return wanted < LINK_KEEPER_FILES && k->files[wanted].fd < 0 ? wanted
		                                                             : LINK_KEEPER_FILES;
	while (file < LINK_KEEPER_FILES && k->files[file].fd >= 0)
		file++;
	return file;
}

int keeper_files_add(struct keeper_files *k, int wanted, int fd,
                     const struct file_identity *identity)
{
	struct file_identity now;
	int file = row_find(k, wanted), rc = file_identity_read(fd, &now);

	if (file == LINK_KEEPER_FILES)
		rc = -ENOSPC;
	else if (!rc && !file_identity_same(identity, &now))
		rc = -ESTALE;
	if (rc) {
		close(fd);
		return rc;
	}
	k->files[file] = (struct guarded){.fd = fd, .identity = *identity};
	snprintf(k->files[file].path, sizeof(k->files[file].path), "/proc/self/fd/%d", fd);
	guard(k, file);
	return file;
}

void keeper_files_remove(struct keeper_files *k, int file)
{
	struct guarded *g = file_at(k, file);

	if (!g)
		return;
	lease_give(g);
	for (size_t i = 0; i < g->runner_count; i++)
		close(g->runners[i].pidfd);
	free(g->runners);
	close(g->fd);
	*g = (struct guarded){.fd = -1};
	state_set(k, file, LINK_FILE_NONE);
}

int keeper_files_runner(struct keeper_files *k, int file, pid_t pid, int pidfd)
{
	struct guarded *g = file_at(k, file);
	void *more = NULL;

	if (g)
		more = reallocarray(g->runners, g->runner_count + 1, sizeof(*g->runners));
	if (!more) {
		close(pidfd);
		return g ? -ENOMEM : -ENOENT;
	}
	g->runners = more;
	g->runners[g->runner_count++] = (struct keeper_runner){pid, pidfd};
	if (state_of(k, file) == LINK_FILE_IDLE || state_of(k, file) == LINK_FILE_WRITTEN)
		guard(k, file);
	return 0;
}

ssize_t keeper_files_runners(struct keeper_files *k, int file, struct keeper_runner **out)
{
	struct guarded *g = file_at(k, file);
	struct keeper_runner *runners;
	ssize_t count = 0;

	*out = NULL;
	if (!g || state_of(k, file) != LINK_FILE_RUNNING)
		return 0;
	runners = calloc(g->runner_count + 1, sizeof(*runners));
	if (!runners)
		return -ENOMEM;
	for (size_t i = 0; i < g->runner_count; i++) {
		runners[count] = g->runners[i];
		runners[count].pidfd = fcntl(g->runners[i].pidfd, F_DUPFD_CLOEXEC, 0);
		if (runners[count].pidfd < 0) {
			int rc = -errno;

			keeper_runners_free(runners, (size_t)count);
			return rc;
		}
		count++;
	}
	*out = runners;
	return count;
}

void keeper_runners_free(struct keeper_runner *runners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(runners[i].pidfd);
	free(runners);
}

bool keeper_files_is_leased(const struct keeper_files *k, int file)
{
	return file >= 0 && file < LINK_KEEPER_FILES && state_of(k, file) == LINK_FILE_LEASED;
}

const char *keeper_files_path(const struct keeper_files *k, int file)
{
	if (file < 0 || file >= LINK_KEEPER_FILES || k->files[file].fd < 0)
		return NULL;
	return k->files[file].path;
}

int keeper_files_refusal(struct keeper_files *k, int file)
{
	struct guarded *g = file_at(k, file);

	if (!g)
		return -EBADF;
	switch (state_of(k, file)) {
	case LINK_FILE_LEASED:
		return lease_is_broken(g) ? -ETXTBSY : 0;
	case LINK_FILE_RUNNING:
		return runners_look(g) ? 0 : -ENOENT;
	case LINK_FILE_WRITTEN:
		return -ETXTBSY;
	case LINK_FILE_IDLE:
		return -ENOENT;
	default:
		return -ESTALE;
	}
}

bool keeper_files_look(struct keeper_files *k, int file)
{
	struct guarded *g = file_at(k, file);

	if (!g)
		return false;
	switch (state_of(k, file)) {
	case LINK_FILE_LEASED:
		if (!lease_is_broken(g) && is_as_long(g))
			return false;
		state_set(k, file, LINK_FILE_STALE);
		return true;
	case LINK_FILE_RUNNING:
		if (!is_unwritten(g)) {
			state_set(k, file, LINK_FILE_STALE);
			return true;
		}
		if (runners_look(g))
			return false;
		state_set(k, file, LINK_FILE_IDLE);
		return true;
	case LINK_FILE_WRITTEN:
	case LINK_FILE_IDLE:
		guard(k, file); /* the writer may have closed it; a process may run it */
		return false;
	default:
		return false;
	}
}

void keeper_files_release(struct keeper_files *k, int file)
{
	struct guarded *g = file_at(k, file);

	if (g && state_of(k, file) == LINK_FILE_STALE)
		lease_give(g);
}
