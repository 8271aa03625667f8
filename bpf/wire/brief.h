/* SPDX-License-Identifier: MIT */
/*
 * brief: events as they go over the ring, with call chains by name and copies of stacks.
 *
 * The same few chains come again and again, and are most of an event's bytes. Each is sent once, as
 * EVENT_CHAIN, before the first event that names it; the collector puts it back before the event
 * goes on. Where a chain has no name (no room in the table) the event goes as core/event/event.h
 * has it: its size tells. Compiled on both sides.
 */
#ifndef GOMAPTOP_BPF_BRIEF_H
#define GOMAPTOP_BPF_BRIEF_H

#include "core/event/event.h"
#include "core/judge/order_event.h"

#define CHAINS_MAX 8192 /* chains that have a name at a time */

#define ACCESS_HEAD __builtin_offsetof(struct access, stack)

/* Beside enum event_kind, and never in the queue: for the collector alone. */
#define EVENT_CHAIN (EVENT_KINDS + 0) /* struct event_chain */
#define EVENT_STACK \
	(EVENT_KINDS + 1) /* struct event_stack: the collector finishes a chain with it */

struct event_chain {
	struct event_header h;
	__u64 name; /* hash of process and entries; not 0 */
	__u32 depth;
	__u32 pad;
	__u64 stack[STACK_DEPTH_MAX];
};

/* Copy of a goroutine's stack from its stack pointer upwards, made where the frame pointers did not
 * lead to the goroutine's start (a cgo callback, assembly). It goes before the event whose access
 * it belongs to: same g, access.time_ns == h.time_ns. */
#define STACK_COPY_MAX 16384

struct event_stack {
	struct event_header h;
	__u64 g;
	__u64 pc, sp, fp; /* at the probe: of the probed instruction, RSP, RBP */
	__u32 bytes;      /* used of data[] */
	__u32 pad;
	__u8 data[STACK_COPY_MAX];
};

struct access_brief {
	__u64 head[ACCESS_HEAD / sizeof(__u64)]; /* the access without its stack[] */
	__u64 chain;                             /* name */
};

/* Everything but the accesses is as in the whole events. */
struct event_stall_brief {
	struct event_header h;
	__u64 hold_ns;
	__u32 map_gen;
	__u32 arrivals;
	struct access_brief access;
};

struct event_overlap_brief {
	struct event_header h;
	__u64 hold_ns;
	__u64 after_ns;
	__u32 map_gen;
	__u32 pad;
	struct access_brief held, came;
};

struct event_birth_brief {
	struct event_header h;
	__u64 seed;
	struct access_brief access;
};

struct event_unordered_brief {
	struct event_header h;
	__u32 map_gen;
	__u32 pad;
	struct access_brief first, second;
};

/* Of the ring of order events: an access of which the call chain was taken. */
struct order_access_event {
	struct order_event e; /* flagged */
	struct access_brief access;
};

#define BRIEF_BEGINS_AS(name, access)                                                   \
	_Static_assert(__builtin_offsetof(struct event_##name, access) ==               \
	                       __builtin_offsetof(struct event_##name##_brief, access), \
	               "brief events begin as whole ones")
BRIEF_BEGINS_AS(stall, access);
BRIEF_BEGINS_AS(overlap, held);
BRIEF_BEGINS_AS(birth, access);
BRIEF_BEGINS_AS(unordered, first);
_Static_assert(ACCESS_HEAD % sizeof(__u64) == 0, "an access is whole words");

#endif
