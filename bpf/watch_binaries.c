/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bpf/watch_internal.h"
#include "core/go_process.h"

static int binary_find(const struct watch *w, const struct stat *st)
{
	for (size_t i = 0; i < w->binary_count; i++)
		if (w->binaries[i].device == st->st_dev && w->binaries[i].inode == st->st_ino)
			return i;
	return -1;
}

static int binary_open(struct watch *w, const char *path, const struct stat *st, struct error *err)
{
	void *more = reallocarray(w->binaries, w->binary_count + 1, sizeof(*w->binaries));
	struct watch_binary *b;
	int rc;

	if (!more)
		return error_set(err, ENOMEM, "out of memory; free some and try again");
	w->binaries = more;
	if (w->binary_count == FIELD_ROWS - 1)
		return error_set(
		        err, E2BIG,
		        "more than %d different executables at once; watch fewer processes "
		        "with -p",
		        FIELD_ROWS - 1);
	b = &w->binaries[w->binary_count];
	memset(b, 0, sizeof(*b));
	b->device = st->st_dev;
	b->inode = st->st_ino;
	b->row = w->binary_count;
	snprintf(b->path, sizeof(b->path), "%s", path);
	rc = go_binary_open(path, &b->binary, err);
	if (rc)
		return rc;
	w->binary_count++; /* from here on watch_binaries_close() sees it */
	rc = go_binary_check_native(b->binary, path, err);
	if (rc)
		return rc;
	return probe_plan_make(b->binary, &b->plan, err);
}

/* Index of the binary behind path, opened if it is a new one. */
static int binary_need(struct watch *w, const char *path, struct error *err)
{
	struct stat st;
	int found, rc;

	if (stat(path, &st))
		return error_set(err, errno, "cannot look at %s: %s; check the path", path,
		                 strerror(errno));
	found = binary_find(w, &st);
	if (found >= 0)
		return found;
	rc = binary_open(w, path, &st, err);
	return rc ? rc : (int)w->binary_count - 1;
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
	char path[PROC_PATH_MAX];
	char name[PATH_MAX];
	int rc = go_process_executable(pid, name, sizeof(name));

	if (rc)
		return pid_error(pid, rc, err);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	rc = binary_need(w, path, err);
	if (rc == -ENOENT || rc == -ESRCH)
		return pid_error(pid, rc, err);
	return rc;
}

/* -p alone, -e alone, or both: "this process, and this is the file that it is going to run". */
int watch_binaries_open(struct watch *w, struct error *err)
{
	int binary = 0, rc;

	if (w->config.executable) {
		binary = binary_need(w, w->config.executable, err);
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
			return error_set(err, -rc, "out of memory; free some and try again");
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
	       (st.st_dev != w->binaries[0].device || st.st_ino != w->binaries[0].inode);
}

void watch_binaries_close(struct watch *w)
{
	for (size_t i = 0; i < w->binary_count; i++) {
		probe_plan_free(&w->binaries[i].plan);
		go_binary_close(w->binaries[i].binary);
	}
	free(w->binaries);
	w->binaries = NULL;
	w->binary_count = 0;
}
