/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf/attach/calibrate.h"
#include "bpf/watch/watch_family.h"
#include "bpf/watch/watch_internal.h"
#include "core/base/clock.h"
#include "core/process/go_process.h"
#include "core/process/parse_job.h"
#include "core/process/privileges.h"

#define NO_BINARY      INT_MAX
#define PARSE_TRIES    5              /* of a file that changes while it is read, */
#define PARSE_PAUSE_NS 20000000       /* so long after each other */
#define ROW_REST_NS    60000000000ULL /* so that the last events that name a row are used up */

static int binary_find(const struct watch *w, const struct file_identity *seen)
{
	for (size_t i = 0; i < w->binary_count; i++)
		if (file_identity_inode(&w->binaries[i]->file.seen, seen))
			return i;
	return -1;
}

static int guard_error(const struct watch_binary *b, int rc, struct error *err)
{
	return rc == -ESTALE
	               ? error_set(err, ESTALE,
	                           "%s: written to while it was read; wait until "
	                           "it is whole",
	                           b->path)
	               : error_set(err, -rc, "cannot guard %s against being written over: %s; %s",
	                           b->path, strerror(-rc),
	                           error_remedy(-rc, "retry with --verbose"));
}

static int binary_read(struct watch_binary *b, struct error *err)
{
	int rc = go_binary_open_fd(b->file.fd, b->path, &b->binary, err);

	if (!rc)
		rc = go_binary_check_native(b->binary, b->path, err);
	if (!rc)
		rc = probe_plan_make(b->binary, &b->plan, err);
	if (!rc)
		chain_ends_read(b->binary, &b->ends);
	return rc;
}

static bool binary_is_stale(const struct watch *w, const struct watch_binary *b)
{
	struct file_identity now;

	return link_keeper_file_state(w->keeper, b->file.guard) == LINK_FILE_STALE ||
	       file_identity_read(b->file.fd, &now) || !file_identity_same(&now, &b->file.seen);
}

/* Read it while the keeper keeps writers out, or sees that there was one: what was decoded is what
 * is there. */
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

/* A row that no binary has, else that of the one whose probes have been out for the longest
 * time. */
static int row_take(const struct watch *w)
{
	const struct watch_binary *oldest = NULL;

	for (int i = 0; i < CALIBRATE_ROW; i++) {
		const struct watch_binary *b = w->rows[i];

		if (!b)
			return i;
		if (b->retired_ns && (!oldest || b->retired_ns < oldest->retired_ns))
			oldest = b;
	}
	return oldest && clock_now() - oldest->retired_ns > ROW_REST_NS ? (int)oldest->row : -1;
}

static int binary_place(const struct watch *w, struct watch_binary *b, struct error *err)
{
	int row = row_take(w);

	if (row < 0 || w->binary_count == BINARIES_MAX)
		return error_set(err, E2BIG,
		                 "more than %d different executables at once; watch fewer "
		                 "processes with -p",
		                 CALIBRATE_ROW);
	if (b->plan.site_count > ROW_SITES)
		return error_set(err, E2BIG, "%s: more than %d functions to probe; report this",
		                 b->path, ROW_SITES);
	b->row = (size_t)row;
	b->first_site = b->row * ROW_SITES;
	return 0;
}

static void binary_free(struct watch_binary *b)
{
	probe_plan_free(&b->plan);
	go_binary_close(b->binary);
	free(b);
}

void watch_binary_free(struct watch *w, struct watch_binary *b)
{
	link_keeper_file_remove(w->keeper, b->file.guard);
	binary_free(b);
}

int watch_binary_make(struct watch *w, int fd, const char *path, struct watch_binary **out,
                      struct error *err)
{
	struct watch_binary *b = calloc(1, sizeof(*b));
	int rc = -ESTALE;

