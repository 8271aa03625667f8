/* SPDX-License-Identifier: MIT */
/*
 * open_path: executables by path, for tests; gomaptop itself reads and probes through one
 * descriptor.
 */
#ifndef GOMAPTOP_TESTS_OPEN_PATH_H
#define GOMAPTOP_TESTS_OPEN_PATH_H

#include <string.h>
#include <unistd.h>

#include "core/base/file_identity.h"
#include "core/elf/elf_file.h"
#include "core/go/go_binary.h"

/* As elf_file_open_fd(), go_binary_open_fd(); -errno of open(2) where there is no such file. */
static inline int elf_file_open(const char *path, struct elf_file **out, struct error *err)
{
	int fd = file_identity_open(path), rc;

	*out = NULL;
	if (fd < 0)
		return error_set(err, -fd, "%s: %s", path, strerror(-fd));
	rc = elf_file_open_fd(fd, path, out, err);
	close(fd);
	return rc;
}

static inline int go_binary_open(const char *path, struct go_binary **out, struct error *err)
{
	int fd = file_identity_open(path), rc;

	*out = NULL;
	if (fd < 0)
		return error_set(err, -fd, "%s: %s", path, strerror(-fd));
	rc = go_binary_open_fd(fd, path, out, err);
	close(fd);
	return rc;
}

#endif
