/* SPDX-License-Identifier: MIT */
/*
 * list_helper: the list of Go processes, made by a process of its own, so that whatever a hostile
 * or hung executable does, the process that shows the list never waits.
 *
 * The helper scans /proc each second and sends the rows. When it looks at one process for 2 s it is
 * ended and started again, and that process is listed as not readable from then on.
 *
 * All functions from one thread, in a process without other threads; none of them waits.
 */
#ifndef GOMAPTOP_CORE_LIST_HELPER_H
#define GOMAPTOP_CORE_LIST_HELPER_H

#include "core/base/error.h"
#include "core/process/go_process.h"

struct list_helper;

/* 0, or -errno with words. */
int list_helper_create(struct list_helper **out, struct error *err);
void list_helper_destroy(struct list_helper *helper); /* accepts NULL */

/* Readable when a new list has come; the same descriptor all the time. */
int list_helper_fd(const struct list_helper *helper);

/* The rows of the last whole list, at most max; returns how many. *complete (NULL: not wanted) is
 * false until the first list has come. To be called at least once a second, since this is also
 * where the helper is seen not to answer. */
size_t list_helper_rows(struct list_helper *helper, struct go_process_row *rows, size_t max,
                        bool *complete);

#endif
