/* SPDX-License-Identifier: MIT */
/*
 * output_file: a file that is replaced whole or not at all, also in folders where others write.
 *
 * The path is walked one folder at a time, each opened once, so that nothing renamed meanwhile
 * leads elsewhere. A symbolic link on the way, or at its end, is followed only when it belongs to
 * the caller or to the owner of the folder that it is in. That is the kernel's rule for sticky
 * world-writable folders (fs.protected_symlinks) applied to every folder: one that a group may
 * write to, or one of a kernel with that setting off, is no different. By the same rule a pipe
 * that others laid into a sticky world-writable folder is not written to.
 *
 * A regular file is written without a name (O_TMPFILE) or, where the file system has no such
 * files, under a temporary name beside it; it reaches the disk, then takes the place of the old
 * one, and the folder reaches the disk too. The new file belongs to the caller and has mode 0600,
 * whatever the umask and the former file say. What is not a regular file (a pipe, a terminal,
 * /dev/stdout) is written to as it is.
 *
 * All functions may be called from any thread.
 */
#ifndef GOMAPTOP_CORE_OUTPUT_FILE_H
#define GOMAPTOP_CORE_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

/* A pipe or a terminal that takes no data for this long is given up. */
#define OUTPUT_FILE_PATIENCE_SECONDS 10

/* Could it be written now? Writes nothing. 0, or -errno with words. */
int output_file_check(const char *path, struct error *err);

/* Whether writing would replace or make a regular file. False: a pipe, a terminal and the like, or
 * a path that leads nowhere. */
bool output_file_is_regular(const char *path);

/* Write size bytes of text. 0, or -errno with words; then the former file is as it was, and no
 * other file is left behind. -EFBIG instead of a signal only where SIGXFSZ is ignored. */
int output_file_write(const char *path, const char *text, size_t size, struct error *err);

#endif
