/* SPDX-License-Identifier: MIT */
/*
 * wire: what attach and the BPF programs agree on besides events: cookies, settings, tables.
 *
 * Compiled on both sides, like core/event/event.h.
 */
#ifndef GOMAPTOP_BPF_WIRE_H
#define GOMAPTOP_BPF_WIRE_H

#include <linux/types.h>

#include "core/event/event.h"
#include "core/go/layout_field.h"
#include "core/probe/probe_kinds.h"

/* A probe's cookie holds all that the program must know of its site, so that a hit costs no
 * look-up. bits 0-15 site index, 16-19 role, 20-23 op, 24-27 args, 28-31 instruction, 32-39 fields
 * row, 40 COOKIE_CALLERS. */
#define COOKIE(site, role, op, args, instruction, row)                                   \
	((__u64)(site) | (__u64)(role) << 16 | (__u64)(op) << 20 | (__u64)(args) << 24 | \
	 (__u64)(instruction) << 28 | (__u64)(row) << 32)
#define COOKIE_SITE(c)        ((__u32)((c)&0xffff))
#define COOKIE_ROLE(c)        ((__u32)((c) >> 16 & 0xf))
#define COOKIE_OP(c)          ((__u32)((c) >> 20 & 0xf))
#define COOKIE_ARGS(c)        ((__u32)((c) >> 24 & 0xf))
#define COOKIE_INSTRUCTION(c) ((__u32)((c) >> 28 & 0xf))
#define COOKIE_CALLERS        (1ULL << 40) /* the site has a row in the table of callers */
#define COOKIE_ROW(c)         ((__u32)((c) >> 32 & 0xff))

/* Role, args and instruction: enum probe_role, probe_args and probe_instruction. */
#define COOKIE_KEY(source)   ((__u64)(source) << 44) /* bits 44-46: enum key_source */
#define COOKIE_KEY_SOURCE(c) ((__u32)((c) >> 44 & 7))
#define WIRE_AT_CALL         (PROBE_AT_RET + 1) /* one more instruction: a probed call */
/* Bits 48-63: of a probed call or order site, its row in the table of those. */
#define COOKIE_CALL(row)    ((__u64)(row) << 48)
#define COOKIE_CALL_ROW(c)  ((__u32)((c) >> 48 & 0xffff))
#define COOKIE_ORDER(row)   COOKIE_CALL(row)
#define COOKIE_ORDER_ROW(c) COOKIE_CALL_ROW(c)

/* `-- CMD`: so many processes that stem from it are followed at a time. */
#define FAMILY_MAX 1024
/* One of them has executed a program. */
struct family_event {
	__u32 tgid;
	char name[124]; /* as execve(2) had it; cut */
};

/* Offsets that differ between watched binaries, one row a binary. Negative: no such field. */
#define FIELD_ROWS 64 /* a power of two */
#define ROW_SITES  96 /* site indices that belong to a row: from row * ROW_SITES on */
struct field_row {
	__s32 g_goid;
	__s32 g_parent_goid;
	__s32 g_gopc;
	__s32 g_startpc;
	__s32 map_length;    /* of the number of entries in the map header */
	__s32 seed_offset;   /* of the hash seed in the map header */
	__u32 seed_size;     /* 4 or 8 */
	__s32 iterator_type; /* of the *maptype in the iterator */
	__s32 iterator_map;  /* of the map in the iterator */
	__s32 g_m, m_g0;     /* of the m in g, and of that m's own g, */
	__s32 m_curg;        /* and of the goroutine that it runs */
	__s32 g_waitreason;  /* one byte */
	__u32 unproven;      /* 1: read only what detector_tuning.proven says */
	__u64 lock_reasons;  /* 1 << reason for which a goroutine waits at a lock; 0: not known */
};

/* Code from which a probed function is called on behalf of others, by its distance from the probed
 * instruction: that holds wherever the executable is loaded. Unused entries have size 0. */
struct code_range {
	__s32 start;
	__u32 size;
};

