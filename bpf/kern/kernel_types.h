/* SPDX-License-Identifier: MIT */
/*
 * kernel_types: the few kernel types that the BPF programs touch.
 *
 * Only the members that are used; CO-RE relocations find them in the running kernel's BTF, so no
 * dump of the build machine's kernel is needed. struct pt_regs: arch/x86/include/asm/ptrace.h;
 * arch/arm64/include/asm/ptrace.h, where the members are those of an anonymous struct in a union
 * with struct user_pt_regs.
 */
#ifndef GOMAPTOP_BPF_KERNEL_TYPES_H
#define GOMAPTOP_BPF_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#if defined(__TARGET_ARCH_arm64)
struct pt_regs {
	unsigned long long regs[31];
	unsigned long long sp;
	unsigned long long pc;
	unsigned long long pstate;
} __attribute__((preserve_access_index));
#else
struct pt_regs {
	unsigned long r15, r14, r13, r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11, r10, r9, r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long ip;
	unsigned long flags;
	unsigned long sp;
} __attribute__((preserve_access_index));
#endif

/* include/linux/ns_common.h, pid_namespace.h, pid.h, sched.h */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct pid_namespace {
	struct ns_common ns;
} __attribute__((preserve_access_index));

struct upid {
	int nr;
	struct pid_namespace *ns;
} __attribute__((preserve_access_index));

struct pid {
	unsigned int level;
	struct upid numbers[]; /* one for each namespace, the initial one first */
} __attribute__((preserve_access_index));

typedef struct {
	int counter;
} __attribute__((preserve_access_index)) atomic_t;

struct signal_struct {
	atomic_t live; /* threads that have not begun to end */
} __attribute__((preserve_access_index));

struct task_struct {
	int pid, tgid;
	struct signal_struct *signal;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	unsigned long long self_exec_id;
} __attribute__((preserve_access_index));

/* include/linux/binfmts.h */
struct linux_binprm {
	const char *filename;
} __attribute__((preserve_access_index));

#endif
