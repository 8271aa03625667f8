/* SPDX-License-Identifier: MIT */
/*
 * The list half of go_process.h: every process of /proc that runs a Go executable.
 */
#define _GNU_SOURCE /* statx() */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/small_file.h"
#include "core/process/go_process.h"
#include "core/process/parse_job.h"

#define JOBS_MAX      8 /* files that are being read at a time, */
#define JOBS_PER_USER 3 /* and how many of them of processes of one user other than root */
#define RETRY_NS      UINT64_C(30000000000)
#define FILES_MAX     16384

/* What an executable turned out to be; most on a host are no Go programs, and that is worth
 * remembering just as well. */
struct known_file {
	uint32_t device_major, device_minor;
	uint64_t inode;
	struct statx_timestamp modified;
	uint64_t seen; /* number of the last scan in which a process ran it */
	uid_t user;    /* of the process that it is read for */
	struct parse_job *job;
	uint64_t failed_ns;  /* CLOCK_MONOTONIC of an attempt that got no answer; 0: none */
	bool known;          /* read, or given up */
	char go_version[64]; /* empty: not Go, or too old to be watched */
};

struct known_cpu {
	pid_t pid;
	uint64_t started_ns, cpu_ns;
};

struct go_process_list {
	struct known_file *files;
	size_t file_count, file_room;
	struct known_cpu *cpus, *cpus_before;
	size_t cpu_count, cpu_room, cpu_count_before, cpu_room_before;
	uint64_t scanned_ns, scanned_before_ns; /* CLOCK_REALTIME; 0: never */
	uint64_t scans;
	struct go_process_list_hooks hooks;
};

int go_process_list_create(struct go_process_list **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void go_process_list_hook(struct go_process_list *list, const struct go_process_list_hooks *hooks)
{
	list->hooks = *hooks;
}

/* Room for one more element of an array that doubles. */
static void *array_grow(void *array, size_t count, size_t *room, size_t element)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return array;
	grown = reallocarray(array, wanted, element);
	if (grown)
		*room = wanted;
	return grown;
}

/* ---- is it Go? ----------------------------------------------------------------------------------
 */

/* Which file a process runs, as far as this host knows: a file system of another host is not asked,
 * since that may take for ever. */
static bool file_look(pid_t pid, struct statx *out)
{
	char path[PROC_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
	             STATX_TYPE | STATX_INO | STATX_MTIME, out) == 0 &&
	       S_ISREG(out->stx_mode);
}

static bool same_file(const struct known_file *file, const struct statx *st)
{
	return file->inode == st->stx_ino && file->device_major == st->stx_dev_major &&
	       file->device_minor == st->stx_dev_minor &&
	       file->modified.tv_sec == st->stx_mtime.tv_sec &&
	       file->modified.tv_nsec == st->stx_mtime.tv_nsec;
}

static struct known_file *file_find(struct go_process_list *list, const struct statx *st)
{
	struct known_file *grown;

	for (size_t i = 0; i < list->file_count; i++)
		if (same_file(&list->files[i], st))
			return &list->files[i];
	if (list->file_count == FILES_MAX)
		return NULL;
	grown = array_grow(list->files, list->file_count, &list->file_room, sizeof(*grown));
	if (!grown)
		return NULL;
	list->files = grown;
	grown += list->file_count++;
	*grown = (struct known_file){.device_major = st->stx_dev_major,
	                             .device_minor = st->stx_dev_minor,
	                             .inode = st->stx_ino,
	                             .modified = st->stx_mtime};
	return grown;
}

static void file_answer(struct known_file *file, const struct parse_answer *answer)
{
	bool unanswered = answer->status == -ETIMEDOUT || answer->status == -EIO;

	file->known = true;
	file->failed_ns = unanswered ? clock_now() : 0;
	snprintf(file->go_version, sizeof(file->go_version), "%s",
	         answer->status ? "" : answer->go_version);
}

static bool slot_free(const struct go_process_list *list, uid_t user)
{
	size_t all = 0, of_user = 0;

	for (size_t i = 0; i < list->file_count; i++)
		if (list->files[i].job) {
			all++;
			of_user += list->files[i].user == user;
		}
	return all < JOBS_MAX && (user == 0 || of_user < JOBS_PER_USER);
}

/* Begin to read it, or take the answer. What could not be read is tried again now and then. */
static void file_advance(struct go_process_list *list, struct known_file *file, pid_t pid,
                         uid_t user)
{
	bool again = file->failed_ns && clock_now() - file->failed_ns > RETRY_NS;
	struct parse_answer answer;

	if (!file->job && (!file->known || again) && slot_free(list, user)) {
		file->user = user;
		file->failed_ns = 0;
		parse_job_start(pid, -1, "the executable", &file->job);
	}
	if (file->job && parse_job_done(file->job, &answer)) {
		parse_job_destroy(file->job);
		file->job = NULL;
		file_answer(file, &answer);
	}
}

/* Files that no process runs any more, so that a host's history does not pile up. */
static void files_forget(struct go_process_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->file_count; i++) {
		if (list->files[i].seen == list->scans)
			list->files[kept++] = list->files[i];
		else
			parse_job_destroy(list->files[i].job);
	}
	list->file_count = kept;
}

