/* SPDX-License-Identifier: MIT */
#include "core/process/go_process.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file_identity.h"
#include "core/base/small_file.h"
#include "core/process/privileges.h"

#define NS_PER_SECOND 1000000000ULL

/* What /proc says about a process that has ended, in the words of this module's contract. */
static int gone(int error)
{
	return error == ENOENT || error == ESRCH ? -ESRCH : -error;
}

int go_process_open(pid_t pid, struct error *err)
{
	int fd;

	if (pid <= 0)
		return error_set(err, EINVAL,
		                 "%d is not a process id: `gomaptop` without -p lists Go processes",
		                 (int)pid);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0)
		return fd;
	/* EINVAL: the number is that of a thread which leads no process. */
	if (errno == ESRCH || errno == EINVAL)
		return error_set(err, ESRCH,
		                 "no process %d: it has ended or never was; `gomaptop` without -p "
		                 "lists the Go processes that run",
		                 (int)pid);
	return error_set(err, errno, "cannot open process %d: %s; %s", (int)pid, strerror(errno),
	                 error_remedy(errno, privileges_remedy("try it as root")));
}

int go_process_executable(pid_t pid, char *out, size_t size)
{
	char path[PROC_PATH_MAX];
	ssize_t length;

	if (size == 0)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	length = readlink(path, out, size - 1);
	if (length < 0)
		return gone(errno);
	out[length] = '\0';
	return 0;
}

/* A pidfd refers to one process. While that has not ended its number serves no other one: what was
 * opened under the number before it was seen not to have ended was its own. */
int go_process_open_executable(pid_t pid)
{
	char path[PROC_PATH_MAX];
	struct pollfd ended = {.events = POLLIN};
	int fd;

	ended.fd = go_process_open(pid, NULL);
	if (ended.fd < 0)
		return ended.fd;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	fd = file_identity_open(path);
	if (fd < 0)
		fd = gone(-fd);
	if (poll(&ended, 1, 0) != 0 && fd >= 0) {
		close(fd);
		fd = -ESRCH;
	}
	close(ended.fd);
	return fd;
}

/* ---- /proc/PID/stat ------------------------------------------------------------------ */

struct proc_stat {
	uint64_t user_ticks, system_ticks, start_ticks;
};

/* Text of /proc/PID/NAME, as far as there is room. */
static int proc_text(pid_t pid, const char *name, char *text, size_t size)
{
	char path[PROC_PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	length = small_file_read(path, text, size);
	if (length < 0)
		return gone((int)-length);
	return length ? 0 : -ESRCH;
}

/* Fields 14, 15 and 22 of proc(5). The second one, the command, may hold blanks and parentheses:
 * what is wanted begins behind the last `)`. */
static int proc_stat_read(pid_t pid, struct proc_stat *out)
{
	char text[1024];
	const char *rest;

	if (proc_text(pid, "stat", text, sizeof(text)))
		return -ESRCH;
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
	                    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
	                    " %*d %*d %*d %*d %*d %*d %" SCNu64,
	                    &out->user_ticks, &out->system_ticks, &out->start_ticks) != 3)
		return -ESRCH;
	return 0;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return ticks * (NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

int go_process_started(pid_t pid, uint64_t *realtime_ns)
{
	struct proc_stat stat = {0};
	int rc = proc_stat_read(pid, &stat);

	if (rc)
		return rc;
	/* Start times count from boot, time asleep included. */
	*realtime_ns =
	        clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) + ticks_to_ns(stat.start_ticks);
	return 0;
}

int go_process_cpu(pid_t pid, uint64_t *cpu_ns)
{
	struct proc_stat stat = {0};
	struct timespec ts;
	clockid_t clock;
	int rc;

	if (!clock_getcpuclockid(pid, &clock) && !clock_gettime(clock, &ts)) {
		*cpu_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
		return 0;
	}
	rc = proc_stat_read(pid, &stat);
	if (rc)
		return rc;
	*cpu_ns = ticks_to_ns(stat.user_ticks + stat.system_ticks);
	return 0;
}

int go_process_calls(pid_t pid, uint64_t *calls)
{
	uint64_t reads, writes;
	char text[512];
	const char *counts;
	int rc = proc_text(pid, "io", text, sizeof(text));

	if (rc)
		return rc;
	counts = strstr(text, "syscr:");
	if (!counts || sscanf(counts, "syscr: %" SCNu64 " syscw: %" SCNu64, &reads, &writes) != 2)
		return -ESRCH;
	*calls = reads + writes;
	return 0;
}

/* ---- /proc/PID/maps ---------------------------------------------------------------------------
 */

/* One line: is it the executable's mapping of the file offset wanted? The device number in maps is
 * not that of stat(2) on some file systems (btrfs, overlayfs), so the inode alone is compared; a
 * second file with the same inode number, mapped executable at the same offset, does not happen
 * in one process in practice, and the executable is mapped first. */
static bool maps_line_matches(const char *line, uint64_t inode, uint64_t offset, uint64_t *start)
{
	uint64_t line_start, line_offset, line_inode;
	char permissions[5];

	if (sscanf(line, "%" SCNx64 "-%*x %4s %" SCNx64 " %*x:%*x %" SCNu64, &line_start,
	           permissions, &line_offset, &line_inode) != 4)
		return false;
	if (permissions[2] != 'x' || line_inode != inode || line_offset != offset)
		return false;
	*start = line_start;
	return true;
}

int go_process_load_bias(pid_t pid, const struct go_binary *binary, uint64_t *bias)
{
	char path[PROC_PATH_MAX], *line = NULL;
	uint64_t vaddr, offset, start = 0;
	struct stat executable;
	size_t size = 0;
	FILE *maps;
	int rc = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &executable) < 0)
		return gone(errno);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return gone(errno);
	go_binary_text_segment(binary, &vaddr, &offset);
	while (rc && getline(&line, &size, maps) > 0) {
		if (maps_line_matches(line, executable.st_ino, offset, &start))
			rc = 0;
	}
	if (!rc)
		*bias = start - vaddr;
	free(line);
	fclose(maps);
	return rc;
}
