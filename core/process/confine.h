/* SPDX-License-Identifier: MIT */
/*
 * confine: take from this process, for good, everything but reading the descriptors that it holds,
 * computing, and writing an answer.
 *
 * For a forked process that is about to read what others wrote. Linux, amd64 and arm64.
 */
#ifndef GOMAPTOP_CORE_CONFINE_H
#define GOMAPTOP_CORE_CONFINE_H

#include <stdint.h>

struct confine_limits {
	uint64_t memory;  /* bytes of address space beyond what is in use now; 0: no limit */
	uint64_t seconds; /* of CPU time from the start of the process; then it is killed */
	uint64_t files;   /* descriptors: numbers from this one on cannot be had */
};

/* Call in a process with one thread. After it: no privileges (as root: user nobody), no core file,
 * no growing of files, the limits above, and every system call but a few on memory and open
 * descriptors answers EPERM; none that opens a path, makes a socket, starts a process, or touches
 * another one is among the few. 0, or -errno of the first step that failed, after which the
 * process must not go on. */
int confine_self(const struct confine_limits *limits);

/* Close all descriptors but keep[0..count-1], which are above 2 and in ascending order; 0, 1 and 2
 * lead to /dev/null. For a forked process with one thread. */
void confine_descriptors(const int *keep, int count);

#endif
