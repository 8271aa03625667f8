/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * gomaptop: the program behind every probe.
 *
 * One hit goes: account for it, filter it or read the operation from the registers, count it, see
 * whether it meets a held access, else perhaps hold it. Tables, counters: tables.bpf.h. Reading:
 * operation.bpf.h. Counting: count.bpf.h; the short way for most: own.bpf.h. Holding and meeting:
 * hold.bpf.h. Choosing: detector.bpf.h. What orders goroutines: order.bpf.h. Whose hit it is:
 * process_ids.bpf.h.
 */
#include "core/event/event.h"

#include "bpf/kern/birth.bpf.h"
#include "bpf/kern/crash.bpf.h"
#include "bpf/kern/detector.bpf.h"
#include "bpf/kern/family.bpf.h"
#include "bpf/kern/governed.bpf.h"
#include "bpf/kern/order.bpf.h"
#include "bpf/kern/own.bpf.h"
#include "bpf/kern/process_ids.bpf.h"
#include "bpf/kern/timing.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __always_inline void process_announce(__u32 tgid, __u32 row)
{
	struct event_process *e = event_reserve(sizeof(*e));

	if (!e)
		return;
	event_header_set(&e->h, EVENT_PROCESS, sizeof(*e), bpf_ktime_get_ns(), tgid);
	e->state = PROCESS_RUNNING;
	e->binary = row;
	event_submit(e);
}

#define EXEC_BITS 20
#define PID_BITS  22 /* PID_MAX_LIMIT, include/linux/threads.h */

/* How often the running process and those it stems from have executed a program, in EXEC_BITS: an
 * execve(2) counts on, while the ids stay, and all threads have the number of the one that did it
 * (begin_new_exec(), fs/exec.c). */
static __always_inline __u32 process_execs(void)
{
	return bpf_get_current_task_btf()->self_exec_id & ((1 << EXEC_BITS) - 1);
}

/* Is this process one to watch? Its first hit announces it, and the first one after each execve(2)
 * does so again: the program lies elsewhere then. One that finds the table of targets full
 * is not watched, and each of its hits is told as a loss. */
static __always_inline int process_is_target(__u32 tgid, __u32 execs, __u32 row)
{
	struct target_state *t = bpf_map_lookup_elem(&targets, &tgid);
	__u32 mark = TARGET_ANNOUNCED | execs;

	if (t) {
		__u32 before = *(volatile __u32 *)&t->announced;

		if (before != mark &&
		    __sync_val_compare_and_swap(&t->announced, before, mark) == before) {
			/* Goroutines and maps of before may have the addresses of new ones. */
			if (before)
				order_void();
			process_announce(tgid, row);
		}
		return 1;
	}
	if (!config.any_process || (config.only_family && !family_has(tgid)))
		return 0;
	{
		struct target_state fresh = {.announced = mark};

		if (!bpf_map_update_elem(&targets, &tgid, &fresh, BPF_NOEXIST)) {
			process_announce(tgid, row);
			return 1;
		}
	}
	if (bpf_map_lookup_elem(&targets, &tgid)) /* another of its threads was faster */
		return 1;
	coverage_count(COVERAGE_EVENTS_MADE);
	coverage_count(COVERAGE_TABLE_FULL);
	return 0;
}

/* The first hits of a process; KNOWN_PROCESSES that share a place here come again and again. */
static __noinline __u32 process_learn(__u32 own, __u32 execs, __u32 row)
{
	__u32 tgid = 0, tid = 0;

	if (current_ids(&tgid, &tid) || !process_is_target(tgid, execs, row))
		return 0;
	*(volatile __u64 *)&tuning.known[own & (KNOWN_PROCESSES - 1)] =
	        ((__u64)own << PID_BITS | tgid) << EXEC_BITS | execs;
	return tgid;
}

