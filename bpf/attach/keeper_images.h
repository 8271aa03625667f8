/* SPDX-License-Identifier: MIT */
/*
 * keeper_images: notices that a process which links are confined to has executed a program.
 *
 * A link that is confined to one process ends, without a word, when another thread than the first
 * calls execve(2) there: the kernel keeps the first thread's task_struct in the link, and that
 * thread is replaced (de_thread(), fs/exec.c; uprobe_multi_link_filter(), kernel/trace/
 * bpf_trace.c). A Go program that executes itself does so from any thread. Such links have to be
 * opened again.
 *
 * The sign: a descriptor of /proc/PID/mem stays with the address space that the process had when it
 * was opened. Reading from it returns 0 when no process uses that address space any more
 * (mem_rw(), fs/proc/base.c).
 *
 * In the keeper process only; its threads share it under the caller's lock.
 */
#ifndef GOMAPTOP_BPF_KEEPER_IMAGES_H
#define GOMAPTOP_BPF_KEEPER_IMAGES_H

#include <stddef.h>
#include <sys/types.h>

struct keeper_image;

/* All zero: empty. */
struct keeper_images {
	struct keeper_image *rows;
	size_t count;
};

/* Links of `file` are about to be confined to this process: to be called before they are opened.
 * Where its memory may not be opened, or no memory is left, it is not looked after. */
void keeper_images_add(struct keeper_images *images, int file, pid_t pid);

/* A file of which a process has executed a program since keeper_images_add(), and is alive: its
 * links are to be let go. That process is forgotten. -1: there is none. */
int keeper_images_replaced(struct keeper_images *images);

/* No link of `file` is left. */
void keeper_images_remove(struct keeper_images *images, int file);

#endif
