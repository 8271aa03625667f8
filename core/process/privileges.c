/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/process/privileges.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* include/linux/proc_ns.h: PROC_USER_INIT_INO, PROC_PID_INIT_INO */
#define USER_NAMESPACE_INITIAL 0xEFFFFFFDu
#define PID_NAMESPACE_INITIAL  0xEFFFFFFCu

static int setting_read(const char *path)
{
	int value = PRIVILEGE_UNKNOWN;
	FILE *file = fopen(path, "re");

	if (!file)
		return value;
	if (fscanf(file, "%d", &value) != 1)
		value = PRIVILEGE_UNKNOWN;
	fclose(file);
	return value;
}

/* 1: another namespace than the host's; 0: the host's. */
static int namespace_is_own(const char *path, ino_t initial)
{
	struct stat st;

	return stat(path, &st) ? PRIVILEGE_UNKNOWN : st.st_ino != initial;
}

static void status_read(struct privileges *out)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "CapEff: %" SCNx64, &out->capabilities) == 1)
			out->capabilities_known = true;
		(void)!sscanf(line, "Seccomp: %d", &out->seccomp);
		(void)!sscanf(line, "NoNewPrivs: %d", &out->no_new_privileges);
	}
	if (file)
		fclose(file);
}

/* "[none] integrity confidentiality": the one in brackets holds. */
static void lockdown_read(char *out, size_t size)
{
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "", *open, *close;

	if (file && fgets(line, sizeof(line), file)) {
		open = strchr(line, '[');
		close = open ? strchr(open, ']') : NULL;
		if (close)
			snprintf(out, size, "%.*s", (int)(close - open - 1), open + 1);
	}
	if (file)
		fclose(file);
}

void privileges_read(struct privileges *out)
{
	struct rlimit limit;

	*out = (struct privileges){
	        .seccomp = PRIVILEGE_UNKNOWN,
	        .no_new_privileges = PRIVILEGE_UNKNOWN,
	        .user_namespace = namespace_is_own("/proc/self/ns/user", USER_NAMESPACE_INITIAL),
	        .pid_namespace = namespace_is_own("/proc/self/ns/pid", PID_NAMESPACE_INITIAL),
	        .perf_event_paranoid = setting_read("/proc/sys/kernel/perf_event_paranoid"),
	        .unprivileged_bpf_disabled =
	                setting_read("/proc/sys/kernel/unprivileged_bpf_disabled"),
	        .ptrace_scope = setting_read("/proc/sys/kernel/yama/ptrace_scope"),
	};
	status_read(out);
	lockdown_read(out->lockdown, sizeof(out->lockdown));
	if (!getrlimit(RLIMIT_MEMLOCK, &limit))
		out->memlock_soft_limit =
		        limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

bool privileges_have(const struct privileges *privileges, int capability)
{
	return privileges->capabilities_known && privileges->capabilities >> capability & 1;
}

const char *privileges_remedy(const char *words)
{
	if (geteuid() != 0)
		return words;
	return "being root is not enough here: a user namespace, a capability that its container "
	       "took away, seccomp or a security module forbids it; `gomaptop check` says which";
}

int privileges_cpus(pid_t pid)
{
	const int room = 1 << 16; /* more CPUs than any kernel is built for */
	size_t size = CPU_ALLOC_SIZE(room);
	cpu_set_t *set = CPU_ALLOC(room);
	int count = -ENOMEM;

	if (set)
		count = sched_getaffinity(pid, size, set) ? -errno : CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return count;
}
