/* SPDX-License-Identifier: MIT */
/*
 * targets: the processes that are watched: when they end, what CPU time and how many read and write
 * calls they use, and how much CPU time is left for them.
 *
 * Made by the watch, for two threads. The collector's says which processes there are and asks which
 * have ended; the governor's and others read sums. A lock keeps the list whole; each function says
 * which thread may call it. A process that ended leaves the list, and what it used stays part of
 * the sums.
 */
#ifndef GOMAPTOP_BPF_TARGETS_H
#define GOMAPTOP_BPF_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct targets;

#define TARGET_ENDS_MAX 64 /* told by one look; further ones by the next */

/* pids: those that are watched from the start; borrowed during the call. 0 or -errno. */
int targets_create(const pid_t *pids, size_t count, struct targets **out);
void targets_destroy(struct targets *targets); /* accepts NULL; nobody uses it any more */

/* ---- the collector's thread, or the one that starts it before ------------------------ */

size_t targets_count(const struct targets *targets);
pid_t targets_pid(const struct targets *targets, size_t index); /* index < targets_count() */

/* Its first hit has told of a process: from now on its end is noticed. One that has ended already
 * is told by the next targets_poll(). No effect if it is known. */
void targets_started(struct targets *targets, pid_t pid);

/* Is it in the list? */
bool targets_knows(const struct targets *targets, pid_t pid);

/* The process is about to end by a crash: see targets_end(). */
void targets_crashed(struct targets *targets, pid_t pid);

/* Sleep for timeout_ms, or until a process ends. Returns how many ids of processes that have ended
 * it put into ended[]; each is told again until targets_end(). */
size_t targets_poll(struct targets *targets, int timeout_ms, pid_t ended[TARGET_ENDS_MAX]);

/* A process that has ended leaves the list: from now on its number may be another one's. Returns
 * whether it crashed. */
bool targets_end(struct targets *targets, pid_t pid);

/* A few times a second at least: look at CPU time (every 50 ms) and at what is left of it (every
 * half second), for those who ask. */
void targets_look(struct targets *targets);

/* ---- the governor's thread, or the one that starts it before ------------------------- */

/* So many breakpoints the kernel puts into a process that starts from now on. */
void targets_probes_set(struct targets *targets, size_t count);

/* ---- any thread ---------------------------------------------------------------------- */

/* Processes that have not ended, as far as is known. */
size_t targets_alive(const struct targets *targets);

/* CPU time of the targets since they were added, ended ones included: a look some tens of
 * milliseconds ago. Costs nothing. */
uint64_t targets_cpu_ns(const struct targets *targets);

/* The same, looked at now, to the nanosecond: less than a microsecond a target. */
uint64_t targets_cpu_now_ns(struct targets *targets);

/* Read and write calls of the targets since they were added, ended ones included; looked at now,
 * some microseconds a target. What nobody may see counts as none. */
uint64_t targets_calls(struct targets *targets);

/* CPU time that processes which started under watch needed for the breakpoints that the kernel put
 * into them as they mapped the executable: an estimate. */
uint64_t targets_planted_ns(const struct targets *targets);

/* Idle CPU share: part of the CPU time at hand that went unused in the last half seconds, 0 to 1:
 * of the machine, or of what a target may use where that is less. 0: none, or not known. */
double targets_room(const struct targets *targets);

#endif
