/* SPDX-License-Identifier: MIT */
/*
 * process_apart: for a process or thread that others rely on while they are slowed down or stopped.
 */
#ifndef GOMAPTOP_CORE_PROCESS_APART_H
#define GOMAPTOP_CORE_PROCESS_APART_H

/* Leave the control groups that could freeze this process or keep the CPU from it, for the root of
 * each hierarchy: what may be left is left. cgroup v2, and of v1 the freezer and cpu. Reads
 * /proc/self/cgroup and /proc/self/mounts. */
void process_apart_leave(void);

/* Let the calling thread, and threads that it makes, run before ordinary ones: it sleeps nearly all
 * of the time, and what it does cannot wait. SCHED_FIFO where the user may, else a nice value of
 * -20, else nothing. */
void process_apart_hurry(void);

/* The same for a piece of work that ends soon: a nice value of -20 where the user may, else
 * nothing. Returns what process_apart_rest() wants. Threads made meanwhile keep it. */
int process_apart_hasten(void);
void process_apart_rest(int before);

#endif
