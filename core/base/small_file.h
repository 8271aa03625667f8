/* SPDX-License-Identifier: MIT */
/*
 * small_file: what a small file of /proc or /sys says at this moment.
 */
#ifndef GOMAPTOP_CORE_SMALL_FILE_H
#define GOMAPTOP_CORE_SMALL_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* The file's first size - 1 bytes at most, by one read, and a NUL behind them (there may be others
 * among them). Returns how many bytes, or -errno: text is then as it was. Any thread. */
ssize_t small_file_read(const char *path, char *text, size_t size);

#endif
