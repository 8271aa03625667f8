/* SPDX-License-Identifier: MIT */
/*
 * child: a program that gomaptop starts, held before its first instruction until the probes are
 * in place.
 *
 * child_start() forks; the new process waits on a pipe and has not executed the program yet, so
 * it has its final pid but is still this program. child_release() lets it go. When this process
 * dies before that, the pipe closes and the child exits without having run anything; when it dies
 * afterwards, the program goes on: nothing ties its life to gomaptop's.
 *
 * All functions from one thread; start before other threads exist (fork copies only one).
 */
#ifndef GOMAPTOP_CORE_CHILD_H
#define GOMAPTOP_CORE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/error.h"

struct child;

struct child_config {
	char *const *argv;   /* NULL-terminated; argv[0] is looked up in PATH as a shell would */
	int in, out, errors; /* descriptors for its standard streams; -1: those of this process */
};

/* Words in err: -ENOENT (also: not in PATH), -EACCES not executable, or what fork(2) says. */
int child_start(const struct child_config *config, struct child **out, struct error *err);

pid_t child_pid(const struct child *child);
const char *child_executable(const struct child *child); /* path that will be executed */
/* Readable when the child has ended (pidfd); -1 where the kernel has none (before 5.3). */
int child_fd(const struct child *child);

/* Let it execute the program; returns when it has. -errno of execve(2) with words. */
int child_release(struct child *child, struct error *err);

/* Has it ended? Reaps it when it has. */
bool child_ended(struct child *child);

/* Its exit status as a shell would put it (128 + signal); 0 while it runs, and 0 when it is
 * child_end() that ended it. */
int child_status(const struct child *child);

/* End it if it still runs: SIGTERM, then up to five seconds of patience. A program that goes on
 * regardless is left alone (never SIGKILL: it may be in the middle of something) and -EBUSY says
 * so with words. A child that was never released exits at once. */
int child_end(struct child *child, struct error *err);

void child_destroy(struct child *child); /* accepts NULL; does not end it once released */

#endif
