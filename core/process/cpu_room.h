/* SPDX-License-Identifier: MIT */
/*
 * cpu_room: how much CPU time is left for a process, by the kernel's accounts: of the machine, and
 * within the limits that the process has of its own.
 *
 * Reads only, a few small files of /proc and /sys. Any thread.
 */
#ifndef GOMAPTOP_CORE_CPU_ROOM_H
#define GOMAPTOP_CORE_CPU_ROOM_H

#include <stdint.h>
#include <sys/types.h>

/* CPU time since boot in which CPUs had nothing to do, of all of them together: nanoseconds, in
 * steps of a hundredth of a second (fs/proc/uptime.c). 0 or -ENODATA. */
int cpu_room_idle(uint64_t *idle_ns);

/* CPUs that are online. */
int cpu_room_cpus(void);

/* CPUs that the process's first thread may run on. -ESRCH. */
int cpu_room_allowed(pid_t pid);

/* How many times a limit of CPU time (cpu.max, cpu.cfs_quota_us) of the process's control group, or
 * of one above it, was used up: nr_throttled of cpu.stat, Documentation/admin-guide/cgroup-v2.rst
 * and scheduler/sched-bwc.rst. 0, -ESRCH, or -ENODATA: the group's accounts are not to be seen from
 * here. */
int cpu_room_throttled(pid_t pid, uint64_t *times);

#endif
