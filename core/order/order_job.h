/* SPDX-License-Identifier: MIT */
/*
 * order_job: find the order sites of a program in a process of its own.
 *
 * Looking through 100 MB of code takes up to a second of CPU time, which the target needs. A thread
 * that gives way to all others would hold locks of this process (the allocator's, the kernel's for
 * the address space) while it does not run, and the threads that empty the rings would wait for
 * them. A process has its own. It runs when a CPU is idle; after ORDER_JOB_PATIENCE_MS it gets a
 * small share of a busy one.
 */
#ifndef GOMAPTOP_CORE_ORDER_JOB_H
#define GOMAPTOP_CORE_ORDER_JOB_H

#include "core/base/error.h"
#include "core/order/order_site.h"

#define ORDER_JOB_PATIENCE_MS 1000

/* order_plan_make() of the file open at fd, which is borrowed; name is for words. Waits for it;
 * ends it when the descriptor stop becomes readable. A program that loads plugins has code in other
 * files, too: -ENOTSUP.
 * 0; what order_plan_make() and go_binary_open_fd() return; -ECANCELED: stopped; -EIO: the process
 * ended without an answer; -errno of fork(2) and pipe(2). Each with words in err, and an empty
 * plan. From any thread, one at a time; the caller frees the plan. */
int order_job_run(int fd, const char *name, int stop, struct order_plan *plan, struct error *err);

#endif
