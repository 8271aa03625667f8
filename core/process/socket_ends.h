/* SPDX-License-Identifier: MIT */
/*
 * socket_ends: which sockets of a process have their other end outside of it.
 *
 * TCP and UDP by the tables of the process's network namespace (/proc/PID/net/tcp and so on), unix
 * sockets by the kernel's answers about this thread's own namespace (unix_diag): those of a process
 * in another one stay unknown. Nothing is known of other kinds. Reads only.
 *
 * What is not seen: that what was sent comes back by way of somebody else, be it a proxy or an
 * address translation. Sockets that were made in another namespace than the process's first thread
 * is in are unknown.
 */
#ifndef GOMAPTOP_CORE_SOCKET_ENDS_H
#define GOMAPTOP_CORE_SOCKET_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct socket_ends;

/* Reads the tables for the sockets of a process, by their inodes, which are sorted. 0, -ENOMEM, or
 * -E2BIG: the namespace has too many sockets. A table that cannot be read has no sockets. */
int socket_ends_read(pid_t pid, const uint64_t *inodes, size_t count, struct socket_ends **out);
void socket_ends_free(struct socket_ends *ends); /* NULL: nothing happens */

/* Was the other end of the socket outside of the process for certain when the tables were read?
 * own: the inodes of all of its sockets, sorted; best of those from before and from after the
 * tables were read, since a connection that is about to be accepted is nobody's until then. False
 * of sockets that the tables were not read for. */
bool socket_ends_outside(const struct socket_ends *ends, uint64_t inode, const uint64_t *own,
                         size_t own_count);

/* Order of two inodes, for qsort() and bsearch(). */
int socket_ends_order(const void *a, const void *b);

#endif
