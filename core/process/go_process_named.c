/* SPDX-License-Identifier: MIT */
/* The half of go_process.h that people's words lead to: names of processes, ids of threads. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/small_file.h"
#include "core/process/go_process.h"

#define GONE     " (deleted)" /* what the kernel puts behind the path of a file without a name */
#define COMM_MAX 16           /* longer names are cut off by the kernel */

static bool comm_read(pid_t pid, char out[COMM_MAX + 1])
{
	char path[PROC_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (small_file_read(path, out, COMM_MAX + 1) <= 0)
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

void go_process_name(pid_t pid, char *out, size_t size)
{
	char path[PATH_MAX + sizeof(GONE)], comm[COMM_MAX + 1];
	size_t length;
	const char *slash;

	if (go_process_executable(pid, path, sizeof(path))) {
		snprintf(out, size, "%s", comm_read(pid, comm) ? comm : "?");
		return;
	}
	length = strlen(path);
	if (length > strlen(GONE) && strcmp(path + length - strlen(GONE), GONE) == 0)
		path[length - strlen(GONE)] = '\0';
	slash = strrchr(path, '/');
	snprintf(out, size, "%s", slash ? slash + 1 : path);
}

static bool is_called(pid_t pid, const char *name)
{
	char comm[COMM_MAX + 1], file[NAME_MAX + 1];

	go_process_name(pid, file, sizeof(file));
	return strcmp(file, name) == 0 || (comm_read(pid, comm) && strcmp(comm, name) == 0);
}

size_t go_process_named(const char *name, pid_t *pids, size_t max)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;

		if (pid <= 0 || pid == getpid() || !is_called(pid, name))
			continue;
		if (count < max)
			pids[count] = pid;
		count++;
	}
	if (proc)
		closedir(proc);
	return count;
}

/* A line "Key:<tab>value" of /proc/PID/status. */
static bool status_line(pid_t pid, const char *key, char *out, size_t size)
{
	char path[PROC_PATH_MAX], text[4096], *line;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (small_file_read(path, text, sizeof(text)) <= 0)
		return false;
	line = strstr(text, key);
	if (!line)
		return false;
	line += strlen(key);
	line += strspn(line, " \t");
	line[strcspn(line, "\n")] = '\0';
	snprintf(out, size, "%s", line);
	return true;
}

pid_t go_process_of_thread(pid_t tid)
{
	char text[32];

	return status_line(tid, "\nTgid:", text, sizeof(text)) ? atoi(text) : -ESRCH;
}

bool go_process_over(pid_t pid)
{
	char text[32];

	return !status_line(pid, "\nState:", text, sizeof(text)) || *text == 'Z' || *text == 'X';
}
