/* SPDX-License-Identifier: MIT */
/*
 * chain: call chains that go over the ring once, and memory to take one into.
 */
#ifndef GOMAPTOP_BPF_CHAIN_H
#define GOMAPTOP_BPF_CHAIN_H

#include "bpf/kern/operation.bpf.h"
#include "bpf/wire/brief.h"

/* By name: 1 once the chain is in the ring. User space takes out those of processes that ended. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CHAINS_MAX);
	__type(key, __u64);
	__type(value, __u32);
} chains SEC(".maps");

/* ---- names --------------------------------------------------------------------------- */

static __always_inline __u64 chain_name(const struct access *a)
{
	__u64 h = ((__u64)a->depth << 32 | a->tgid) * 0x9e3779b97f4a7c15ULL;

	for (__u32 i = 0; i < STACK_DEPTH_MAX; i++) {
		if (i >= a->depth)
			break;
		h = (h ^ a->stack[i]) * 0xbf58476d1ce4e5b9ULL;
		h ^= h >> 29;
	}
	return h ? h : 1;
}

/* 0, or -1: there was no room in the ring. A chain is no event and in no account: without it the
 * events go whole, and those are accounted for. */
static __always_inline int chain_send(const struct access *a, __u64 name)
{
	struct event_chain *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return -1;
	event_header_set(&e->h, EVENT_CHAIN, sizeof(*e), a->time_ns, a->tgid);
	e->name = name;
	e->depth = a->depth;
	e->pad = 0;
	bpf_probe_read_kernel(e->stack, sizeof(e->stack), a->stack);
	event_submit(e);
	return 0;
}

/* Name of this access's chain, which lies in the ring before whatever is reserved from now on; 0:
 * it has none. The access does not change meanwhile. */
static __noinline __attribute__((unused)) __u64 chain_tell(const struct access *a)
{
	__u32 sending = 0, *sent;
	__u64 name;

	if (!a)
		return 0;
	name = chain_name(a);
	sent = bpf_map_lookup_elem(&chains, &name);
	if (sent)
		return *(volatile __u32 *)sent ? name : 0;
	if (bpf_map_update_elem(&chains, &name, &sending, BPF_NOEXIST))
		return 0;
	if (chain_send(a, name)) {
		bpf_map_delete_elem(&chains, &name);
		return 0;
	}
	sent = bpf_map_lookup_elem(&chains, &name);
	if (!sent)
		return 0;
	__sync_lock_test_and_set(sent, 1);
	return name;
}

static __always_inline void access_brief_set(struct access_brief *b, const struct access *a,
                                             __u64 chain)
{
	__builtin_memcpy(b->head, a, sizeof(b->head));
	b->chain = chain;
}

/* ---- memory for one access ----------------------------------------------------------- */

#define SCRATCHES 64 /* accesses that can be taken at once; a power of two */

struct scratch {
	__u64 taken;
	struct access access;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Of this run's own until scratch_give(); a program that was preempted has kept what it had. NULL:
 * none was found. */
static __always_inline struct scratch *scratch_take(__u32 tid)
{
	for (__u32 i = 0; i < 4; i++) {
		__u32 index = (tid + i) & (SCRATCHES - 1);
		struct scratch *s = bpf_map_lookup_elem(&scratches, &index);

		if (s && !__sync_val_compare_and_swap(&s->taken, 0, 1))
			return s;
	}
	return NULL;
}

static __always_inline void scratch_give(struct scratch *s)
{
	__sync_lock_test_and_set(&s->taken, 0);
}

/* An event that could not be made for want of a chain. */
static __always_inline void event_without_chain(void)
{
	coverage_count(COVERAGE_EVENTS_MADE);
	coverage_count(COVERAGE_STACK_FAILED);
}

#endif
