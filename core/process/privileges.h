/* SPDX-License-Identifier: MIT */
/*
 * privileges: what this process may do, and the settings of the host that decide about it.
 *
 * Reads only. What could not be read is said to be unknown, never guessed: PRIVILEGE_UNKNOWN for
 * settings, false for `known` flags. What a right is good for is found out by trying elsewhere;
 * this tells why a try failed. Any thread.
 */
#ifndef GOMAPTOP_CORE_PRIVILEGES_H
#define GOMAPTOP_CORE_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PRIVILEGE_UNKNOWN (-1000) /* no setting has this value */

struct privileges {
	bool capabilities_known;
	uint64_t capabilities; /* effective, bit CAP_x of linux/capability.h */
	int seccomp;           /* 0 none, 1 strict, 2 a filter */
	int no_new_privileges; /* 0 or 1 */
	int user_namespace;    /* 1: a namespace of its own, where capabilities do not count */
	int pid_namespace;     /* 1: not the host's */
	int perf_event_paranoid;
	int unprivileged_bpf_disabled;
	int ptrace_scope;            /* of Yama; unknown where there is none */
	char lockdown[32];           /* "none", "integrity", "confidentiality"; empty: unknown */
	uint64_t memlock_soft_limit; /* RLIMIT_MEMLOCK, bytes; UINT64_MAX: none */
};

void privileges_read(struct privileges *out);

/* Does this process have the capability? False where capabilities are unknown. */
bool privileges_have(const struct privileges *privileges, int capability);

/* What to do about something that was refused: `words` ("run gomaptop as root"), or for root, whom
 * that advice would not help, what may stand in the way. Static, or words. */
const char *privileges_remedy(const char *words);

/* How many CPUs the process (0: the calling thread) may run on, or -errno. */
int privileges_cpus(pid_t pid);

#endif
