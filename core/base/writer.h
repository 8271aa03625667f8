/* SPDX-License-Identifier: MIT */
/*
 * writer: writes to a descriptor for threads that must not wait for it.
 *
 * A pipe that is not read, a terminal stopped with ^S or a log service that hangs keep write(2)
 * waiting for any time. O_NONBLOCK is no way out: it belongs to the open file, which the shell and
 * other programs share, and not everything can be opened a second time. So a thread of its own
 * does the waiting, with all signals blocked. What is put is written in order and whole.
 *
 * All functions may be called from any thread, writer_destroy() once and last.
 */
#ifndef GOMAPTOP_CORE_WRITER_H
#define GOMAPTOP_CORE_WRITER_H

#include <stddef.h>

struct writer;

/* Write to fd, which is borrowed, at most `step` bytes at a time (the grain of its progress). When
 * more than `room` bytes would wait, no more are taken. 0, -ENOMEM or -EAGAIN (no thread). */
int writer_create(int fd, size_t room, size_t step, struct writer **out);

/* Have a copy of the text written, whole or not at all. 0; -ENOBUFS: no room (never where nothing
 * waits); -ENOMEM; or the error that ended the writing (-EPIPE, -ENOSPC, ...), for good. */
int writer_put(struct writer *writer, const char *text, size_t size);

/* 1: something waits to be written; 0: nothing does; -errno: the writing has ended with an
 * error. */
int writer_state(struct writer *writer);

/* For poll(2): readable when what waited has been written, or writing ended with an error, since
 * the last writer_state(). */
int writer_fd(const struct writer *writer);

/* Wait until everything is written, but not longer than patience_ms without a byte taken. 0;
 * -ETIMEDOUT; or the error that ended the writing. */
int writer_drain(struct writer *writer, unsigned int patience_ms);

/* What still waits is dropped, but for the piece that is being written. Returns soon, also from a
 * descriptor that takes nothing: then the thread stays in write(2) until it takes something or is
 * closed at its other end, or the program ends. Accepts NULL. */
void writer_destroy(struct writer *writer);

#endif