/* Id of the running process if it is to be watched, else 0. own: the kernel's own id of it. */
static __always_inline __u32 process_watched(__u32 own, __u64 cookie)
{
	__u64 known = *(volatile __u64 *)&tuning.known[own & (KNOWN_PROCESSES - 1)];
	__u32 execs = process_execs();

	if (known >> (PID_BITS + EXEC_BITS) == own && (known & ((1 << EXEC_BITS) - 1)) == execs)
		return known >> EXEC_BITS & ((1 << PID_BITS) - 1);
	return process_learn(own, execs, COOKIE_ROW(cookie));
}

static __always_inline void map_operation(struct pt_regs *ctx, struct operation *o, __u64 begin,
                                          int ordered)
{
	struct goroutine_counts *c = goroutine_row(o);
	struct map_state *m = map_row(o);

	timing_end(begin, TIMED_OPERATION);
	coverage_count(COVERAGE_COUNTED);
	if (o->probed)
		coverage_count(COVERAGE_AT_CALL);
	o->outside = !*(volatile __u64 *)&tuning.sampling;
	if (o->outside)
		coverage_count(COVERAGE_OUTSIDE);
	o->sample = operation_is_sample(o, c);
	ordered = ordered && order_is_on(o->row);
	if (!ordered && own_operation(o, m, c))
		return;
	operation_complete(ctx, o);
	c = goroutine_count(o, c);
	m = map_count(o, m);
	if (ordered && m)
		order_access(ctx, o, m);
	if (!hold_meet(ctx, o, m, c) && m)
		detect(ctx, o, m);
}

static __always_inline int probe_hit(struct pt_regs *ctx, int ordered)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct operation o = {};
	__u64 ids, begin;
	int cause;

	stack_stay(ctx);
	begin = COOKIE_ROLE(cookie) == PROBE_MAP_OP  ? timing_begin(COVERAGE_COUNTED)
	        : COOKIE_ROLE(cookie) == PROBE_ORDER ? timing_begin(COVERAGE_ORDER_SITE)
	                                             : 0;
	if (tuning.stopped)
		return 0;
	ids = bpf_get_current_pid_tgid();
	o.tid = ids;
	o.tgid = process_watched(ids >> 32, cookie);
	if (!o.tgid) {
		coverage_count(COVERAGE_OTHER_PROCESS);
		return 0;
	}
	if (COOKIE_ROLE(cookie) == PROBE_CRASH) {
		coverage_count(COVERAGE_CRASH_SITE);
		crash_tell(ctx, cookie, o.tgid, o.tid);
		return 0;
	}
	if (!is_governed()) {
		coverage_count(COVERAGE_UNGOVERNED);
		return 0;
	}
	if (COOKIE_ROLE(cookie) == PROBE_ORDER) {
		coverage_count(COVERAGE_ORDER_SITE);
		if (ordered)
			order_tell(ctx, cookie, o.tgid, o.tid);
		timing_end(begin, TIMED_ORDER);
		return 0;
	}
	if (COOKIE_ROLE(cookie) == PROBE_BIRTH) {
		coverage_count(COVERAGE_BIRTH_SITE);
		if (birth_is_allowed())
			birth_tell(ctx, cookie, o.tgid, o.tid);
		return 0;
	}
	if (COOKIE_INSTRUCTION(cookie) == PROBE_AT_JBE && go_stack_growth(ctx)) {
		coverage_count(COVERAGE_STACK_GROWTH);
		return 0;
	}
	cause = operation_read(ctx, cookie, &o);
	if (cause)
		coverage_count(cause);
	else
		map_operation(ctx, &o, begin, ordered);
	return 0;
}

SEC("uprobe")
int on_probe(struct pt_regs *ctx)
{
	return probe_hit(ctx, 1);
}

/* Where there are no order probes: Linux 6.1 does not take order_access(). */
SEC("uprobe")
int on_probe_plain(struct pt_regs *ctx)
{
	return probe_hit(ctx, 0);
}
