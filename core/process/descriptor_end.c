/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* statx(), reallocarray() */
#include "core/process/descriptor_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/process/socket_ends.h"

#define DESCRIPTORS_MAX 65536
#define VIEWS           64 /* processes that something is kept of */
#define KEPT_NS         UINT64_C(1000000000)
#define PAUSE_NS        UINT64_C(50000000)
#define SHARE           100 /* at most this part of the time is spent on looking */

enum kind { KIND_OTHER, KIND_PATH, KIND_PIPE, KIND_SOCKET };
enum answer { ANSWER_NOT_ASKED, ANSWER_NO, ANSWER_YES };

struct end {
	uint64_t descriptor;
	uint64_t link;  /* hash of the link's text: which file it is */
	uint64_t inode; /* pipes and sockets */
	uint64_t since; /* when the answer became ANSWER_YES; 0: it is not */
	enum kind kind;
	enum answer answer;
	bool reads;
	bool other_terminal; /* the controlling side of one */
};

/* What is known of a process: all of its descriptors. */
struct view {
	pid_t pid; /* 0: none */
	uint64_t read_ns, used_ns;
	uint64_t cost_ns; /* CPU time of reading it */
	struct end *ends; /* by descriptor */
	size_t count;
};

struct descriptor_ends {
	struct view views[VIEWS];
};

/* ---- one descriptor ------------------------------------------------------------------------ */

static uint64_t text_hash(const char *text) /* FNV-1a */
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
	return hash;
}

