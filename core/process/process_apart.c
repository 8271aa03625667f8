/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* SCHED_RESET_ON_FORK */
#include "core/process/process_apart.h"

#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PATH_ROOM 512

/* Is word one of the words of a list with commas between them? */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at && *at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, word, length) && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

/* Where a hierarchy is mounted: that of cgroup v2, or that of v1 with this controller. */
static bool mount_find(const char *controller, char *out, size_t size)
{
	const char *type = controller ? "cgroup" : "cgroup2";
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	while (mounts && !found && (m = getmntent(mounts))) {
		if (strcmp(m->mnt_type, type) != 0 ||
		    (controller && !list_has(m->mnt_opts, controller)))
			continue;
		snprintf(out, size, "%s", m->mnt_dir);
		found = true;
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

static void root_enter(const char *controller)
{
	char mount[PATH_ROOM], path[PATH_ROOM + 16];
	int fd;

	if (!mount_find(controller, mount, sizeof(mount)))
		return;
	snprintf(path, sizeof(path), "%s/cgroup.procs", mount);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0) { /* not allowed: it stays where it is */
		close(fd);
		return;
	}
	close(fd);
}

/* A line of /proc/self/cgroup: number:controllers:path; cgroup v2 has number 0 and no controllers.
 */
static void group_leave(char *line)
{
	static const char *const stopping[] = {"freezer", "cpu"};
	char *controllers = strchr(line, ':'), *path;

	if (!controllers)
		return;
	path = strchr(++controllers, ':');
	if (!path || !strcmp(path, ":/\n"))
		return;
	*path = '\0';
	if (!*controllers)
		root_enter(NULL);
	for (size_t i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++)
		if (list_has(controllers, stopping[i]))
			root_enter(stopping[i]);
}

void process_apart_leave(void)
{
	FILE *groups = fopen("/proc/self/cgroup", "re");
	char line[PATH_ROOM];

	while (groups && fgets(line, sizeof(line), groups))
		group_leave(line);
	if (groups)
		fclose(groups);
}

int process_apart_hasten(int nice)
{
	int before = getpriority(PRIO_PROCESS, 0); /* 0 is the calling thread */

	return setpriority(PRIO_PROCESS, 0, nice) ? PRIO_MAX + 1 : before;
}

void process_apart_rest(int before)
{
	if (before <= PRIO_MAX && setpriority(PRIO_PROCESS, 0, before))
		return; /* a process that could raise it may also lower it again */
}

void process_apart_hurry(void)
{
	struct sched_param first = {.sched_priority = 1};

	if (!sched_setscheduler(0, SCHED_FIFO, &first))
		return;
	if (setpriority(PRIO_PROCESS, 0, PRIO_MIN))
		return;
}

void process_apart_idle(void)
{
	struct sched_param none = {0};

	sched_setscheduler(0, SCHED_IDLE, &none); /* always allowed */
}
