/* SPDX-License-Identifier: MIT */
/*
 * event: the wire contract between the BPF programs, the collector and the model.
 *
 * Plain C, fixed-size types, the same bytes on both sides: this file is compiled by clang for the
 * BPF target and by the C compiler for user space, and the static asserts at its end hold both to
 * one layout. Every source of events (the collector, a synthetic load) speaks exactly this, so the
 * model cannot tell them apart. What only the BPF programs and the collector know is in bpf/wire.
 *
 * Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns); addresses are the target's.
 */
#ifndef GOMAPTOP_CORE_EVENT_H
#define GOMAPTOP_CORE_EVENT_H

#include <linux/types.h>

#include "core/event/order_ways.h"

/* ---- operations ---------------------------------------------------------------------- */

/* What a probed runtime function does to its map: identifier, name in reports, changes the map. */
#define MAP_OPS(X)             \
	X(READ, "read", 0)     \
	X(WRITE, "write", 1)   \
	X(DELETE, "delete", 1) \
	X(CLEAR, "clear", 1)   \
	X(ITERATE, "iterate", 0)

enum map_op {
#define X(id, name, changes) OP_##id,
	MAP_OPS(X)
#undef X
	        OP_COUNT
};

/* Two operations on one map conflict when at least one of them changes it. */
#define X(id, name, changes) | ((changes) << OP_##id)
#define OP_CHANGES_MASK      (0 MAP_OPS(X))
static inline int op_changes(unsigned int op)
{
	return (OP_CHANGES_MASK >> op) & 1;
}
#undef X

/* Of counts or rates by enum map_op: operations that change the map; all. Macros, for arrays of any
 * type. */
#define OPS_CHANGING(ops) ((ops)[OP_WRITE] + (ops)[OP_DELETE] + (ops)[OP_CLEAR])
#define OPS_READING(ops)  ((ops)[OP_READ] + (ops)[OP_ITERATE])
#define OPS_TOTAL(ops)    (OPS_READING(ops) + OPS_CHANGING(ops))

/* ---- call chains --------------------------------------------------------------------- */

#define STACK_DEPTH_MAX 127 /* kernel.perf_event_max_stack as every kernel ships it */
#define KEY_BYTES_MAX   64  /* of a map key, with --show-keys */

/* How a chain ends: with the goroutine's first function; at the depth limit; where the frame
 * pointers were lost (C code) and the rest could not be learned. */
enum chain_end { CHAIN_WHOLE, CHAIN_TOO_DEEP, CHAIN_LOST };

/* One side of a conflict, or one sampled access: who did what, where it came from.
 * stack[0] is the probed instruction inside the runtime's map function. A frame-pointer walk from
 * a probe on `jbe` skips the immediate caller: `caller` has it, see symbolizer_call_chain(). */
struct access {
	__u64 time_ns;
	__u64 map;
	__u64 map_type;    /* *maptype / *abi.MapType, 0 if it could not be read */
	__u64 g;           /* address of the runtime.g: identity while the access lasts */
	__u64 goid;        /* 0 if unknown */
	__u64 parent_goid; /* 0 if unknown (Go before 1.21) */
	__u64 gopc;        /* return address of the go statement that made the goroutine, or 0 */
	__u64 caller;      /* return address into the function that called the map function */
	__u32 tgid;
	__u32 tid;
	__u16 site;     /* index into the table of probe sites */
	__u16 depth;    /* entries used in stack[]; 0: the stack could not be walked */
	__u8 op;        /* enum map_op */
	__u8 truncated; /* enum chain_end: whether the goroutine's start was reached */
	__u8 key_kind; /* --show-keys: reflect.Kind of the key, an integer or string; 0: not read */
	__u8 key_size; /* bytes used of key[] */
	__u32 key_length; /* of a string key: its whole length, at most UINT32_MAX */
	__u32 pad;
	__u64 startpc; /* entry of the goroutine's first function, or 0 */
	__u8 key[KEY_BYTES_MAX];
	__u64 stack[STACK_DEPTH_MAX];
};

/* ---- events -------------------------------------------------------------------------- */

