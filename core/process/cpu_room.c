/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sched_getaffinity() and sets of any size */
#include "core/process/cpu_room.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/small_file.h"

#define GROUPS    "/sys/fs/cgroup"
#define CPUS_MOST 8192 /* NR_CPUS of no kernel is more */

int cpu_room_idle(uint64_t *idle_ns)
{
	uint64_t seconds, hundredths;
	char text[128];

	if (small_file_read("/proc/uptime", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%*s %" SCNu64 ".%2" SCNu64, &seconds, &hundredths) != 2)
		return -ENODATA;
	*idle_ns = seconds * 1000000000 + hundredths * 10000000;
	return 0;
}

int cpu_room_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 ? (int)cpus : 1;
}

int cpu_room_allowed(pid_t pid)
{
	size_t size = CPU_ALLOC_SIZE(CPUS_MOST);
	cpu_set_t *set = CPU_ALLOC(CPUS_MOST);
	int count = -ENOMEM;

	if (!set)
		return count;
	count = sched_getaffinity(pid, size, set) ? -ESRCH : CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return count;
}

/* ---- control groups ------------------------------------------------------------------ */

/* Is `cpu` one of the controllers of a line of /proc/PID/cgroup? "cpu,cpuacct" */
static bool controllers_have_cpu(const char *names)
{
	for (const char *at = names; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strcspn(at, ",") == 3 && strncmp(at, "cpu", 3) == 0)
			return true;
	}
	return false;
}

/* The folder of the group that accounts for the CPU time: in the hierarchy of the controller where
 * there is one (version 1), else in the only one. lines is cut up. */
static bool group_find(char *lines, char *folder, size_t size)
{
	char *rest = NULL;
	bool found = false;

	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		controllers++;
		if (controllers_have_cpu(controllers)) {
			snprintf(folder, size, GROUPS "/%s%s", controllers, path);
			return true;
		}
		if (!*controllers) {
			snprintf(folder, size, GROUPS "%s", path);
			found = true;
		}
	}
	return found;
}

/* Of one group; false: it has no such accounts. */
static bool throttled_add(const char *folder, uint64_t *times)
{
	char path[PATH_MAX + sizeof("/cpu.stat")], text[1024];
	const char *at;

	snprintf(path, sizeof(path), "%s/cpu.stat", folder);
	if (small_file_read(path, text, sizeof(text)) < 0)
		return false;
	at = strstr(text, "nr_throttled ");
	if (at)
		*times += strtoull(at + strlen("nr_throttled "), NULL, 10);
	return true;
}

int cpu_room_throttled(pid_t pid, uint64_t *times)
{
	char path[64], lines[8192], folder[PATH_MAX];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (small_file_read(path, lines, sizeof(lines)) <= 0)
		return -ESRCH;
	*times = 0;
	/* A group outside the reader's own namespace begins with "/..". */
	if (!group_find(lines, folder, sizeof(folder)) || strstr(folder, "/..") ||
	    !throttled_add(folder, times))
		return -ENODATA;
	length = strlen(folder);
	if (folder[length - 1] == '/') /* the uppermost group */
		folder[length - 1] = '\0';
	for (char *end = strrchr(folder, '/'); end > folder + strlen(GROUPS);
	     end = strrchr(folder, '/')) {
		*end = '\0';
		throttled_add(folder, times);
	}
	return 0;
}