#define CALLERS_PROBED 6  /* functions that are probed themselves: a hit from there is theirs */
#define CALLERS_BEHIND 20 /* functions behind which the program's own code is to be looked for */
struct site_callers {
	struct code_range probed[CALLERS_PROBED];
	struct code_range behind[CALLERS_BEHIND];
};

/* ---- what orders goroutines --------------------------------------------------------------------
 */

#define ORDER_SITES_MAX 8192 /* in all binaries; fits into COOKIE_ORDER */

/* One place where goroutines are ordered, from core/order/order_site.h: what the programs make an
 * event of (core/judge/order_event.h), and how. */
struct order_row {
	__u8 act;       /* enum order_act */
	__u8 condition; /* enum order_condition: when the hit counts */
	__u8 object;    /* enum order_object: where the address is */
	__u8 base;      /* number of the register */
	__s32 offset;
	__s64 displacement; /* of an ORDER_OBJECT_CONSTANT: from the probed instruction */
	__u8 late;          /* see struct order_event */
	__u8 at_entry;      /* of a function: the place is where it returns to */
	__u8 system;        /* the runtime at work for the goroutine, on another stack */
	__u8 select;        /* a select: an event for each of its cases */
	__u8 waits;         /* where the condition does not hold it waits: an event that is late */
	__u8 op;            /* of the event, see struct order_event; 0 with select */
	__u8 pad[2];
	__u64 hits; /* counted by the programs, a few too few where two threads meet */
};

/* Maps of which each access is to come with its call chain. */
#define ORDER_CHAINS_WANTED 8

/* Places (return addresses) of accesses that nothing orders; they are held first. */
#define ORDER_PLACES 16

/* ---- maps --------------------------------------------------------------------------------------
 */

/* Looks at the goroutines that come right after a hold [1] or a control window [0], and those looks
 * that saw one which had waited at a lock; see bpf/kern/await.bpf.h. */
struct await_counts {
	__u32 looks[2];
	__u32 waited[2];
};

/* Lock waits caused by holds, in thousandths: waits seen minus the baseline of control windows. */
static inline __u64 await_excess(const struct await_counts *c)
{
	__u64 by_chance = 1000ULL * c->looks[1] * c->waited[0] / (c->looks[0] + 1);
	__u64 seen = 1000ULL * c->waited[1];

	return seen > by_chance ? seen - by_chance : 0;
}

#define AWAIT_WORTH 8 /* expected overlaps that one such wait stands for */

/* Equivalent number of overlaps that were expected and not seen, in thousandths. */
static inline __u64 await_worth(const struct await_counts *c)
{
	return AWAIT_WORTH * await_excess(c);
}

/* One pending look for lock waits after a hold or control window. */
struct await {
	__u64 since_ns; /* end of the hold or window */
	__u64 g;        /* of the access that was held or watched, */
	__u64 place;    /* its place, */
	__u32 changes;  /* did it change the map, */
	__u32 held;     /* was it held */
	__u32 left;     /* operations still to look at; 0: no look is pending */
	__u32 pad;
};

/* A row of the table of maps: what is counted, and what the programs keep beside it to count and to
 * choose by. What every operation looks at comes first. */
struct map_state {
	__u64 begun;     /* see map_state_whole() */
	__u64 first_who; /* goroutine: its goid, or the address of its g where that is unknown */
	__u64 last_who;
	__u64 last_caller;
	__u64 seed_stale_ns; /* a delete or clear at this time may have renewed the seed; 0: none */
	__u64 control_end_ns; /* end of the open window; 0: none open, 1: being opened */
	struct map_counts counts;
	__u64 control_g;
	__u64 control_last_g; /* who was counted last in it */
	__u64 control_next_ns;
	__u64 control_caller; /* the window tells about this call site; 0: about the map */
	__u32 control_changes;
	__u32 control_tid;
	__u32 control_cpu;
	__u32 drawn_ns; /* length of the next hold, drawn before the budget allows it; 0: not yet */
	__u64 next_hold_ns; /* not to be held again before */
	__u64 places;       /* a bit each of the places that were noted to touch it */
	struct await await;
	struct await_counts awaits;
	__u64 company_ns; /* last time that it was used from two CPUs within a moment */
	__u32 last_cpu;
	__u32 seed_memory; /* at seed_stale_ns: where the map kept its entries (low bits of it) */
	__u64 beginning;   /* see map_state_whole() */
};

