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

/* The same for a piece of work that ends soon: this nice value where the user may have it, else
 * nothing. At PROCESS_APART_FIRST a target that uses all CPUs stands still meanwhile, for as long
 * as this thread uses a CPU. Returns what process_apart_rest() wants. Threads made meanwhile keep
 * it. */
#define PROCESS_APART_FIRST (-20)
int process_apart_hasten(int nice);
void process_apart_rest(int before);

/* The calling thread runs only where nobody else wants the CPU: nothing waits for what it does. */
void process_apart_idle(void);

#endif
