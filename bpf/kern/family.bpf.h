/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * family: the process that `-- CMD` started, and all that stem from it.
 *
 * Three tracepoints, attached only where CMD is not the Go program itself: a process that a member
 * forks is a member, each program that a member executes is told, and a member leaves with its last
 * thread. User space puts the first member in.
 */
#ifndef GOMAPTOP_BPF_FAMILY_H
#define GOMAPTOP_BPF_FAMILY_H

#include "bpf/kern/process_ids.bpf.h"

#ifdef __bpf__
#include <bpf/bpf_tracing.h>
#endif

/* By process id, as the user side sees it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FAMILY_MAX);
	__type(key, __u32);
	__type(value, __u32);
} family SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 << 10);
} family_events SEC(".maps");

__u64 family_lost = 0;       /* processes that found no room */
__u64 family_execs_lost = 0; /* programs of which the user side was not told */

static __always_inline int family_has(__u32 tgid)
{
	return bpf_map_lookup_elem(&family, &tgid) != NULL;
}

#ifdef __bpf__ /* tests have no tracepoints */

static __always_inline __u32 process_here(const struct task_struct *task)
{
	return config.pidns_ino ? pid_here(task->group_leader->thread_pid) : (__u32)task->tgid;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid, one = 1;

	(void)ctx;
	if (child->pid != child->tgid || !family_has(process_here(parent)))
		return 0;
	tgid = process_here(child);
	if (tgid && bpf_map_update_elem(&family, &tgid, &one, BPF_ANY))
		__sync_fetch_and_add(&family_lost, 1);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	__u32 tgid = process_here(task);
	struct family_event *e;

	(void)ctx;
	(void)old_pid;
	if (!family_has(tgid))
		return 0;
	e = bpf_ringbuf_reserve(&family_events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&family_execs_lost, 1);
		return 0;
	}
	e->tgid = tgid;
	if (bpf_probe_read_kernel_str(e->name, sizeof(e->name), program->filename) < 0)
		e->name[0] = 0;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 tgid;

	(void)ctx;
	if (task->signal->live.counter)
		return 0;
	tgid = process_here(task);
	bpf_map_delete_elem(&family, &tgid);
	return 0;
}

#endif

#endif
