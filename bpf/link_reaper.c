/* SPDX-License-Identifier: MIT */
#include "bpf/link_reaper.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_MAX 65536 /* links beyond are closed with the rest, and waited for */

/* Descriptors through which the kernel knows of a probe. */
static bool fd_holds_probe(int fd)
{
	char path[32], target[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strstr(target, "perf_event") || strstr(target, "bpf-link") ||
	       strstr(target, "bpf_link");
}

/* After a fork of a process with threads only system calls are safe; none of this allocates. */
static void reap(int release_fd)
{
	long last = sysconf(_SC_OPEN_MAX);
	char byte;

	setsid();
	for (int fd = 0; fd < (last < FD_MAX ? last : FD_MAX); fd++)
		if (fd != release_fd && !fd_holds_probe(fd))
			close(fd);
	while (read(release_fd, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

int link_reaper_start(void)
{
	int ends[2];
	pid_t child;

	if (pipe(ends))
		return -errno;
	child = fork();
	if (child < 0) {
		int rc = -errno;

		close(ends[0]);
		close(ends[1]);
		return rc;
	}
	if (child == 0) {
		close(ends[1]);
		if (fork() == 0)
			reap(ends[0]);
		_exit(0);
	}
	close(ends[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return ends[1];
}

void link_reaper_release(int token)
{
	if (token >= 0)
		close(token);
}
