/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* syscall() */
#include "core/process/process_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "core/base/small_file.h"

#define STATUS_MAX 4096

/* The number in column `index` of the line that begins with `name`. */
static int status_number(const char *status, const char *name, int index, unsigned int *out)
{
	const char *line = strstr(status, name);
	unsigned int values[4];

	if (!line || sscanf(line + strlen(name), "%u %u %u %u", &values[0], &values[1], &values[2],
	                    &values[3]) != 4)
		return -EPROTO;
	*out = values[index];
	return 0;
}

static void groups_read(const char *status, struct process_rights *r)
{
	const char *line = strstr(status, "\nGroups:");
	char *end;

	line = line ? line + strlen("\nGroups:") : "";
	while (r->group_count < PROCESS_GROUPS_MAX) {
		unsigned long group;

		line += strspn(line, " \t");
		group = strtoul(line, &end, 10);
		if (end == line)
			return;
		r->groups[r->group_count++] = (gid_t)group;
		line = end;
	}
}

int process_rights_read(pid_t pid, struct process_rights *out)
{
	char path[32], status[STATUS_MAX];
	unsigned int uid, gid;

	*out = (struct process_rights){0};
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (small_file_read(path, status, sizeof(status)) < 0)
		return -ESRCH;
	/* Real, effective, saved, and that for files. */
	if (status_number(status, "\nUid:", 3, &uid) || status_number(status, "\nGid:", 3, &gid))
		return -EPROTO;
	out->uid = uid;
	out->gid = gid;
	groups_read(status, out);
	return 0;
}

/* System calls, not the C library's functions: those change all threads. The kernel takes away what
 * lets root pass by permissions when the user for files is not root, and gives it back. */
static void rights_take(uid_t uid, gid_t gid, const gid_t *groups, int count)
{
	syscall(SYS_setgroups, count, groups);
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
}

int process_rights_open(const struct process_rights *rights, int root, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	                       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	gid_t own[PROCESS_GROUPS_MAX];
	int own_count = getgroups(PROCESS_GROUPS_MAX, own), fd;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (own_count < 0 && uid == 0)
		return -EPERM; /* what cannot be given back is not taken */
	rights_take(rights->uid, rights->gid, rights->groups, rights->group_count);
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0)
		fd = -errno;
	syscall(SYS_setfsuid, uid);
	syscall(SYS_setfsgid, gid);
	if (own_count >= 0)
		syscall(SYS_setgroups, own_count, own);
	return fd;
}