enum event_kind {
	EVENT_NONE,
	EVENT_STALL,     /* struct event_stall: one access was held; its chain, its length */
	EVENT_OVERLAP,   /* struct event_overlap: proven conflict, both sides */
	EVENT_CRASH,     /* struct event_crash: the runtime is about to end the process */
	EVENT_PROCESS,   /* struct event_process: a target appeared or ended */
	EVENT_MAP,       /* struct event_map: the counts of one map, absolute */
	EVENT_GOROUTINE, /* struct event_goroutine: the counts of one goroutine, absolute */
	EVENT_COVERAGE,  /* struct event_coverage: totals of hits, losses, held time, absolute */
	EVENT_TICK,      /* struct event_header alone: all counts of one interval were sent */
	EVENT_BIRTH,     /* struct event_birth: a map was made while it was watched */
	EVENT_UNORDERED, /* struct event_unordered: two accesses that nothing orders */
	EVENT_ORDER,     /* struct event_order: how the accesses to one map are ordered, absolute */
	EVENT_KINDS
};

struct event_header {
	__u32 kind; /* enum event_kind */
	__u32 size; /* bytes of the whole event, header included; a multiple of 8 */
	__u64 time_ns;
	__u32 tgid; /* 0 where the event is about no one process */
	__u32 pad;
};

struct event_stall {
	struct event_header h;
	__u64 hold_ns;  /* how long the access was really held */
	__u32 map_gen;  /* see struct map_counts */
	__u32 arrivals; /* conflicting operations that came meanwhile */
	struct access access;
};

struct event_overlap {
	struct event_header h;
	__u64 hold_ns;  /* length drawn for this hold */
	__u64 after_ns; /* how long the held access had been held when the other one came */
	__u32 map_gen;
	__u32 pad;
	struct access held; /* ACCESS a of the snapshot */
	struct access came; /* ACCESS b */
};

/* Two goroutines used a map, one of them changed it, and nothing that happened between the two
 * accesses orders them (core/judge/order_judge.h). They were not seen at the same time. */
struct event_unordered {
	struct event_header h; /* time_ns: of the second access */
	__u32 map_gen;
	__u32 pad;
	struct access first;  /* ACCESS a of the snapshot */
	struct access second; /* ACCESS b */
};

/* A map was made. access: who made it and from where; access.map is the new map, op and site mean
 * nothing. The seed tells this map from another one at the same address. */
struct event_birth {
	struct event_header h;
	__u64 seed;
	struct access access;
};

#define CRASH_MESSAGE_MAX 128

struct event_crash {
	struct event_header h;
	char message[CRASH_MESSAGE_MAX]; /* NUL-terminated */
	__u64 last_map;                  /* map of the operation that it died in, or 0: not known */
	struct access access; /* op and site are those of that operation, where it was seen */
};

enum process_state { PROCESS_RUNNING, PROCESS_EXITED, PROCESS_CRASHED };

struct event_process {
	struct event_header h;
	__u32 state;  /* enum process_state */
	__u32 binary; /* row of the binary whose probe it hit first */
};

/* ---- counts, kept in BPF hash maps and read once an interval ----------------------------------
 */

#define GOROUTINE_BITS 256 /* linear-counting sketch of the goroutines that used a map */
#define MAP_BITS       64  /* the same of the maps that a goroutine used */

enum map_flag {
	MAP_SHARED = 1,    /* more than one goroutine used it */
	MAP_CHANGED = 2,   /* something changed it */
	MAP_CONTESTED = 4, /* something changed it when others had used it already */
};

struct map_key {
	__u64 addr;
	__u32 tgid;
	__u32 pad;
};

/* A map's address is no identity: when the hash seed shows that a new map lives at the address,
 * gen goes up and the counts begin again (the old ones arrive as one last EVENT_MAP).
 * Index 0 of the arrays of two: held (or watched) access was a read or iteration; 1: it changed
 * the map. control_* is the experiment that says how many overlaps to expect: a window that opens
 * at an access as a hold does, but holds nothing, in which conflicting operations of other
 * goroutines are counted. Here as in holds a goroutine that comes several times in a row, stepping
 * through a range loop perhaps, counts once: such visits, not the steps, are independent. */