int go_process_list_wait(struct go_process_list *list, int other_fd, int timeout_ms)
{
	struct pollfd fds[JOBS_MAX + 1] = {{.fd = other_fd, .events = POLLIN}};
	nfds_t count = 1;

	for (size_t i = 0; i < list->file_count && count < JOBS_MAX + 1; i++) {
		const struct parse_job *job = list->files[i].job;
		if (!job)
			continue;
		fds[count++] = (struct pollfd){.fd = parse_job_fd(job), .events = POLLIN};
		if (parse_job_left_ms(job) < timeout_ms)
			timeout_ms = parse_job_left_ms(job);
	}
	poll(fds, count, timeout_ms);
	return fds[0].revents;
}

/* ---- one row ------------------------------------------------------------------------- */

static void command_read(pid_t pid, char *out, size_t size)
{
	char path[PROC_PATH_MAX];
	ssize_t length, i;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	length = small_file_read(path, out, size);
	if (length <= 0) {
		if (go_process_executable(pid, out, size))
			snprintf(out, size, "?");
		return;
	}
	while (length > 0 && out[length - 1] == '\0')
		length--;
	for (i = 0; i < length; i++) {
		if (out[i] == '\0')
			out[i] = ' ';
	}
	out[length] = '\0';
}

static void user_read(uid_t user, char *out, size_t size)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];

	if (getpwuid_r(user, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(out, size, "%s", entry.pw_name);
	else
		snprintf(out, size, "%u", (unsigned int)user);
}

/* A start time is worked out anew each time from two clocks that drift apart a little. */
static bool same_start(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) < 50000000;
}

static const struct known_cpu *cpu_before(const struct go_process_list *list, pid_t pid,
                                          uint64_t started_ns)
{
	size_t i;

	for (i = 0; i < list->cpu_count_before; i++) {
		if (list->cpus_before[i].pid == pid &&
		    same_start(list->cpus_before[i].started_ns, started_ns))
			return &list->cpus_before[i];
	}
	return NULL;
}

static double cpu_percent(struct go_process_list *list, pid_t pid)
{
	const struct known_cpu *before;
	struct known_cpu now = {.pid = pid}, *grown;
	uint64_t since, used;

	if (go_process_started(pid, &now.started_ns) || go_process_cpu(pid, &now.cpu_ns))
		return 0;
	before = cpu_before(list, pid, now.started_ns);
	since = before ? list->scanned_before_ns : now.started_ns;
	used = before ? now.cpu_ns - before->cpu_ns : now.cpu_ns;
	grown = array_grow(list->cpus, list->cpu_count, &list->cpu_room, sizeof(now));
	if (grown) {
		list->cpus = grown;
		list->cpus[list->cpu_count++] = now;
	}
	if (list->scanned_ns <= since)
		return 0;
	return 100.0 * (double)used / (double)(list->scanned_ns - since);
}

/* ---- the scan ------------------------------------------------------------------------ */

static void scan_begin(struct go_process_list *list)
{
	struct known_cpu *cpus = list->cpus_before;
	size_t room = list->cpu_room_before;
	struct timespec now;

	list->cpus_before = list->cpus;
	list->cpu_room_before = list->cpu_room;
	list->cpu_count_before = list->cpu_count;
	list->cpus = cpus;
	list->cpu_room = room;
	list->cpu_count = 0;
	list->scanned_before_ns = list->scanned_ns;
	list->scans++;
	clock_gettime(CLOCK_REALTIME, &now);
	list->scanned_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool row_fill(struct go_process_list *list, pid_t pid, struct go_process_row *row)
{
	struct known_file *file;
	struct stat owner;
	struct statx st;
	char path[PROC_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &owner) || !file_look(pid, &st))
		return false;
	file = file_find(list, &st);
	if (!file)
		return false;
	file->seen = list->scans;
	file_advance(list, file, pid, owner.st_uid);
	if (!file->failed_ns && !file->go_version[0])
		return false;
	*row = (struct go_process_row){.pid = pid, .unreadable = file->failed_ns != 0};
	snprintf(row->go_version, sizeof(row->go_version), "%s",
	         row->unreadable ? "not readable" : file->go_version);
	command_read(pid, row->command, sizeof(row->command));
	user_read(owner.st_uid, row->user, sizeof(row->user));
	row->cpu_percent = cpu_percent(list, pid);
	if (go_process_started(pid, &row->started_ns))
		row->started_ns = 0;
	process_unit_read(pid, row->unit);
	return true;
}

/* A process that cannot even be looked at without waiting for something. */
static void row_skip(pid_t pid, struct go_process_row *row)
{
	*row = (struct go_process_row){.pid = pid, .unreadable = true, .user = "?"};
	snprintf(row->command, sizeof(row->command), "?");
	snprintf(row->go_version, sizeof(row->go_version), "not readable");
}

static int by_cpu(const void *a, const void *b)
{
	const struct go_process_row *x = a, *y = b;

	if (x->cpu_percent != y->cpu_percent)
		return x->cpu_percent < y->cpu_percent ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

size_t go_process_list_scan(struct go_process_list *list, struct go_process_row *rows, size_t max)
{
	const struct dirent *entry;
	DIR *proc = opendir("/proc");
	size_t count = 0;
	long pid;
	char *end;

	if (!proc)
		return 0;
	scan_begin(list);
	while (count < max && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = strtol(entry->d_name, &end, 10);
		if (*end != '\0' || (pid_t)pid == getpid())
			continue;
		if (list->hooks.before && !list->hooks.before(list->hooks.ctx, (pid_t)pid)) {
			row_skip((pid_t)pid, &rows[count++]);
			continue;
		}
		if (row_fill(list, (pid_t)pid, &rows[count]))
			count++;
	}
	closedir(proc);
	files_forget(list);
	qsort(rows, count, sizeof(*rows), by_cpu);
	return count;
}
