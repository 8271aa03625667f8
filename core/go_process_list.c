/* SPDX-License-Identifier: MIT */
/*
 * The list half of go_process.h: every process of /proc that runs a Go executable.
 */
#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/go_process.h"
#include "core/small_file.h"

/* What an executable turned out to be; most on a host are no Go programs, and that is worth
 * remembering just as well. */
struct known_file {
	dev_t device;
	ino_t inode;
	struct timespec modified;
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
};

int go_process_list_create(struct go_process_list **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void go_process_list_destroy(struct go_process_list *list)
{
	if (!list)
		return;
	free(list->files);
	free(list->cpus);
	free(list->cpus_before);
	free(list);
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

/* The look that costs nothing: most executables of a host are ELF, but none of its scripts,
 * 32-bit programs and vanished files needs to be mapped and searched. */
static bool may_be_go(const char *path)
{
	unsigned char ident[EI_NIDENT];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool may;

	if (fd < 0)
		return false;
	may = read(fd, ident, sizeof(ident)) == (ssize_t)sizeof(ident) &&
	      memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == ELFCLASS64;
	close(fd);
	return may;
}

static void file_identify(struct known_file *file, const char *path)
{
	struct go_binary *binary = NULL;

	if (may_be_go(path) && go_binary_open(path, &binary, NULL) == 0)
		snprintf(file->go_version, sizeof(file->go_version), "%s",
		         go_binary_version(binary));
	go_binary_close(binary);
}

static bool same_file(const struct known_file *file, const struct stat *st)
{
	return file->device == st->st_dev && file->inode == st->st_ino &&
	       file->modified.tv_sec == st->st_mtim.tv_sec &&
	       file->modified.tv_nsec == st->st_mtim.tv_nsec;
}

/* Go version of the executable of a process, or NULL. */
static const char *go_version_of(struct go_process_list *list, const char *path)
{
	struct known_file *grown, *file;
	struct stat st;
	size_t i;

	if (stat(path, &st) < 0)
		return NULL;
	for (i = 0; i < list->file_count && !same_file(&list->files[i], &st); i++)
		;
	if (i == list->file_count) {
		grown = array_grow(list->files, i, &list->file_room, sizeof(*file));
		if (!grown)
			return NULL;
		list->files = grown;
		file = &list->files[list->file_count++];
		*file = (struct known_file){
		        .device = st.st_dev, .inode = st.st_ino, .modified = st.st_mtim};
		file_identify(file, path);
	}
	return list->files[i].go_version[0] ? list->files[i].go_version : NULL;
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

static void user_read(const char *proc_dir, char *out, size_t size)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];
	struct stat st;

	if (stat(proc_dir, &st) < 0) {
		snprintf(out, size, "?");
		return;
	}
	if (getpwuid_r(st.st_uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(out, size, "%s", entry.pw_name);
	else
		snprintf(out, size, "%u", (unsigned int)st.st_uid);
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
	clock_gettime(CLOCK_REALTIME, &now);
	list->scanned_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool row_fill(struct go_process_list *list, pid_t pid, struct go_process_row *row)
{
	char path[PROC_PATH_MAX];
	const char *version;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	version = go_version_of(list, path);
	if (!version)
		return false;
	*row = (struct go_process_row){.pid = pid};
	snprintf(row->go_version, sizeof(row->go_version), "%s", version);
	command_read(pid, row->command, sizeof(row->command));
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	user_read(path, row->user, sizeof(row->user));
	row->cpu_percent = cpu_percent(list, pid);
	return true;
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
		if (*end == '\0' && (pid_t)pid != getpid() &&
		    row_fill(list, (pid_t)pid, &rows[count]))
			count++;
	}
	closedir(proc);
	qsort(rows, count, sizeof(*rows), by_cpu);
	return count;
}
