/* SPDX-License-Identifier: MIT */
/* CMD where it is not the program that is watched, but starts it. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tui/app/session_internal.h"

#define MEMBERS_MAX 1024

/* Whether it is still one that CMD started is asked once it cannot be another one any more. */
static void member_ask(const struct session *session, pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	pid_t now[MEMBERS_MAX];
	size_t count;

	if (pidfd < 0)
		return;
	count = watch_command_processes(session->watch, now, MEMBERS_MAX);
	for (size_t i = 0; i < count; i++)
		if (now[i] == pid)
			syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
	close(pidfd);
}

/* A shell that is asked to end leaves alone what it started: that is asked, too. Not so where CMD
 * has ended by itself: what it left behind is meant to go on. */
int session_command_end(struct session *session, struct error *err)
{
	pid_t members[MEMBERS_MAX];
	size_t count = 0;
	int rc;

	if (!child_ended(session->child) && session->watch)
		count = watch_command_processes(session->watch, members, MEMBERS_MAX);
	rc = child_end(session->child, err);
	for (size_t i = 0; i < count; i++)
		if (members[i] != session->child_pid)
			member_ask(session, members[i]);
	return rc;
}

int session_ran_none(const struct session *session, struct error *err)
{
	char ran[256];

	if (!session->child || !watch_ran_none(session->watch, ran, sizeof(ran)))
		return 0;
	return error_set(
	        err, ENOENT,
	        "%s ran no Go program that could be watched; it ran %s; name the Go program "
	        "itself, or watch it where it runs with -e PATH or -p PID",
	        session->options->command[0], ran);
}
