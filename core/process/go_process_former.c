/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/process/go_process.h"

/* What the kernel puts behind the path of a file that has no name any more. */
#define GONE " (deleted)"

static bool runs_former(pid_t pid, const char *path)
{
	char name[PATH_MAX + sizeof(GONE)];
	size_t len = strlen(path);

	return go_process_executable(pid, name, sizeof(name)) == 0 &&
	       strncmp(name, path, len) == 0 && strcmp(name + len, GONE) == 0;
}

/* The next process of /proc, or 0 at the end. */
static pid_t process_next(DIR *proc)
{
	const struct dirent *entry;

	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			return atoi(entry->d_name);
	return 0;
}

size_t go_process_former(const char *path, pid_t *pids, size_t max)
{
	char whole[PATH_MAX];
	DIR *proc = realpath(path, whole) ? opendir("/proc") : NULL;
	size_t count = 0;
	pid_t pid;

	while (proc && (pid = process_next(proc))) {
		if (!runs_former(pid, whole))
			continue;
		if (count < max)
			pids[count] = pid;
		count++;
	}
	if (proc)
		closedir(proc);
	return count;
}

bool go_process_runs(pid_t pid, const struct file_identity *file)
{
	char path[PROC_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return !stat(path, &st) && st.st_dev == file->device && st.st_ino == file->inode;
}

size_t go_process_runners_list(const struct file_identity *file, pid_t *pids, size_t max)
{
	DIR *proc = opendir("/proc");
	size_t count = 0;
	pid_t pid;

	while (proc && (pid = process_next(proc))) {
		if (!go_process_runs(pid, file))
			continue;
		if (count < max)
			pids[count] = pid;
		count++;
	}
	if (proc)
		closedir(proc);
	return count;
}

size_t go_process_runners(const struct file_identity *file)
{
	return go_process_runners_list(file, NULL, 0);
}
