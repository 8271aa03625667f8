/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * process_ids: ids of the running task as the user side sees them.
 *
 * A task has an id in its own pid namespace and in each one above. The user side knows those of its
 * own namespace: also for processes in a container below it. In the initial namespace they are what
 * the kernel itself uses; elsewhere they are read from the task (bpf_get_ns_current_pid_tgid knows
 * only tasks of one namespace proper, not of those below it).
 */
#ifndef GOMAPTOP_BPF_PROCESS_IDS_H
#define GOMAPTOP_BPF_PROCESS_IDS_H

#include <bpf/bpf_core_read.h>

#include "bpf/kern/tables.bpf.h"

#define PIDNS_LEVELS 33 /* MAX_PID_NS_LEVEL and the initial one */

/* Which of a task's ids is the one in the user side's namespace; learned from the first hit, which
 * is the trial's. 0: not yet (level 0 is the initial namespace, where nothing needs learning). */
__u32 pidns_level = 0;
__u64 pidns_here = 0; /* that namespace in the kernel: others have the same level */

static __always_inline long upid_read(const struct pid *pid, __u32 level, struct upid *out)
{
	const char *numbers = (const char *)pid + bpf_core_field_offset(struct pid, numbers);

	return bpf_probe_read_kernel(out, sizeof(*out), numbers + (__u64)level * sizeof(*out));
}

static __always_inline void pidns_learn(const struct pid *pid)
{
	__u32 inum_at = bpf_core_field_offset(struct pid_namespace, ns.inum);
	__u32 levels = pid->level;

	for (__u32 i = 1; i < PIDNS_LEVELS && i <= levels; i++) {
		struct upid upid = {};
		__u32 inum = 0;

		if (upid_read(pid, i, &upid) ||
		    bpf_probe_read_kernel(&inum, sizeof(inum), (const char *)upid.ns + inum_at))
			return;
		if (inum == config.pidns_ino) {
			pidns_here = (__u64)upid.ns;
			pidns_level = i;
			return;
		}
	}
}

/* Id of a task in the user side's namespace; 0: it has none there. */
static __always_inline __u32 pid_here(const struct pid *pid)
{
	struct upid upid = {};

	if (pid->level < pidns_level || upid_read(pid, pidns_level, &upid) ||
	    (__u64)upid.ns != pidns_here)
		return 0;
	return upid.nr;
}

/* Of the running thread; 0: it has none. Asked for where an event tells it. */
static __always_inline __u32 tid_here(void)
{
	if (!config.pidns_ino)
		return bpf_get_current_pid_tgid();
	return pid_here(bpf_get_current_task_btf()->thread_pid);
}

/* 0, or -1: the task is not to be seen from the user side's namespace. */
static __always_inline int current_ids(__u32 *tgid, __u32 *tid)
{
	struct task_struct *task;
	__u64 both;

	if (!config.pidns_ino) {
		both = bpf_get_current_pid_tgid();
		*tgid = both >> 32;
		*tid = both;
		return 0;
	}
	task = bpf_get_current_task_btf();
	if (!pidns_level)
		pidns_learn(task->thread_pid);
	if (!pidns_level)
		return -1;
	*tid = pid_here(task->thread_pid);
	*tgid = pid_here(task->group_leader->thread_pid);
	return *tid && *tgid ? 0 : -1;
}

#endif
