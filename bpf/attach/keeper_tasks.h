/* SPDX-License-Identifier: MIT */
/*
 * keeper_tasks: notices that the thread which the kernel ties a process's links to was replaced.
 *
 * A link that is confined to one process ends, without a word, when another thread than the first
 * calls execve(2) there: the kernel keeps the first thread's task_struct in the link, and that
 * thread is replaced (de_thread(), fs/exec.c; uprobe_multi_link_filter(), kernel/trace/
 * bpf_trace.c). A Go program that executes itself does so from any thread. Such links have to be
 * opened again. When the first thread itself calls execve(2), as in every start of a program by
 * fork and exec, they go on, and no hit may be lost by opening them again.
 *
 * The sign: an entry of a map of type BPF_MAP_TYPE_TASK_STORAGE belongs to a task_struct. It is
 * looked up by process, and not found when the process has another first thread
 * (bpf_pid_task_storage_lookup_elem(), kernel/bpf/bpf_task_storage.c). It costs that process
 * nothing. Kernels before 5.11 do not have it: no process is looked after there.
 *
 * In the keeper process only; its threads share it under the caller's lock.
 */
#ifndef GOMAPTOP_BPF_KEEPER_TASKS_H
#define GOMAPTOP_BPF_KEEPER_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct keeper_task;

/* All zero: empty. */
struct keeper_tasks {
	struct keeper_task *rows;
	size_t count;
	bool has_map; /* whether `map` is a descriptor, or an error */
	int map;
};

/* Links of `file` are about to be confined to this process: to be called before they are opened.
 * Where the kernel has no such map, or no memory is left, the process is not looked after. */
void keeper_tasks_add(struct keeper_tasks *tasks, int file, pid_t pid);

/* A file of which a process has another first thread than at keeper_tasks_add(), and is alive: its
 * links are to be let go. That process is forgotten. -1: there is none. */
int keeper_tasks_replaced(struct keeper_tasks *tasks);

/* No link of `file` is left. */
void keeper_tasks_remove(struct keeper_tasks *tasks, int file);

#endif
