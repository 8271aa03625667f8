/* SPDX-License-Identifier: MIT */
/*
 * link_reaper: a process of its own that sees perf-event probes out, so that nobody waits for them.
 *
 * The kernel takes a perf-event probe out when its last file descriptor is closed, and whoever closes
 * that waits, about 100 ms for each probe, even in exit(2). The reaper is a child (of init, before
 * long) that shares the descriptors: closing them here takes no time then, and the child's end does
 * the work. It holds nothing else: no terminal, no pipe, no file.
 */
#ifndef GOMAPTOP_BPF_LINK_REAPER_H
#define GOMAPTOP_BPF_LINK_REAPER_H

/* Before the links are closed. Returns a token for link_reaper_release(), or -errno: closing will
 * take its time. Not in a signal handler; other threads may run. */
int link_reaper_start(void);

/* After they are closed: the reaper goes on alone. Accepts what link_reaper_start() returned. */
void link_reaper_release(int token);

#endif