	*out = NULL;
	if (!b) {
		error_no_memory(err);
		return -ENOMEM;
	}
	b->file.fd = fd;
	snprintf(b->path, sizeof(b->path), "%s", path);
	/* Only what another process could read within its limits is read by this one. */
	int vetted = parse_job_vet(fd, path, err);
	if (vetted)
		rc = vetted;
	for (int i = 0; rc == -ESTALE && i < PARSE_TRIES; i++) {
		if (i)
			nanosleep(&(struct timespec){.tv_nsec = PARSE_PAUSE_NS}, NULL);
		rc = binary_parse(w, b, err);
	}
	if (rc) {
		free(b);
		return rc;
	}
	rc = binary_place(w, b, err);
	if (rc)
		watch_binary_free(w, b);
	else
		*out = b;
	return rc;
}

void watch_binary_publish(struct watch *w, struct watch_binary *b)
{
	for (size_t i = 0; i < ROW_SITES; i++)
		w->site_functions[b->first_site + i] =
		        i < b->plan.site_count ? b->plan.sites[i].function : NULL;
	w->binaries[w->binary_count] = b;
	w->rows[b->row] = b;
	w->binary_count++;
}

struct collector_executable watch_binary_told(const struct watch_binary *b)
{
	return (struct collector_executable){
	        .seen = b->file.seen, .row = b->row, .binary = b->binary, .ends = b->ends};
}

void watch_binary_fields_set(struct watch *w, const struct watch_binary *b)
{
	const struct go_binary *binary = b->binary;
	struct field_row fields = {0}, *row = &fields;
	const struct go_layout *l = go_binary_layout(binary);
	struct go_map_layout map = go_layout_map(l, go_binary_map_runtime(binary));

	row->g_goid = l->g_goid;
	row->g_parent_goid = l->g_parent_goid;
	row->g_gopc = l->g_gopc;
	row->g_startpc = l->g_startpc;
	row->map_length = map.length;
	row->seed_offset = map.seed;
	row->seed_size = map.seed_size;
	row->iterator_type = map.iterator_type;
	row->iterator_map = map.iterator_map;
	row->g_m = l->g_m;
	row->m_g0 = l->m_g0;
	row->m_curg = l->m_curg;
	row->unproven = go_binary_layout_trust(binary) == GO_LAYOUT_UNVERIFIED;
	row->g_waitreason = l->g_waitreason;
	row->lock_reasons = row->unproven ? 0 : go_layout_lock_reasons(l);
	program_row_set(&w->program, b->row, &fields);
}

/* Index of the binary that is open at fd, added if it is a new one. fd belongs to this function. */
static int binary_need(struct watch *w, int fd, const char *path, struct error *err)
{
	struct file_identity seen;
	struct watch_binary *b;
	int found, rc;

	rc = file_identity_read(fd, &seen);
	found = rc ? -1 : binary_find(w, &seen);
	if (!rc && found < 0) {
		rc = watch_binary_make(w, fd, path, &b, err);
		if (!rc) {
			watch_binary_publish(w, b);
			return (int)w->binary_count - 1;
		}
		close(fd);
		return rc;
	}
	close(fd);
	return rc ? error_set(err, -rc, "cannot look at %s: %s; check the path", path,
	                      strerror(-rc))
	          : found;
}

/* A file that does not stand at its path yet, in a folder that is there: it is waited for. */
static bool path_is_awaited(const struct watch *w, const char *path, int error)
{
	char copy[PATH_MAX];
	struct stat st;

	snprintf(copy, sizeof(copy), "%s", path);
	return error == -ENOENT && watch_is_following(w) && !stat(dirname(copy), &st) &&
	       S_ISDIR(st.st_mode);
}

/* NO_BINARY: there is none yet. */
static int path_binary(struct watch *w, const char *path, struct error *err)
{
	int fd, rc = parse_job_reach(path, err);

	if (rc)
		return rc;
	fd = file_identity_open(path);
	if (path_is_awaited(w, path, fd))
		return NO_BINARY;
	if (fd < 0)
		return error_set(err, -fd,
		                 "cannot look at %s: %s; check the path and who may read it", path,
		                 strerror(-fd));
	return binary_need(w, fd, path, err);
}

