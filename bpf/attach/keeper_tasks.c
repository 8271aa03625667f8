/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* syscall() */
#include "bpf/attach/keeper_tasks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct keeper_task {
	int file;
	pid_t pid;
	int pidfd;
};

/* A map of this type has to have BTF: one type of integer, for its keys and values alike. */
static int map_create(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	struct btf *btf = btf__new_empty();
	int type, map;

	if (!btf)
		return -errno;
	type = btf__add_int(btf, "int", sizeof(int), BTF_INT_SIGNED);
	map = type < 0 ? type : btf__load_into_kernel(btf);
	if (map == 0) {
		options.btf_fd = (unsigned int)btf__fd(btf);
		options.btf_key_type_id = (unsigned int)type;
		options.btf_value_type_id = (unsigned int)type;
		map = bpf_map_create(BPF_MAP_TYPE_TASK_STORAGE, "first_threads", sizeof(int),
		                     sizeof(int), 0, &options);
	}
	btf__free(btf);
	return map;
}

static bool is_first_thread(const struct keeper_tasks *tasks, int pidfd)
{
	int value;

	return bpf_map_lookup_elem(tasks->map, &pidfd, &value) != -ENOENT;
}

static bool is_alive(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

static bool is_known(const struct keeper_tasks *tasks, int file, pid_t pid)
{
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->rows[i].file == file && tasks->rows[i].pid == pid &&
		    is_first_thread(tasks, tasks->rows[i].pidfd))
			return true;
	return false;
}

static bool row_add(struct keeper_tasks *tasks, struct keeper_task row)
{
	void *more;
	int value = 0;

	if (bpf_map_update_elem(tasks->map, &row.pidfd, &value, BPF_ANY))
		return false;
	more = reallocarray(tasks->rows, tasks->count + 1, sizeof(*tasks->rows));
	if (!more)
		return false;
	tasks->rows = more;
	tasks->rows[tasks->count++] = row;
	return true;
}

static void row_remove(struct keeper_tasks *tasks, size_t row)
{
	close(tasks->rows[row].pidfd);
	tasks->rows[row] = tasks->rows[--tasks->count];
}

void keeper_tasks_add(struct keeper_tasks *tasks, int file, pid_t pid)
{
	struct keeper_task row = {file, pid, -1};

	if (!tasks->has_map)
		tasks->map = map_create();
	tasks->has_map = true;
	if (tasks->map < 0 || is_known(tasks, file, pid))
		return;
	row.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (row.pidfd >= 0 && !row_add(tasks, row))
		close(row.pidfd);
}

int keeper_tasks_replaced(struct keeper_tasks *tasks)
{
	for (size_t i = tasks->count; i-- > 0;) {
		int file = tasks->rows[i].file, pidfd = tasks->rows[i].pidfd;
		bool alive = is_alive(pidfd);

		if (alive && is_first_thread(tasks, pidfd))
			continue;
		row_remove(tasks, i);
		if (alive)
			return file;
	}
	return -1;
}

void keeper_tasks_remove(struct keeper_tasks *tasks, int file)
{
	for (size_t i = tasks->count; i-- > 0;)
		if (tasks->rows[i].file == file)
			row_remove(tasks, i);
}
