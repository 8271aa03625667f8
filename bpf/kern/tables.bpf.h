/* SPDX-License-Identifier: MIT */
/*
 * tables: the BPF maps, and the counters that account for every hit and every event.
 *
 * The capacities here are placeholders that bpf/attach/program.c replaces before loading.
 */
#ifndef GOMAPTOP_BPF_TABLES_H
#define GOMAPTOP_BPF_TABLES_H

#include "bpf/kern/kernel_types.h"
#include "bpf/wire/wire.h"
#include "core/event/event.h"

#ifdef __bpf__
const volatile struct detector_config config = {};
#else
struct detector_config config; /* an ordinary program, in which tests set it */
#endif
struct detector_tuning tuning = {};
/* By COOKIE_ROW: filled before the first probe of that binary goes in. */
struct field_row field_rows[FIELD_ROWS] = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct target_state);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct map_key);
	__type(value, struct map_state);
} maps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct goroutine_key);
	__type(value, struct goroutine_counts);
} goroutines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct call_site_key);
	__type(value, struct call_site);
} call_sites SEC(".maps");

/* By site; see struct site_callers. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct site_callers);
} callers SEC(".maps");

/* By COOKIE_CALL_ROW. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CALL_PROBES_MAX);
	__type(key, __u32);
	__type(value, struct call_probe);
} call_probes SEC(".maps");

/* By COOKIE_ORDER_ROW. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ORDER_SITES_MAX);
	__type(key, __u32);
	__type(value, struct order_row);
} order_sites SEC(".maps");

/* What orders goroutines, and accesses to maps meanwhile; see order.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} order_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CALL_PROBES_MAX);
	__type(key, struct call_key);
	__type(value, __u32);
} call_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TOUCHES_MAX);
	__type(key, struct touch_key);
	__type(value, struct touch);
} touches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} nothing SEC(".maps");

/* A program with a tail call keeps its frame on the kernel's stack, also where the kernel gives
 * large frames memory of their own (6.13, commit a76ab5731e32): what is read from user memory comes
 * to lie in the frame, and whether it may be copied to there takes the kernel 30 ns longer to find
 * out elsewhere. The call itself is never made; the verifier sees that and takes it out. */
static __always_inline void stack_stay(void *ctx)
{
	if (config.tail_call)
		bpf_tail_call(ctx, &nothing, 0);
}

/* 1 or 0, without a branch: the verifier looks at each way through a program. */
static __always_inline __u64 words_are_same(__u64 a, __u64 b)
{
	__u64 differ = a ^ b;

	asm volatile("" : "+r"(differ));
	return ~(differ | -differ) >> 63;
}

struct coverage {
	__u64 value[COVERAGE_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct coverage);
} coverage SEC(".maps");

/* Atomic, although per CPU: a program can be preempted in the middle of an addition and another
 * run on the same CPU; the sums are promised to be exact. */
static __always_inline void coverage_add(enum coverage_field field, __u64 n)
{
	__u32 zero = 0;
	struct coverage *c = bpf_map_lookup_elem(&coverage, &zero);

	if (c)
		__sync_fetch_and_add(&c->value[field], n);
}

static __always_inline void coverage_count(enum coverage_field field)
{
	coverage_add(field, 1);
}

/* The time, up to a tick of the timer late: 2 ns instead of the 35 of the exact clock. */
static __always_inline __u64 clock_coarse(void)
{
	__u64 tick = bpf_jiffies64();

	if (*(volatile __u64 *)&tuning.clock_tick != tick) {
		*(volatile __u64 *)&tuning.clock_ns = bpf_ktime_get_ns();
		*(volatile __u64 *)&tuning.clock_tick = tick;
	}
	return *(volatile __u64 *)&tuning.clock_ns;
}

/* Room for one event, accounted for as made and, where there is none, as lost. */
static __always_inline void *event_reserve(__u64 size)
{
	void *event = bpf_ringbuf_reserve(&events, size, 0);

	coverage_count(COVERAGE_EVENTS_MADE);
	if (!event)
		coverage_count(COVERAGE_RING_FULL);
	return event;
}

/* Half of the ring is for what is not to be had again, conflicts above all: beyond that, news of
 * which there can be any number are told of in part only. */
static __always_inline int ring_is_busy(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >
	       bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 2;
}

/* Nobody is woken: the collector drains on a timer. A wake-up costs the target ten times the rest.
 */
static __always_inline void event_submit(void *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

static __always_inline void event_header_set(struct event_header *h, __u32 kind, __u32 size,
                                             __u64 now, __u32 tgid)
{
	h->kind = kind;
	h->size = size;
	h->time_ns = now;
	h->tgid = tgid;
	h->pad = 0;
}

#endif
