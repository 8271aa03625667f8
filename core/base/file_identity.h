/* SPDX-License-Identifier: MIT */
/*
 * file_identity: which file a descriptor refers to, and whether its content may have changed since.
 *
 * A program that is deployed by writing over its file keeps its inode: the number alone says
 * nothing about the content. Offsets that were decoded from a file are good only as long as the
 * descriptor that they were decoded from still says the same as before the first byte was read.
 *
 * Any thread.
 */
#ifndef GOMAPTOP_CORE_FILE_IDENTITY_H
#define GOMAPTOP_CORE_FILE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

struct file_identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed; /* mtime, ctime */
};

struct file_identity file_identity_of(const struct stat *st);

/* Of what is open at fd. 0 or -errno of fstat(2). */
int file_identity_read(int fd, struct file_identity *out);

/* The same file, not touched in between: neither written to, nor renamed, linked, unlinked, or
 * given another mode, owner or time. */
bool file_identity_same(const struct file_identity *a, const struct file_identity *b);

/* The same file with the same size and time of modification: renaming and unlinking are allowed.
 * Times can be set back after writing, which only file_identity_same() notices. */
bool file_identity_unwritten(const struct file_identity *a, const struct file_identity *b);

/* The same inode, whatever it holds by now. */
bool file_identity_inode(const struct file_identity *a, const struct file_identity *b);

/* Open a program's file for reading, without waiting (a FIFO) and without taking a terminal. The
 * caller closes the descriptor. -errno of open(2). */
int file_identity_open(const char *path);

#endif