/* Is a copy of a row, made from its first word to its last while others wrote, that of one map? The
 * row changes hands with `beginning` written before all else and `begun` after it, each the
 * generation and one: a copy that met any of it has two different ones. A row that nobody is in yet
 * has 0. */
static inline int map_state_whole(const struct map_state *state)
{
	return state->begun && state->begun == state->beginning;
}

/* ---- calls ------------------------------------------------------------------------------------
 */

/* How far behind a call its return address is. */
#if defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
#define CALL_BYTES 4
#else
#define CALL_BYTES 5
#endif

#define CALL_PROBES_MAX 1024 /* calls that can be probed at once */

/* One probed call. Distances are from the call: they hold wherever the executable is loaded. */
struct call_probe {
	__s32 probed; /* to the probed instruction of the function that it leads to */
	/* to the return address in the wrapper that it calls; 0: it calls that one */
	__s32 wrapper;
	__u32 on; /* 0: its hits count for nothing, another row has the same call */
	__u32 pad;
	__u64 hits;
};

/* A probed call as the function's own probe sees it: the site, and how far the call's return
 * address is from the site's instruction. What is in this table is filtered there. */
struct call_key {
	__u32 site;
	__s32 distance;
};

/* A first look without the table: a bit each. */
#define CALL_BITS 1024
#define CALL_BIT(site, distance) \
	(((__u32)(distance)*0x9e3779b1u ^ (__u32)(site)*0x85ebca6bu) >> 22) /* CALL_BITS */

/* How an object of the detector (a map, a call site) fared so far; see `struct map_counts`. */
struct call_site {
	__u64 next_hold_ns;
	__u64 next_control_ns;
	__u64 hold_ns;
	__u64 control_ns;
	__u64 control_arrivals;
	__u64 samples; /* one in CALL_SAMPLE operations that were seen at the function's probe */
	__u32 holds;
	__u32 met;      /* conflicting operations that came during these holds */
	__u32 flags;    /* enum map_flag: so was a map that it touched */
	__u32 drawn_ns; /* see struct map_state */
	struct await_counts awaits;
	__u32 chain_bytes; /* length of the last call chain from here that was whole; 0: none was */
	__u32 pad;
};

#define CALL_SAMPLE 16

/* A place in the code that operates on maps: the return address of the runtime's function. */
struct call_site_key {
	__u64 caller;
	__u32 tgid;
	__u32 pad;
};

/* Which places touch the same maps, of maps that several goroutines use and something changes. They
 * go by the place that was seen first at the map, so that maps that live shortly are one. */
struct touch_key {
	__u64 group; /* map_counts.first_caller */
	__u32 tgid;
	__s32 distance; /* of the place from the site's probed instruction */
	__u16 site;
	__u16 op;
	__u32 pad;
};

struct touch {
	__u64 place;
	__u64 map; /* the last such map */
	__u64 last_ns;
};

#define TOUCHES_MAX 4096

#define STALL_LENGTHS 256 /* quantiles of the log-uniform distribution of hold lengths */

/* Of which goroutines' stacks copies are made: none, of those that the frame pointers do not lead
 * through, all (for a comparison of both ways). */
enum stack_copies { STACK_COPIES_NONE, STACK_COPIES_NEEDED, STACK_COPIES_ALL };

/* Settings, fixed when the programs are loaded. */
struct detector_config {
	__u32 stall_ns[STALL_LENGTHS];
	__u64 pidns_ino;       /* 0: this process lives in the initial pid namespace */
	__u64 budget_divisor;  /* held time : time, 1 : divisor */
	__u64 budget_burst_ns; /* time whose budget may be spent at once */
	__u32 stack_bytes;     /* of a call chain */
	__u32 any_process;     /* -e: processes not in `targets` are new targets */
	__u32 only_family;     /* of those the ones that CMD started */
	__u32 show_keys;       /* 0: no key is read */
	__u32 stack_copies;    /* enum stack_copies */
	__u32 tail_call;       /* 0: never; see stack_stay() */
	__u32 holds_at_once;   /* so many in all targets; 0: any number */
};