struct map_counts {
	__u64 type;
	__u64 seed; /* hash seed of the map now at the address */
	__u64 ops[OP_COUNT];
	__u64 last_ns;
	__u32 gen;
	__u32 flags; /* enum map_flag */
	__u64 first_ns;
	__u64 first_caller;      /* return address into the code that operated on it first */
	__u64 outside[OP_COUNT]; /* of ops, those outside of sampled_ns, see COVERAGE_FIELDS */
	__u64 goroutines[GOROUTINE_BITS / 64];
	__u64 holds;
	__u64 conflicts;
	__u64 hold_ns[2];
	__u64 control_ns[2];
	__u64 control_arrivals[2];
};

/* Is this the last word on a row of the kernel's tables? */
enum row_end {
	ROW_GOES_ON,
	/* it was unused for long and has left the table; whether it is gone is not known */
	ROW_RETIRED,
	ROW_GONE, /* another one is in its place */
};

struct event_map {
	struct event_header h;
	struct map_key key;
	struct map_counts counts;
	__u32 end; /* enum row_end */
	__u32 pad;
};

/* How pairs of conflicting accesses to a map were decided, and what guards it, as far as was seen
 * while all probes that this takes were in place. pairs: the sum of the four, and of those that are
 * not decided yet. */
struct event_order {
	struct event_header h;
	struct map_key key;
	__u32 map_gen;
	__u32 pad;
	__u64 pairs, under_lock, ordered, unknown, unordered;
	/* Accesses since a second goroutine used it; how many of them were under none of the locks
	 * that the others were under; one lock that the others were under (0: there is none); where
	 * it was taken last, and where the map was last used without it: program counters, 0: not
	 * known. */
	__u64 guard_accesses, guard_bare;
	__u64 guard_lock, guard_place, guard_bare_place;
	__u64 guard_kinds;          /* bits of enum order_lock_kind */
	__u64 how[ORDER_WAY_COUNT]; /* of pairs ordered or unknown: what says so */
};

struct goroutine_key {
	__u64 g;
	__u32 tgid;
	__u32 pad;
};

struct goroutine_counts {
	__u64 goid;
	__u64 parent_goid;
	__u64 gopc;
	__u64 startpc;
	__u64 ops[OP_COUNT];
	__u64 outside; /* of these, those outside of sampled_ns */
	__u64 conflicts;
	__u64 maps; /* MAP_BITS sketch */
	__u64 first_ns;
	__u64 last_ns;
	__u64 last_map;
	__u64 last_caller;
	/* stack pointer << 16 | site of the operation that had last_caller; 0: none */
	__u64 last_frame;
	__u32 last_site;
	__u32 last_op;
};

struct event_goroutine {
	struct event_header h;
	struct goroutine_key key;
	struct goroutine_counts counts;
	__u32 end; /* enum row_end */
	__u32 pad;
};

/* ---- coverage ------------------------------------------------------------------------ */

/* Every hit of a probe is filtered (one of the first causes) or counted; every event that was
 * made is delivered or lost. TABLE_FULL: a counted hit whose map found no room in the table of
 * maps is news that was made and lost, as is a hit of a process that found none in that of targets;
 * so is TABLE_UNREAD: a table of the kernel that could not be read when its turn came, with all
 * that it had to say. UNTRACKED: operations that are in every
 * total but in no row of the table of goroutines (no room, or the goroutine ended and its g was
 * reused), call sites or maps (short-lived ones of one goroutine, while the ring had little room).
 * OUTSIDE: operations that were seen outside of the time that sampled_ns says: at single calls,
 * while the probes went in or out, in order windows. The others over that time are a rate.
 * Identifier, name in the snapshot, group. */