bool watch_binary_is_not_go(int fd, int rc, const struct error *err)
{
	char magic[4] = "";

	if (rc == -ENOEXEC)
		return pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
		       memcmp(magic, "\177ELF", sizeof(magic)) != 0;
	/* The same number as for what is packed or made for another machine. */
	return rc == -EPROTONOSUPPORT && strstr(err->text, "not a Go program");
}

/* `-- CMD`: the program itself, or what starts it. */
static int command_binary(struct watch *w, const char *path, struct error *err)
{
	struct watch_binary *b;
	int fd, rc = parse_job_reach(path, err);

	if (rc)
		return rc;
	fd = file_identity_open(path);
	if (fd < 0)
		return error_set(err, -fd, "cannot look at %s: %s; it has to be readable", path,
		                 strerror(-fd));
	rc = watch_binary_make(w, fd, path, &b, err);
	if (!rc && !watch_family_is_tool(b->binary)) {
		watch_binary_publish(w, b);
		return (int)w->binary_count - 1;
	}
	w->by_family = !rc || watch_binary_is_not_go(fd, rc, err);
	if (!rc)
		watch_binary_free(w, b);
	close(fd);
	return w->by_family ? NO_BINARY : rc;
}

static int pid_error(pid_t pid, int rc, struct error *err)
{
	if (rc == -EACCES || rc == -EPERM)
		return error_set(
		        err, -rc, "no permission to look at process %d; %s", pid,
		        privileges_remedy("run gomaptop as root, or with CAP_BPF, CAP_PERFMON and "
		                          "CAP_SYS_PTRACE"));
	if (rc != -ESRCH && rc != -ENOENT)
		return error_set(err, -rc, "cannot look at process %d: %s; %s", pid, strerror(-rc),
		                 error_remedy(-rc, "try again"));
	if (!go_process_over(pid))
		return error_set(err, ESRCH,
		                 "process %d runs no file (a thread of the kernel): no Go is there",
		                 pid);
	return error_set(err, ESRCH,
	                 "no process %d (any more); `gomaptop` without -p lists the Go processes "
	                 "that run here",
	                 pid);
}

/* A process that runs now: its executable is what /proc/PID/exe refers to, deleted or not. */
static int pid_binary(struct watch *w, pid_t pid, struct error *err)
{
	char path[PROC_PATH_MAX];
	int fd, rc;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	rc = parse_job_reach(path, err);
	if (rc)
		return rc;
	fd = go_process_open_executable(pid);
	if (fd < 0)
		return pid_error(pid, fd, err);
	return binary_need(w, fd, path, err);
}

/* -p alone, -e alone, or both: "this process, and this is the file that it is going to run". */
int watch_binaries_open(struct watch *w, struct error *err)
{
	int binary = 0, rc;

	if (w->config.executable) {
		binary = w->config.pid_count ? command_binary(w, w->config.executable, err)
		                             : path_binary(w, w->config.executable, err);
		if (binary < 0)
			return binary;
	}
	if (w->by_family)
		return 0;
	for (size_t i = 0; i < w->config.pid_count; i++) {
		if (!w->config.executable)
			binary = pid_binary(w, w->config.pids[i], err);
		if (binary < 0)
			return binary;
		rc = watch_target_register(w, w->config.pids[i], binary);
		if (rc)
			return error_no_memory(err);
	}
	return 0;
}

void watch_binaries_close(struct watch *w)
{
	for (size_t i = 0; i < w->binary_count; i++) {
		if (w->binaries[i]->file.fd >= 0)
			close(w->binaries[i]->file.fd);
		binary_free(w->binaries[i]);
	}
	w->binary_count = 0;
}