#define KNOWN_PROCESSES 256 /* a power of two */

#define WINDOW_GAP_ONE 16

#define TIMED_KINDS 2 /* as many as in enum overhead_timed_kind */

/* Settings that the collector adjusts while watching. */
struct detector_tuning {
	__u64 tried_spacing_ns;   /* between two holds on an object that was tried before */
	__u64 fresh_spacing_ns;   /* the same for one that was rarely tried */
	__u32 proven[FIELD_ROWS]; /* enum layout_field of unproven rows that live objects confirm */
	__u64 hold_divisor; /* held time : time, 1 : this; 0: detector_config.budget_divisor */
	__u32 closing;      /* 1: probes are about to go, no hold may begin that nobody can meet */
	__u32 stopped;      /* 1: watching is over, though probes may still be in place */
	__u32 calls_probed; /* rows of call_keys; 0: there are none */
	__u32 timed_all;    /* 1: each hit is looked at, see timing.bpf.h */
	__u32 timed_most[TIMED_KINDS]; /* ns that a look says at most; 0: all that it says */
	__u64 armed_ns; /* since when the functions' probes are in place; 0: they are not */
	__u64 sampling; /* 1: operations seen now count for rates, see governor_sample() */
	/* How long it takes for the functions' probes to be in place for WINDOW_GAP_ONE ns; 0: not
	 * known. */
	__u64 window_gap;
	__u64 births_allowed; /* so many births are told in all; further ones are only counted */
	/* Processes that the programs know to be targets: the kernel's own id, the id here and some
	 * bits of process_execs(), at that own id modulo KNOWN_PROCESSES. Cleared whenever a row
	 * leaves `targets`. */
	__u64 known[KNOWN_PROCESSES];
	__u64 calls[CALL_BITS / 64]; /* CALL_BIT of all rows of call_keys */
	/* The governor's last sign, CLOCK_MONOTONIC; 0: there is none yet. See governed.bpf.h. */
	__u64 beat_ns;
	/* The programs' own clock for what need not be exact, see clock_coarse(): the time at the
	 * first hit in this tick. The collector sets the tick to 0 before it reads tables. */
	__u64 clock_tick, clock_ns;
	__u64 scanned_ns; /* when the tables were last read to their end; ~0: they are being read */
	__u64 order_since; /* since when all order probes are in place; 0: they are not */
	__u64 order_rows;  /* a bit for each row of fields whose binary has such probes */
	/* Whatever was told until then was told with all of them in place, as a look that began
	 * then has found; all bits: no window is open. The programs do not read it. */
	__u64 order_whole;
	__u64 order_chains[ORDER_CHAINS_WANTED]; /* addresses of maps, see there; 0: none */
	__u64 order_places[ORDER_PLACES];        /* 0: none; filled from the first on */
};

#define TARGET_ANNOUNCED (1u << 31)

struct target_state {
	/* EVENT_PROCESS was sent at the first hit: then TARGET_ANNOUNCED and some bits of
	 * process_execs(), by which an execve(2) is noticed. */
	__u32 announced;
	__u32 pad;
	/* Run-time addresses. goexit: what the outermost frame of every goroutine returns to; 0:
	 * not known (yet), then no stack is copied. */
	__u64 goexit;
	__u64 callback_begin, callback_end; /* runtime.cgocallback; 0: the program has none */
};

#define SLOTS 64 /* holds that can be under way at once, in all targets; a power of two */

_Static_assert(sizeof(struct map_state) % 8 == 0, "rows are multiples of 8 bytes");
_Static_assert(__builtin_offsetof(struct map_state, beginning) == sizeof(struct map_state) - 8,
               "a row changes hands by its first word and its last");

#endif
