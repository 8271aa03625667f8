/* SPDX-License-Identifier: MIT */
/*
 * watch_family: `-- CMD` where CMD is not the program to watch: a script, a shell, env, sudo, `go
 * run`. The kernel tells of each program that CMD and the processes that stem from it execute
 * (bpf/kern/family.bpf.h); those of Go are watched, but for the tools of Go itself (compiler,
 * linker, the go command).
 *
 * Nothing is held up: a program is read (a tenth of a second for a large one) and probed while it
 * runs already. When it is executed once more within ten seconds its probes are still in place, so
 * that it is watched from its first instruction. Probes are in the file: other processes that run
 * the same file meet them, too, and are left out.
 *
 * It has a thread of its own, which alone adds binaries then.
 */
#ifndef GOMAPTOP_BPF_WATCH_FAMILY_H
#define GOMAPTOP_BPF_WATCH_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/go/go_binary.h"

struct watch;
struct watch_family;

/* Is this a tool of Go itself: a package below cmd/ of the tree that its runtime is from? */
bool watch_family_is_tool(struct go_binary *binary);

/* Follow the process, which has not executed CMD yet. 0 or -errno. */
int watch_family_start(struct watch *watch, pid_t root, struct watch_family **out);
void watch_family_stop(struct watch_family *family); /* accepts NULL */
void watch_family_destroy(struct watch_family *family);

/* The functions of watch.h that these are named after. Any thread. */
/* CMD has ended: is there nothing left to wait for? Processes that go on are waited for if they run
 * Go, or may be about to. */
bool watch_family_over(struct watch_family *family);
bool watch_family_found(struct watch_family *family, char *ran, size_t size);
void watch_family_probes(struct watch_family *family, size_t *wanted, size_t *attached);
size_t watch_family_members(struct watch_family *family, pid_t *pids, size_t max);

#endif
