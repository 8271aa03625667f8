/* SPDX-License-Identifier: MIT */
/*
 * executables: what the collector's thread knows of the watched executables.
 *
 * Each is read once, by the thread that watches it, and what the collector needs of that is handed
 * over. It is read here once more only where its tables are walked, which one go_binary does for
 * one thread: for a layout that is not verified, and at the first copy of a stack. Then from the
 * same descriptor, and only if the file was not written to since.
 */
#ifndef GOMAPTOP_BPF_EXECUTABLES_H
#define GOMAPTOP_BPF_EXECUTABLES_H

#include <stddef.h>

#include "bpf/collect/collector.h"

struct executables;
struct executable;

int executables_create(struct executables **out);   /* 0 or -ENOMEM */
void executables_destroy(struct executables *list); /* accepts NULL; the threads have ended */

/* By one thread, which may be another one than the collector's; the executable belongs to the list
 * and lasts as long. 0, -ENOMEM, -ESTALE or those of go_binary_open_fd(). */
int executables_add(struct executables *list, const struct collector_executable *what,
                    struct executable **out);

/* The same thread: its row may be another one's from now on. */
void executables_remove(struct executables *list, size_t row);

/* The collector's thread: the executable that has this row now; NULL: none has. */
struct executable *executables_of_row(const struct executables *list, size_t row);

const struct collector_executable *executable_what(const struct executable *executable);
bool executable_is_removed(const struct executable *executable);

/* The collector's thread. Its own go_binary, read at the first call; NULL: it cannot be read (any
 * more). */
struct go_binary *executable_binary(struct executable *executable);

#endif
