/* SPDX-License-Identifier: MIT */
/* Where no lease keeps writers out of a file, a process that runs it does: which ones do. */
#define _GNU_SOURCE /* SYS_pidfd_open */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/attach/link_keeper_internal.h"
#include "core/process/go_process.h"

#define SCAN_NS 1000000000ULL

void link_keeper_runners_forget(struct known_file *f)
{
	for (size_t i = 0; i < f->runner_count; i++)
		close(f->runners[i].pidfd);
	free(f->runners);
	f->runners = NULL;
	f->runner_count = 0;
}

void link_keeper_runners_tell(struct link_keeper *k, int file)
{
	const struct known_file *f = &k->files[file];

	for (size_t i = 0; i < f->runner_count; i++)
		link_keeper_ask(k, KEEPER_RUNNER, file, f->runners[i].pid, f->runners[i].pidfd);
}

static bool is_known(struct link_keeper *k, const struct known_file *f, pid_t pid)
{
	bool known = false;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; !known && i < f->runner_count; i++)
		known = f->runners[i].pid == pid;
	pthread_mutex_unlock(&k->lock);
	return known;
}

static int note(struct link_keeper *k, struct known_file *f, pid_t pid, int pidfd)
{
	void *more;

	pthread_mutex_lock(&k->lock);
	more = reallocarray(f->runners, f->runner_count + 1, sizeof(*f->runners));
	if (more) {
		f->runners = more;
		f->runners[f->runner_count++] = (struct runner){pid, pidfd};
	}
	pthread_mutex_unlock(&k->lock);
	return more ? 0 : -ENOMEM;
}

int link_keeper_runner_add(struct link_keeper *k, int file, pid_t pid)
{
	int pidfd, rc;

	if (file < 0 || file >= LINK_KEEPER_FILES ||
	    link_keeper_file_state(k, file) == LINK_FILE_LEASED ||
	    is_known(k, &k->files[file], pid))
		return 0;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	rc = link_keeper_ask(k, KEEPER_RUNNER, file, pid, pidfd);
	if (rc || note(k, &k->files[file], pid, pidfd))
		close(pidfd);
	return rc;
}

/* ---- looking for them -------------------------------------------------------------------- */

static void ended_forget(struct link_keeper *k, struct known_file *f)
{
	size_t kept = 0;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < f->runner_count; i++) {
		struct pollfd end = {.fd = f->runners[i].pidfd, .events = POLLIN};

		if (poll(&end, 1, 0) > 0 || !go_process_runs(f->runners[i].pid, &f->identity))
			close(f->runners[i].pidfd);
		else
			f->runners[kept++] = f->runners[i];
	}
	f->runner_count = kept;
	pthread_mutex_unlock(&k->lock);
}

static bool needs_runners(const struct link_keeper *k, int file)
{
	enum link_file_state state = link_keeper_file_state(k, file);

	return k->files[file].fd >= 0 && (state == LINK_FILE_RUNNING || state == LINK_FILE_IDLE ||
	                                  state == LINK_FILE_WRITTEN);
}

static void process_look(struct link_keeper *k, pid_t pid)
{
	for (int i = 0; i < LINK_KEEPER_FILES; i++)
		if (needs_runners(k, i) && go_process_runs(pid, &k->files[i].identity))
			link_keeper_runner_add(k, i, pid);
}

/* A look at all processes takes some milliseconds: only where a file has no lease. */
void link_keeper_runners_look(struct link_keeper *k, uint64_t now_ns)
{
	const struct dirent *entry;
	bool needed = false;
	DIR *proc;

	if (now_ns - k->scanned_ns < SCAN_NS)
		return;
	k->scanned_ns = now_ns;
	for (int i = 0; i < LINK_KEEPER_FILES; i++) {
		if (!needs_runners(k, i))
			continue;
		needed = true;
		ended_forget(k, &k->files[i]);
	}
	proc = needed ? opendir("/proc") : NULL;
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			process_look(k, atoi(entry->d_name));
	if (proc)
		closedir(proc);
}
