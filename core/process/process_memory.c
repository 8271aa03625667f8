/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* process_vm_readv() */
#include "core/process/process_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define PIECES_AT_ONCE 512 /* below IOV_MAX, and small enough for the stack */

int process_memory_read(pid_t pid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {buf, len};
	struct iovec remote = {(void *)(uintptr_t)addr, len};
	ssize_t got;

	if (len == 0)
		return 0;
	got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	if (got == (ssize_t)len)
		return 0;
	memset(buf, 0, len);
	if (got < 0 && (errno == ESRCH || errno == EPERM))
		return -errno;
	return -EFAULT;
}

/* The call stops at the first piece that is not there: note what it has read, and say how many
 * pieces that settles. */
static size_t pieces_settle(struct process_piece *pieces, size_t count, ssize_t got)
{
	for (size_t i = 0; i < count; i++) {
		pieces[i].read = got >= (ssize_t)pieces[i].len;
		if (!pieces[i].read) {
			memset(pieces[i].buf, 0, pieces[i].len);
			return i + 1;
		}
		got -= (ssize_t)pieces[i].len;
	}
	return count;
}

int process_memory_read_pieces(pid_t pid, struct process_piece *pieces, size_t count)
{
	struct iovec local[PIECES_AT_ONCE], remote[PIECES_AT_ONCE];

	for (size_t i = 0; i < count; i++) {
		memset(pieces[i].buf, 0, pieces[i].len);
		pieces[i].read = false;
	}
	while (count) {
		size_t n = count < PIECES_AT_ONCE ? count : PIECES_AT_ONCE, settled;
		ssize_t got;

		for (size_t i = 0; i < n; i++) {
			local[i] = (struct iovec){pieces[i].buf, pieces[i].len};
			remote[i] =
			        (struct iovec){(void *)(uintptr_t)pieces[i].addr, pieces[i].len};
		}
		got = process_vm_readv(pid, local, n, remote, n, 0);
		if (got < 0 && (errno == ESRCH || errno == EPERM))
			return -errno;
		settled = pieces_settle(pieces, n, got < 0 ? 0 : got);
		pieces += settled;
		count -= settled;
	}
	return 0;
}