/* text has room for PATH_MAX. */
static bool link_read(int folder, const char *name, char *text)
{
	ssize_t length = readlinkat(folder, name, text, PATH_MAX - 1);

	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

static bool ends_in(const char *text, const char *tail)
{
	size_t length = strlen(text), tail_length = strlen(tail);

	return length >= tail_length && strcmp(text + length - tail_length, tail) == 0;
}

static struct end end_of_link(uint64_t descriptor, const char *link)
{
	struct end end = {.descriptor = descriptor,
	                  .link = text_hash(link),
	                  .answer = ANSWER_NO,
	                  .other_terminal = ends_in(link, "/ptmx")};

	if (sscanf(link, "pipe:[%" SCNu64 "]", &end.inode) == 1) {
		end.kind = KIND_PIPE;
	} else if (sscanf(link, "socket:[%" SCNu64 "]", &end.inode) == 1) {
		end.kind = KIND_SOCKET;
	} else if (*link == '/' && strncmp(link, "/memfd:", 7) != 0 &&
	           strncmp(link, "/dev/shm/", 9) != 0 && !end.other_terminal) {
		end.kind = KIND_PATH;
		end.answer = ANSWER_NOT_ASKED;
	}
	return end;
}

/* ---- all descriptors of a process ---------------------------------------------------------- */

static int ends_order(const void *a, const void *b)
{
	return socket_ends_order(&((const struct end *)a)->descriptor,
	                         &((const struct end *)b)->descriptor);
}

static int folder_open(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int end_add(struct view *view, size_t *room, const struct end *end)
{
	size_t wanted = *room ? *room * 2 : 64;
	struct end *grown;

	if (view->count == DESCRIPTORS_MAX)
		return -E2BIG;
	if (view->count == *room) {
		grown = reallocarray(view->ends, wanted, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		view->ends = grown;
		*room = wanted;
	}
	view->ends[view->count++] = *end;
	return 0;
}

/* The link's mode says for what the file is open: fs/proc/fd.c, tid_fd_update_inode(). */
static bool is_readable(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_mode & S_IRUSR;
}

static int view_list(struct view *view)
{
	int folder = folder_open(view->pid), rc = 0;
	DIR *list = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;
	char link[PATH_MAX];
	size_t room = 0;

	if (!list) {
		if (folder >= 0)
			close(folder);
		return -ESRCH;
	}
	while (rc == 0 && (entry = readdir(list)) != NULL) {
		struct end end;

		if (*entry->d_name == '.' || !link_read(folder, entry->d_name, link))
			continue;
		end = end_of_link(strtoull(entry->d_name, NULL, 10), link);
		end.reads = end.kind != KIND_SOCKET && is_readable(folder, entry->d_name);
		rc = end_add(view, &room, &end);
	}
	closedir(list);
	if (rc == 0 && view->count)
		qsort(view->ends, view->count, sizeof(*view->ends), ends_order);
	return rc;
}

static struct end *view_find(const struct view *view, uint64_t descriptor)
{
	struct end key = {.descriptor = descriptor};

	return view->count ? bsearch(&key, view->ends, view->count, sizeof(key), ends_order) : NULL;
}

/* Inodes of a kind, sorted, of two lists (one may be NULL); of those that read, if asked for. */
struct inodes {
	uint64_t *all;
	size_t count;
};

static int inodes_collect(const struct view *first, const struct view *second, enum kind kind,
                          struct inodes *out)
{
	const struct view *views[] = {first, second};

	*out = (struct inodes){
	        calloc(first->count + (second ? second->count : 0) + 1, sizeof(*out->all)), 0};
	if (!out->all)
		return -ENOMEM;
	for (size_t v = 0; v < 2; v++) {
		for (size_t i = 0; views[v] && i < views[v]->count; i++) {
			const struct end *end = &views[v]->ends[i];

			if (end->kind == kind && (kind != KIND_PIPE || end->reads))
				out->all[out->count++] = end->inode;
		}
	}
	qsort(out->all, out->count, sizeof(*out->all), socket_ends_order);
	return 0;
}

/* again: the descriptors after the tables were read. */
static int view_judge(struct view *view, const struct view *again,
                      const struct socket_ends *sockets)
{
	struct inodes own = {0}, read = {0};
	int rc = inodes_collect(view, again, KIND_SOCKET, &own);

	if (rc == 0)
		rc = inodes_collect(view, again, KIND_PIPE, &read);
	for (size_t i = 0; rc == 0 && i < view->count; i++) {
		struct end *end = &view->ends[i];
		bool out = false;

		if (end->kind == KIND_SOCKET)
			out = socket_ends_outside(sockets, end->inode, own.all, own.count);
		else if (end->kind == KIND_PIPE)
			out = !bsearch(&end->inode, read.all, read.count, sizeof(*read.all),
			               socket_ends_order);
		if (out)
			end->answer = ANSWER_YES;
	}
	free(own.all);
	free(read.all);
	return rc;
}

/* Descriptors come and go while they are read, one may even change its number to one that was
 * passed already: so they are listed twice, and what either list has the process has. */
static int view_read(struct view *view)
{
	struct view again = {.pid = view->pid};
	struct socket_ends *sockets = NULL;
	struct inodes own = {0};
	int rc = view_list(view);

	if (rc == 0)
		rc = inodes_collect(view, NULL, KIND_SOCKET, &own);
	if (rc == 0)
		rc = socket_ends_read(view->pid, own.all, own.count, &sockets);
	if (rc == 0)
		rc = view_list(&again);
	if (rc == 0)
		rc = view_judge(view, &again, sockets);
	free(own.all);
	free(again.ends);
	socket_ends_free(sockets);
	return rc;
}

/* ---- files that have a path ---------------------------------------------------------------- */

/* Documentation/admin-guide/devices.txt */
static bool device_goes_out(const struct view *view, unsigned int major, unsigned int minor)
{
	if (major == 1) /* null, zero, full, random, urandom */
		return minor == 3 || minor == 5 || (minor >= 7 && minor <= 9);
	if (major != 4 && !(major == 5 && minor <= 1) && !(major >= 136 && major <= 143))
		return false;
	for (size_t i = 0; i < view->count; i++) {
		if (view->ends[i].other_terminal)
			return false;
	}
	return true;
}

static bool file_goes_out(const struct view *view, const struct end *end)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct end *other = &view->ends[i];

		if (other != end && other->link == end->link && other->reads)
			return false;
	}
	return true;
}

static bool path_goes_out(const struct view *view, const struct end *end)
{
	char path[64];
	struct statx st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%" PRIu64, (int)view->pid, end->descriptor);
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) != 0)
		return false;
	if (S_ISREG(st.stx_mode) || S_ISDIR(st.stx_mode))
		return file_goes_out(view, end);
	return S_ISCHR(st.stx_mode) && device_goes_out(view, st.stx_rdev_major, st.stx_rdev_minor);
}

/* ---- questions ----------------------------------------------------------------------------- */

