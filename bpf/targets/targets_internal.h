/* SPDX-License-Identifier: MIT */
/*
 * targets_internal: what the files of the room share.
 */
#ifndef GOMAPTOP_BPF_TARGETS_INTERNAL_H
#define GOMAPTOP_BPF_TARGETS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "bpf/targets/targets.h"

/* One process. */
struct target {
	pid_t pid;
	int pidfd;                  /* -1: its end will not be noticed by that */
	bool over;                  /* it had ended before there was a pidfd; to be told */
	bool crashed;               /* it is about to end by that */
	uint64_t cpu_ns, cpu_base;  /* last reading; when it was added */
	uint64_t calls, calls_base; /* the same of read and write calls */
	uint64_t room_cpu_ns;       /* of cpu_ns, when room was last looked at; */
	uint64_t throttled;         /* so often its CPU time was used up until then */
};

struct targets {
	/* Of any thread. */
	atomic_size_t alive;
	atomic_ullong cpu_ns;     /* see targets_cpu_ns() */
	atomic_ullong planted_ns; /* see targets_planted_ns() */
	atomic_uint room;         /* see targets_room(), in thousandths */
	atomic_size_t probes;     /* see targets_probes_set() */

	/* What a thread other than the collector's reads or changes with this lock held only; the
	 * collector's reads pid and pidfd without, which it alone changes. */
	pthread_mutex_t lock;
	struct target *rows;
	size_t count, capacity;
	uint64_t gone_cpu_ns, gone_calls; /* of those that have left the list */

	/* Of the collector's thread. */
	int epoll_fd;       /* of all pidfds; the data is the process id */
	size_t over;        /* rows of which that is true */
	bool unattended;    /* some row has no pidfd and is not over, */
	uint64_t attend_ns; /* to be tried again at that time */
	uint64_t cpu_looked_ns;
	uint64_t room_looked_ns, idle_ns; /* when that was, and what CPUs had been idle by then */
	bool room_known;
};

/* targets_room.c */
void targets_room_look(struct targets *t);

#endif
