/* SPDX-License-Identifier: MIT */
/*
 * process_memory: bytes out of a live process, read behind its back.
 *
 * process_vm_readv(2): no ptrace attach, no signal, the process is neither stopped nor slowed down.
 * It goes on meanwhile: what several reads say together may never have been true at one moment, and
 * a pid may name another process than it did: the caller checks what it reads. Any thread.
 */
#ifndef GOMAPTOP_CORE_PROCESS_MEMORY_H
#define GOMAPTOP_CORE_PROCESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Copy len bytes at a run-time address into buf. 0, or: -ESRCH no such process (any more), -EPERM
 * no privilege to look, -EFAULT not all of these bytes are mapped and readable. On failure buf is
 * all zeroes. */
int process_memory_read(pid_t pid, uint64_t addr, void *buf, size_t len);

/* Several short pieces of one process in few system calls (512 pieces each). */
struct process_piece {
	uint64_t addr;
	void *buf;
	size_t len;
	bool read; /* out: buf is filled; else it is all zeroes */
};

/* 0 when the process could be looked at, however many of its pieces were there; else -ESRCH or
 * -EPERM, and no piece is read. */
int process_memory_read_pieces(pid_t pid, struct process_piece *pieces, size_t count);

#endif
