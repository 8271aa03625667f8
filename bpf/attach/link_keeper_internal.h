/* SPDX-License-Identifier: MIT */
/*
 * link_keeper_internal: what the files of link_keeper share, in the process of gomaptop.
 */
#ifndef GOMAPTOP_BPF_LINK_KEEPER_INTERNAL_H
#define GOMAPTOP_BPF_LINK_KEEPER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bpf/attach/keeper_protocol.h"

/* What a new keeper has to be told again. */
struct known_file {
	int fd; /* -1: not in use */
	struct file_identity identity;
	struct runner {
		pid_t pid;
		int pidfd;
	} * runners; /* processes that run the file: without a lease these keep writers out */
	size_t runner_count;
};

struct link_keeper {
	struct keeper_shared *shared;
	pid_t pid;
	int pidfd; /* of it: a signal through this reaches no other process */
	int sockets[KEEPER_LANES];
	atomic_bool abandoned;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t idle;
	bool busy[KEEPER_LANES];
	bool reviving; /* `reviver` replaces the keeper: lanes are for it alone */
	pthread_t reviver;
	int program_fd;
	struct known_file files[LINK_KEEPER_FILES];
	pthread_t governor; /* the thread that gave the last sign of life */
	bool governed;
	uint64_t revived_ns, scanned_ns;
};

/* Ask the keeper for something that has no more than a file, a process (0: none) and a descriptor
 * (-1: none). Its answer, or -EPIPE. */
int link_keeper_ask(struct link_keeper *keeper, enum keeper_op op, int file, pid_t pid, int fd);

/* link_keeper_runners.c: forget those of a file; tell a new keeper of them; look for new ones, once
 * a second, in the governor's thread. */
void link_keeper_runners_forget(struct known_file *file);
void link_keeper_runners_tell(struct link_keeper *keeper, int file);
void link_keeper_runners_look(struct link_keeper *keeper, uint64_t now_ns);

#endif
