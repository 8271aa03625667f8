/* SPDX-License-Identifier: MIT */
#include "bpf/watch/follow_events.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FILES_MAX   64
#define FOLDERS_MAX 2 /* of the path, and of what it names */
#define FOLDER_MASK                                                                         \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | \
	 IN_ATTRIB)
#define EVENTS_BYTES 8192

struct folder {
	char path[PATH_MAX], name[NAME_MAX + 1]; /* the folder, and the name in it that matters */
	int wd;                                  /* -1: not watched */
};

struct file {
	int fd, wd;
	bool written;
};

struct follow_events {
	char path[PATH_MAX];
	int fd;
	struct folder folders[FOLDERS_MAX];
	struct file files[FILES_MAX];
	size_t file_count;
};

/* ---- folders ------------------------------------------------------------------------- */

static void folder_watch(struct follow_events *e, struct folder *folder, const char *path)
{
	char copy[PATH_MAX], name[PATH_MAX];
	int wd;

	snprintf(copy, sizeof(copy), "%s", path);
	snprintf(name, sizeof(name), "%s", path);
	snprintf(folder->path, sizeof(folder->path), "%s", dirname(copy));
	snprintf(folder->name, sizeof(folder->name), "%.*s", NAME_MAX, basename(name));
	wd = inotify_add_watch(e->fd, folder->path, FOLDER_MASK | IN_ONLYDIR);
	if (folder->wd >= 0 && folder->wd != wd)
		inotify_rm_watch(e->fd, folder->wd);
	folder->wd = wd;
}

/* Any of them may be another one by now. */
static void folders_watch(struct follow_events *e)
{
	char whole[PATH_MAX];

	folder_watch(e, &e->folders[0], e->path);
	if (!realpath(e->path, whole)) /* missing now: what it named last is still looked at */
		return;
	/* The same folder and name as the path's own, where that is no link. */
	if (e->folders[1].wd == e->folders[0].wd)
		e->folders[1].wd = -1;
	folder_watch(e, &e->folders[1], whole);
}

/* ---- files --------------------------------------------------------------------------- */

void follow_events_file_add(struct follow_events *e, int fd)
{
	char path[32];
	struct file *file = &e->files[e->file_count];

	if (e->file_count == FILES_MAX)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*file = (struct file){.fd = fd, .wd = inotify_add_watch(e->fd, path, IN_MODIFY)};
	if (file->wd >= 0)
		e->file_count++;
}

void follow_events_file_remove(struct follow_events *e, int fd)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->file_count; i++) {
		if (e->files[i].fd == fd)
			inotify_rm_watch(e->fd, e->files[i].wd);
		else
			e->files[kept++] = e->files[i];
	}
	e->file_count = kept;
}

bool follow_events_written(const struct follow_events *e, int fd)
{
	for (size_t i = 0; i < e->file_count; i++)
		if (e->files[i].fd == fd)
			return e->files[i].written;
	return false;
}

/* ---- what happened ------------------------------------------------------------------- */

static void event_take(struct follow_events *e, const struct inotify_event *event, bool *closed)
{
	for (size_t i = 0; i < e->file_count; i++)
		if (e->files[i].wd == event->wd && event->mask & IN_MODIFY)
			e->files[i].written = true;
	for (size_t i = 0; i < FOLDERS_MAX; i++) {
		const struct folder *folder = &e->folders[i];

		if (folder->wd != event->wd || !event->len ||
		    strcmp(folder->name, event->name) != 0)
			continue;
		if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
			*closed = true;
		else if (event->mask & (IN_MODIFY | IN_CREATE))
			*closed = false;
	}
}

void follow_events_take(struct follow_events *e, bool *closed)
{
	char buf[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while (e->fd >= 0 && (n = read(e->fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buf + at);

			event_take(e, event, closed);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	if (e->fd >= 0)
		folders_watch(e);
}

/* ---- life ---------------------------------------------------------------------------- */

int follow_events_open(const char *path, struct follow_events **out)
{
	struct follow_events *e = calloc(1, sizeof(*e));

	*out = e;
	if (!e)
		return -ENOMEM;
	snprintf(e->path, sizeof(e->path), "%s", path);
	for (size_t i = 0; i < FOLDERS_MAX; i++)
		e->folders[i].wd = -1;
	e->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (e->fd >= 0)
		folders_watch(e);
	return 0;
}

void follow_events_close(struct follow_events *e)
{
	if (!e)
		return;
	if (e->fd >= 0)
		close(e->fd);
	free(e);
}

int follow_events_fd(const struct follow_events *e)
{
	return e->fd;
}
