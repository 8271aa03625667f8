/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pipe2() */
#include "core/process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/descriptors.h"

#define PATIENCE_MS 5000
#define GLANCE_MS   10

#define EXIT_NEVER_RAN 127 /* what a shell answers for a program it could not start */

struct child {
	pid_t pid;
	int pidfd;
	int release; /* write end: one byte lets the child go; -1: released */
	int answer;  /* read end: errno of a failed execve(), or end of file */
	bool ended, ended_by_us;
	int status;
	char *executable;
};

/* ---- which file --------------------------------------------------------------------------------
 */

static bool is_program(const char *path, int *error)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*error = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The search of execvp(3), by hand, because the path is needed before anything is executed. */
static char *path_search(const char *name, int *error)
{
	const char *path = getenv("PATH"), *next;
	char *candidate = NULL;
	int length;

	*error = ENOENT;
	if (strchr(name, '/'))
		return is_program(name, error) ? strdup(name) : NULL;
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; path; path = next) {
		length = (int)strcspn(path, ":");
		next = path[length] ? path + length + 1 : NULL;
		if (asprintf(&candidate, "%.*s%s%s", length, path, length ? "/" : "./", name) < 0)
			return NULL;
		if (is_program(candidate, error))
			return candidate;
		free(candidate);
	}
	return NULL;
}

/* ---- the child's side ---------------------------------------------------------------------------
 */

static void use_stream(int fd, int stream)
{
	if (fd >= 0 && fd != stream)
		dup2(fd, stream);
}

/* Between fork and execve: only what is safe there. */
__attribute__((noreturn)) static void child_wait_and_execute(const struct child *child,
                                                             const struct child_config *config,
                                                             int release, int answer)
{
	ssize_t written;
	sigset_t none;
	int error;
	char go;

	use_stream(config->in, STDIN_FILENO);
	use_stream(config->out, STDOUT_FILENO);
	use_stream(config->errors, STDERR_FILENO);
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (read(release, &go, 1) != 1)
		_exit(EXIT_NEVER_RAN);
	descriptors_restore();
	execv(child->executable, config->argv);
	error = errno;
	written = write(answer, &error, sizeof(error));
	_exit(written == (ssize_t)sizeof(error) ? EXIT_NEVER_RAN : EXIT_NEVER_RAN - 1);
}

/* ---- this side ----------------------------------------------------------------------------------
 */

static int child_fork(struct child *child, const struct child_config *config)
{
	int release[2] = {-1, -1}, answer[2] = {-1, -1};
	int rc = 0;

	if (pipe2(release, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
		rc = -errno;
	if (!rc) {
		child->pid = fork();
		if (child->pid < 0)
			rc = -errno;
	}
	if (!rc && child->pid == 0) {
		/* Its own copy of the write end would keep the pipe open for ever. */
		close(release[1]);
		child_wait_and_execute(child, config, release[0], answer[1]);
	}
	if (release[0] >= 0)
		close(release[0]);
	if (answer[1] >= 0)
		close(answer[1]);
	child->release = release[1];
	child->answer = answer[0];
	return rc;
}

int child_start(const struct child_config *config, struct child **out, struct error *err)
{
	struct child *child = calloc(1, sizeof(*child));
	const char *name = config->argv[0];
	int rc, error;

	if (!child)
		return error_no_memory(err);
	*child = (struct child){.pid = -1, .pidfd = -1, .release = -1, .answer = -1};
	child->executable = path_search(name, &error);
	if (!child->executable) {
		rc = error_set(err, error, "cannot start %s: %s; %s", name, strerror(error),
		               error == EACCES ? "make it executable"
		                               : "give the path of a program, as in -- ./server");
		goto cleanup;
	}
	rc = child_fork(child, config);
	if (rc) {
		error_set(err, -rc, "cannot start %s: %s; try again when the host has room", name,
		          strerror(-rc));
		goto cleanup;
	}
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	*out = child;
	return 0;
cleanup:
	child_destroy(child);
	return rc;
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}

const char *child_executable(const struct child *child)
{
	return child->executable;
}

int child_fd(const struct child *child)
{
	return child->pidfd;
}

static void close_once(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int child_release(struct child *child, struct error *err)
{
	int error = 0;
	ssize_t got;

	/* A child that was killed while it waited leaves a pipe without a reader: EPIPE, where
	 * SIGPIPE is ignored, and an answer that ends without a word. Its status tells. */
	if (write(child->release, "", 1) != 1)
		error = errno;
	close_once(&child->release);
	do
		got = error ? 0 : read(child->answer, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	close_once(&child->answer);
	if (got == 0 && error == EPIPE)
		error = 0;
	if (!error)
		return 0;
	return error_set(err, error, "cannot execute %s: %s; start it by hand to see why",
	                 child->executable, strerror(error));
}

bool child_ended(struct child *child)
{
	int status;

	if (!child->ended && waitpid(child->pid, &status, WNOHANG) == child->pid) {
		child->ended = true;
		child->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	return child->ended;
}

int child_status(const struct child *child)
{
	return child->ended_by_us ? 0 : child->status;
}

static bool child_wait(struct child *child, int patience_ms)
{
	struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
	int waited;

	for (waited = 0; !child_ended(child) && waited < patience_ms; waited += GLANCE_MS)
		poll(&ended, child->pidfd >= 0, GLANCE_MS);
	return child_ended(child);
}

int child_end(struct child *child, struct error *err)
{
	close_once(&child->release);
	if (child_ended(child))
		return 0;
	child->ended_by_us = true;
	kill(child->pid, SIGTERM);
	if (child_wait(child, PATIENCE_MS))
		return 0;
	return error_set(err, EBUSY,
	                 "%s (pid %d) goes on although asked to end: end it by hand, with kill %d",
	                 child->executable, (int)child->pid, (int)child->pid);
}

void child_destroy(struct child *child)
{
	if (!child)
		return;
	if (child->release >= 0 && child->pid > 0) {
		close_once(&child->release);
		waitpid(child->pid, NULL, 0);
	}
	close_once(&child->release);
	close_once(&child->answer);
	close_once(&child->pidfd);
	free(child->executable);
	free(child);
}
