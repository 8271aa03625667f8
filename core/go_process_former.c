/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/go_process.h"

/* What the kernel puts behind the path of a file that has no name any more. */
#define GONE " (deleted)"

static bool runs_former(pid_t pid, const char *path)
{
	char name[PATH_MAX + sizeof(GONE)];
	size_t len = strlen(path);

	return go_process_executable(pid, name, sizeof(name)) == 0 &&
	       strncmp(name, path, len) == 0 && strcmp(name + len, GONE) == 0;
}

size_t go_process_former(const char *path, pid_t *pids, size_t max)
{
	const struct dirent *entry;
	char whole[PATH_MAX];
	DIR *proc = realpath(path, whole) ? opendir("/proc") : NULL;
	size_t count = 0;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) || !runs_former(pid, whole))
			continue;
		if (count < max)
			pids[count] = pid;
		count++;
	}
	if (proc)
		closedir(proc);
	return count;
}
