/* SPDX-License-Identifier: MIT */
#include "core/base/file_identity.h"

#include <errno.h>
#include <fcntl.h>

struct file_identity file_identity_of(const struct stat *st)
{
	return (struct file_identity){.device = st->st_dev,
	                              .inode = st->st_ino,
	                              .size = st->st_size,
	                              .modified = st->st_mtim,
	                              .changed = st->st_ctim};
}

int file_identity_read(int fd, struct file_identity *out)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*out = file_identity_of(&st);
	return 0;
}

static bool time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_identity_inode(const struct file_identity *a, const struct file_identity *b)
{
	return a->device == b->device && a->inode == b->inode;
}

bool file_identity_unwritten(const struct file_identity *a, const struct file_identity *b)
{
	return file_identity_inode(a, b) && a->size == b->size &&
	       time_same(&a->modified, &b->modified);
}

bool file_identity_same(const struct file_identity *a, const struct file_identity *b)
{
	return file_identity_unwritten(a, b) && time_same(&a->changed, &b->changed);
}

int file_identity_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}
