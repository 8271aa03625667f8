/* SPDX-License-Identifier: MIT */
/*
 * descriptor_end: does what a process writes to a descriptor leave the process?
 *
 * A write to a pipe, a socket or an eventfd of which the process has the other end too may order
 * one goroutine with another; a write to a log or to a client does not. So the answer is yes only
 * where it is certain:
 *
 *   regular files, directories   unless another descriptor of the process reads the same path, or
 *                                it is memory shared by name (memfd, /dev/shm)
 *   terminals, /dev/null ...     terminals unless the process has the other side of one (ptmx)
 *   pipes                        if no descriptor of the process reads the same pipe
 *   TCP, UDP, unix sockets       core/process/socket_ends.h
 *   anything else, or unreadable no; so is everything of a process that is gone
 *
 * What is certain is that nobody reads it through a descriptor that the process has now. Not seen:
 * a file that is opened anew for each read, or watched by inotify, and what comes back by way of
 * another process.
 *
 * /proc is read only: no descriptor is opened. Files are asked of the kernel's memory alone: a file
 * server that has died holds nobody up, unless its file system looks again at each path (NFS).
 */
#ifndef GOMAPTOP_CORE_DESCRIPTOR_END_H
#define GOMAPTOP_CORE_DESCRIPTOR_END_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* As of now. Costs as much as the process has descriptors and its network namespace sockets: 4 ms
 * of CPU time with a few (the kernel's table of connections is large when it is empty, too), 40 ms
 * with 2000. Any thread. */
bool descriptor_goes_out(pid_t pid, uint64_t descriptor);

/* ---- answers that are kept --------------------------------------------------------------------
 * One thread at a time. What is known of a process is read all at once: once a second, sooner when
 * something is asked of which nothing is known (20 times a second at most), and later if it would
 * take more than a hundredth of a CPU. So an answer is at most a second old, or a hundred times as
 * long as reading takes. Each question reads the descriptor's link (3 us of CPU time), so that an
 * answer is never that of another file which had this number before; a descriptor of which nothing
 * is known yet does not go out. A file is looked at when something is asked about it.
 */
struct descriptor_ends;

struct descriptor_ends *descriptor_ends_create(void); /* NULL: no memory */
void descriptor_ends_destroy(struct descriptor_ends *ends);

/* As of now. */
bool descriptor_ends_goes_out(struct descriptor_ends *ends, pid_t pid, uint64_t descriptor);

/* The same for something that was written at a time (CLOCK_MONOTONIC, ns) before now: true only if
 * the answer was true of the same file at a look before that time, and at every look since. For the
 * number may have been another file's when it was written to, and a pipe may have lost its reader
 * since. What looks: the readings, and of a file the first question. */
bool descriptor_ends_went_out(struct descriptor_ends *ends, pid_t pid, uint64_t descriptor,
                              uint64_t written_ns);

#endif
