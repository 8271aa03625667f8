/* SPDX-License-Identifier: MIT */
/*
 * keeper_files: the executables that the keeper process guards.
 *
 * In the keeper process only; its threads share it under the caller's lock. The states are in
 * shared memory, where gomaptop reads them.
 */
#ifndef GOMAPTOP_BPF_KEEPER_FILES_H
#define GOMAPTOP_BPF_KEEPER_FILES_H

#include <stdbool.h>

#include "bpf/attach/keeper_protocol.h"

struct keeper_files;

/* 0 or -ENOMEM. states: LINK_KEEPER_FILES of them, borrowed. */
int keeper_files_create(atomic_uint *states, struct keeper_files **out);

/* Takes over the descriptor, also when it fails. wanted: the index that it is to have, -1: any.
 * Index, -ESTALE, -ENOSPC or -errno. */
int keeper_files_add(struct keeper_files *files, int wanted, int fd,
                     const struct file_identity *identity);
void keeper_files_remove(struct keeper_files *files, int file);

/* A process that runs a guarded file. */
struct keeper_runner {
	pid_t pid;
	int pidfd;
};

/* Has it ended? */
bool keeper_runner_is_gone(const struct keeper_runner *runner);

/* Takes over the pidfd. 0 or -ENOENT, -ENOMEM. */
int keeper_files_runner(struct keeper_files *files, int file, pid_t pid, int pidfd);

/* Does a lease keep writers out? Else only processes that run the file do, and probes go into these
 * alone: when the last of them ends, another process can write to the file and start it within the
 * 50 ms between two looks of the keeper. */
bool keeper_files_is_leased(const struct keeper_files *files, int file);

/* All of those, in memory for keeper_runners_free(). How many, -ENOMEM, or -EMFILE. */
ssize_t keeper_files_runners(struct keeper_files *files, int file, struct keeper_runner **out);
void keeper_runners_free(struct keeper_runner *runners, size_t count); /* accepts NULL and 0 */

/* The path by which the kernel reaches the guarded descriptor itself, or NULL: no such file. */
const char *keeper_files_path(const struct keeper_files *files, int file);

/* 0: probes may go in; else why not, as link_keeper_open() says it. */
int keeper_files_refusal(struct keeper_files *files, int file);

/* Look at leases, runners and content of one file. True: its probes must go now; call
 * keeper_files_release() when they are out. Its state says already that none may go in. */
bool keeper_files_look(struct keeper_files *files, int file);
void keeper_files_release(struct keeper_files *files, int file);

#endif