/* Which file the descriptor is now; 0: none. */
static uint64_t link_now(pid_t pid, uint64_t descriptor)
{
	char path[64], link[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/fd/%" PRIu64, (int)pid, descriptor);
	return link_read(AT_FDCWD, path, link) ? text_hash(link) : 0;
}

/* The answer about the file that the descriptor is now, which link_now() said is link. */
static bool view_answer(struct view *view, uint64_t descriptor, uint64_t link)
{
	struct end *end = view_find(view, descriptor);

	if (!end || end->link != link)
		return false;
	if (end->answer == ANSWER_NOT_ASKED) {
		bool out = path_goes_out(view, end);

		if (link_now(view->pid, descriptor) != link)
			return false;
		end->answer = out ? ANSWER_YES : ANSWER_NO;
		if (!out)
			end->since = 0;
		else if (!end->since)
			end->since = clock_now();
	}
	return end->answer == ANSWER_YES;
}

bool descriptor_goes_out(pid_t pid, uint64_t descriptor)
{
	struct view view = {.pid = pid};
	bool out = false;

	if (view_read(&view) == 0)
		out = view_answer(&view, descriptor, link_now(pid, descriptor));
	free(view.ends);
	return out;
}

/* ---- kept ---------------------------------------------------------------------------------- */

struct descriptor_ends *descriptor_ends_create(void)
{
	return calloc(1, sizeof(struct descriptor_ends));
}

void descriptor_ends_destroy(struct descriptor_ends *ends)
{
	if (!ends)
		return;
	for (size_t i = 0; i < VIEWS; i++)
		free(ends->views[i].ends);
	free(ends);
}

/* The process's place, or that of the one that was not asked about for the longest time. */
static struct view *view_of(struct descriptor_ends *ends, pid_t pid)
{
	struct view *oldest = &ends->views[0];

	for (size_t i = 0; i < VIEWS; i++) {
		struct view *view = &ends->views[i];

		if (view->pid == pid)
			return view;
		if (view->used_ns < oldest->used_ns)
			oldest = view;
	}
	free(oldest->ends);
	*oldest = (struct view){.pid = pid};
	return oldest;
}

/* How long an answer has been true does not begin anew with each reading. */
static void since_keep(struct view *now, const struct view *before)
{
	for (size_t i = 0; i < now->count; i++) {
		struct end *end = &now->ends[i];
		const struct end *old = view_find(before, end->descriptor);

		if (end->answer == ANSWER_NO)
			continue;
		if (old && old->link == end->link)
			end->since = old->since;
		if (end->answer == ANSWER_YES && !end->since)
			end->since = now->read_ns;
	}
}

/* Of a process whose descriptors cannot be read nothing is known until the next time. */
static void view_renew(struct view *view)
{
	struct view fresh = {.pid = view->pid, .used_ns = view->used_ns};
	uint64_t began = clock_read(CLOCK_THREAD_CPUTIME_ID);

	if (view_read(&fresh)) {
		free(fresh.ends);
		fresh.ends = NULL;
		fresh.count = 0;
	}
	fresh.read_ns = clock_now();
	fresh.cost_ns = clock_read(CLOCK_THREAD_CPUTIME_ID) - began;
	since_keep(&fresh, view);
	free(view->ends);
	*view = fresh;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The least time from one reading to the next. */
static uint64_t view_pause(const struct view *view)
{
	return larger(view->cost_ns * SHARE, PAUSE_NS);
}

static bool view_is_due(const struct view *view, uint64_t descriptor, uint64_t link, uint64_t now)
{
	const struct end *end = view_find(view, descriptor);

	if (!view->read_ns)
		return true;
	if (now - view->read_ns < view_pause(view))
		return false;
	return !end || end->link != link || now - view->read_ns > KEPT_NS;
}

bool descriptor_ends_went_out(struct descriptor_ends *ends, pid_t pid, uint64_t descriptor,
                              uint64_t written_ns)
{
	uint64_t now = clock_now(), link = pid > 0 ? link_now(pid, descriptor) : 0;
	const struct end *end;
	struct view *view;

	if (!link)
		return false;
	view = view_of(ends, pid);
	view->used_ns = now;
	if (view_is_due(view, descriptor, link, now))
		view_renew(view);
	if (!view_answer(view, descriptor, link))
		return false;
	end = view_find(view, descriptor);
	return end && end->since <= written_ns;
}

bool descriptor_ends_goes_out(struct descriptor_ends *ends, pid_t pid, uint64_t descriptor)
{
	return descriptor_ends_went_out(ends, pid, descriptor, UINT64_MAX);
}
