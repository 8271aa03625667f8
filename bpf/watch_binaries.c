/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/watch_internal.h"
#include "core/go_process.h"

#define PARSE_TRIES 3 /* of a file that changes while it is read */

static int binary_find(const struct watch *w, const struct file_identity *seen)
{
	for (size_t i = 0; i < w->binary_count; i++)
		if (file_identity_inode(&w->binaries[i].file.seen, seen))
			return i;
	return -1;
}

static int guard_error(const struct watch_binary *b, int rc, struct error *err)
{
	return rc == -ESTALE ? error_set(err, ESTALE,
	                                 "%s: written to while it was read; wait until "
	                                 "it is whole",
	                                 b->path)
	                     : error_set(err, -rc,
	                                 "cannot guard %s against being written over: %s; retry "
	                                 "with --verbose",
	                                 b->path, strerror(-rc));
}

static int binary_read(struct watch_binary *b, struct error *err)
{
	int rc = go_binary_open_fd(b->file.fd, b->path, &b->binary, err);

	if (!rc)
		rc = go_binary_check_native(b->binary, b->path, err);
	return rc ? rc : probe_plan_make(b->binary, &b->plan, err);
}

static bool binary_is_stale(const struct watch *w, const struct watch_binary *b)
{
	struct file_identity now;

	return link_keeper_file_state(w->keeper, b->file.guard) == LINK_FILE_STALE ||
	       file_identity_read(b->file.fd, &now) || !file_identity_same(&now, &b->file.seen);
}

/* Read it while the keeper keeps writers out, or sees that there was one: what was decoded is what is
 * there. */
static int binary_parse(const struct watch *w, struct watch_binary *b, struct error *err)
{
	int rc = file_identity_read(b->file.fd, &b->file.seen);

	if (rc)
		return error_set(err, -rc, "cannot look at %s: %s; check the path", b->path,
		                 strerror(-rc));
	b->file.guard = link_keeper_file_add(w->keeper, b->file.fd, &b->file.seen);
	if (b->file.guard < 0)
		return guard_error(b, b->file.guard, err);
	rc = binary_read(b, err);
	if (binary_is_stale(w, b))
		rc = guard_error(b, -ESTALE, err);
	if (!rc)
		return 0;
	link_keeper_file_remove(w->keeper, b->file.guard);
	probe_plan_free(&b->plan);
	go_binary_close(b->binary);
	b->plan = (struct probe_plan){0};
	b->binary = NULL;
	return rc;
}

/* What is open at fd, which belongs to the watch from now on. */
static int binary_add(struct watch *w, int fd, const char *path, struct error *err)
{
	void *more = reallocarray(w->binaries, w->binary_count + 1, sizeof(*w->binaries));
	struct watch_binary *b;
	int rc = -ESTALE;

	if (more)
		w->binaries = more;
	if (!more || w->binary_count == FIELD_ROWS - 1) {
		close(fd);
		return more ? error_set(err, E2BIG,
		                        "more than %d different executables at once; watch fewer "
		                        "processes with -p",
		                        FIELD_ROWS - 1)
		            : error_no_memory(err);
	}
	b = &w->binaries[w->binary_count];
	*b = (struct watch_binary){.row = w->binary_count, .file.fd = fd};
	snprintf(b->path, sizeof(b->path), "%s", path);
	for (int i = 0; rc == -ESTALE && i < PARSE_TRIES; i++)
		rc = binary_parse(w, b, err);
	if (rc)
		close(fd);
	else
		w->binary_count++; /* from here on watch_binaries_close() sees it */
	return rc;
}

/* Index of the binary that is open at fd, added if it is a new one. fd belongs to this function. */
static int binary_need(struct watch *w, int fd, const char *path, struct error *err)
{
	struct file_identity seen;
	int found, rc;

	rc = file_identity_read(fd, &seen);
	found = rc ? -1 : binary_find(w, &seen);
	if (!rc && found < 0) {
		rc = binary_add(w, fd, path, err);
		return rc ? rc : (int)w->binary_count - 1;
	}
	close(fd);
	return rc ? error_set(err, -rc, "cannot look at %s: %s; check the path", path,
	                      strerror(-rc))
	          : found;
}

static int path_binary(struct watch *w, const char *path, struct error *err)
{
	int fd = file_identity_open(path);

	if (fd < 0)
		return error_set(err, -fd, "cannot look at %s: %s; check the path", path,
		                 strerror(-fd));
	return binary_need(w, fd, path, err);
}

static int pid_error(pid_t pid, int rc, struct error *err)
{
	if (rc == -EACCES || rc == -EPERM)
		return error_set(
		        err, -rc,
		        "no permission to look at process %d; run gomaptop as root, or with "
		        "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE",
		        pid);
	return error_set(
	        err, ESRCH,
	        "no process %d; `gomaptop` without -p lists the Go processes that run here", pid);
}

/* A process that runs now: its executable is what /proc/PID/exe refers to, deleted or not. */
static int pid_binary(struct watch *w, pid_t pid, struct error *err)
{
	int fd = go_process_open_executable(pid);
	char path[PROC_PATH_MAX];

	if (fd < 0)
		return pid_error(pid, fd, err);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return binary_need(w, fd, path, err);
}

/* -p alone, -e alone, or both: "this process, and this is the file that it is going to run". */
int watch_binaries_open(struct watch *w, struct error *err)
{
	int binary = 0, rc;

	if (w->config.executable) {
		binary = path_binary(w, w->config.executable, err);
		if (binary < 0)
			return binary;
	}
	for (size_t i = 0; i < w->config.pid_count; i++) {
		if (!w->config.executable)
			binary = pid_binary(w, w->config.pids[i], err);
		if (binary < 0)
			return binary;
		rc = watch_target_register(w, w->config.pids[i], binary);
		if (rc)
			return error_no_memory(err);
	}
	for (size_t i = 0; i < w->binary_count; i++) {
		w->binaries[i].first_site = w->site_count;
		w->site_count += w->binaries[i].plan.site_count;
	}
	return 0;
}

bool watch_executable_replaced(const struct watch *w)
{
	struct stat st;

	return w->config.executable && w->binary_count && stat(w->config.executable, &st) == 0 &&
	       (st.st_dev != w->binaries[0].file.seen.device ||
	        st.st_ino != w->binaries[0].file.seen.inode);
}

void watch_binaries_close(struct watch *w)
{
	for (size_t i = 0; i < w->binary_count; i++) {
		probe_plan_free(&w->binaries[i].plan);
		go_binary_close(w->binaries[i].binary);
		close(w->binaries[i].file.fd);
	}
	free(w->binaries);
	w->binaries = NULL;
	w->binary_count = 0;
}