#define COVERAGE_FIELDS(X)                                         \
	X(HITS, "hits", TOTAL)                                     \
	X(STACK_GROWTH, "stack_growth", FILTERED)                  \
	X(NIL_MAP, "nil_map", FILTERED)                            \
	X(OTHER_PROCESS, "other_process", FILTERED)                \
	X(UNREADABLE, "unreadable", FILTERED)                      \
	X(RUNTIME_INTERNAL, "runtime_internal", FILTERED)          \
	X(PART, "part_of_operation", FILTERED)                     \
	X(CRASH_SITE, "crash_site", FILTERED)                      \
	X(BIRTH_SITE, "birth_site", FILTERED)                      \
	X(CALL_SITE, "call_site", FILTERED)                        \
	X(ORDER_SITE, "order_site", FILTERED)                      \
	X(UNGOVERNED, "ungoverned", FILTERED)                      \
	X(COUNTED, "counted", TOTAL)                               \
	X(AT_CALL, "at_call", TOTAL)                               \
	X(OUTSIDE, "outside", TOTAL)                               \
	X(TIMED, "timed", TOTAL)                                   \
	X(TIMED_NS, "timed_ns", TOTAL)                             \
	X(ORDER_TIMED, "order_timed", TOTAL)                       \
	X(ORDER_TIMED_NS, "order_timed_ns", TOTAL)                 \
	X(ORDER_CHAINS, "order_chains", TOTAL)                     \
	X(STALLS, "stalls", TOTAL)                                 \
	X(STALL_NS, "stall_ns", TOTAL)                             \
	X(EVENTS_MADE, "made", TOTAL)                              \
	X(EVENTS_DELIVERED, "delivered", TOTAL)                    \
	X(RING_FULL, "ring_full", LOST)                            \
	X(QUEUE_FULL, "queue_full", LOST)                          \
	X(TABLE_FULL, "table_full", LOST)                          \
	X(STACK_FAILED, "stack_failed", LOST)                      \
	X(TABLE_UNREAD, "table_unread", LOST)                      \
	X(GOROUTINES_UNTRACKED, "goroutines_untracked", UNTRACKED) \
	X(SITES_UNTRACKED, "sites_untracked", UNTRACKED)           \
	X(MAPS_UNTRACKED, "maps_untracked", UNTRACKED)

enum coverage_field {
#define X(id, name, group) COVERAGE_##id,
	COVERAGE_FIELDS(X)
#undef X
	        COVERAGE_COUNT
};

struct event_coverage {
	struct event_header h;
	__u64 value[COVERAGE_COUNT];
	__u64 armed_ns;   /* time with the probes in place */
	__u64 sampled_ns; /* of it, the time that operations count for rates in, see OUTSIDE */
	__u64 watched_ns; /* time since watching began */
	__u64 run_ns; /* estimate of what probing cost the targets, holds and waiting_ns included */
	__u64 target_cpu_ns; /* CPU time of the targets in the same span */
	__u64 ns_per_hit;
	__u64 births_ns;   /* time with the probes on births in place; 0: they never were */
	__u64 cold_ns;     /* part of run_ns: so much longer hits took than in a loop */
	__u64 waiting_ns;  /* part of run_ns: what hits cost beyond the time they take */
	double contention; /* see core/budget/contention.h, as last seen; 0: not known */
	double planned;    /* part of the targets' CPU time that watching may cost now; 0: all */
	__u32 let_go;      /* how often all probes were let go because nothing governed them */
	__u32 trouble;     /* enum trouble (core/event/trouble.h) */
};

/* The largest event: what a buffer for one event must hold. */
#define EVENT_SIZE_MAX sizeof(struct event_overlap)

_Static_assert(sizeof(struct event_unordered) <= EVENT_SIZE_MAX, "no event is larger");

_Static_assert(sizeof(struct event_header) == 24, "event_header is 24 bytes on the wire");
_Static_assert(sizeof(struct access) == 96 + KEY_BYTES_MAX + 8 * STACK_DEPTH_MAX,
               "access has no hidden padding");
_Static_assert(sizeof(struct event_overlap) % 8 == 0, "events are multiples of 8 bytes");
_Static_assert(sizeof(struct event_stall) % 8 == 0, "events are multiples of 8 bytes");
_Static_assert(sizeof(struct map_counts) % 8 == 0, "counts are multiples of 8 bytes");

#endif
