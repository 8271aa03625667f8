/* SPDX-License-Identifier: MIT */
/*
 * order_site: where in a Go program one goroutine lets others go on, and waits for them.
 *
 * Locks, unlocks and atomics are inlined all over a program. They are found by their instructions:
 * one with a lock prefix (or an exchange with memory), a conditional jump on its result, and on one
 * side of the jump a call of the slow half (sync.(*Mutex).lockSlow, ...), which is not inlined. All
 * functions of the executable are looked through, those of the runtime excepted; each that holds
 * such an instruction is decoded in full and in step with the pclntab, or left out and counted.
 * What has no slow half is told by the inlined calls that pclntab names (TryLock), and the rest is
 * an atomic. Functions that order goroutines and are never inlined are found by name
 * (order_function).
 *
 * An atomic instruction cannot be probed: the kernel refuses a lock prefix. Releases are probed in
 * front of it where a nop that it emulates lies there (ORDER_BEFORE: nobody can have gone on yet),
 * else at the conditional jump behind it. Acquisitions are always probed behind it.
 *
 * Completeness is measured, not assumed: each call of a slow half outside of sync itself must
 * belong to a site. In builds with the compiler's usual optimisations all do; where optimisation
 * was turned off for the library, too (-gcflags=all=-N), RWMutex changes its counts by calls, and
 * the plan says that it is not complete.
 *
 * Not seen: atomic loads, which are loads like any other; C; what the runtime does with locks of
 * its own; taking a reference to a descriptor (internal/poll.(*fdMutex).incref), which releases
 * nothing; sync/atomic's three functions for uintptr where they are called through a func value:
 * its functions for pointers, which are probed, are made of them. Atomics in assembly are found
 * like all others. A jump table (indirect jump) may lead between a nop and its atomic, so in
 * functions with one no probe goes in front.
 *
 * On arm64 each of these operations is compiled for processors with LSE and for those without, and
 * the program chooses at each: arm64_match says how the two are one site. Store-release (stlr) is
 * an instruction of its own there and a site; load-acquire is none. Up to go1.17 arguments are on
 * the stack, and nothing is known of such programs.
 *
 * Pure reading of the file; one thread at a time, that of the binary.
 */
#ifndef GOMAPTOP_CORE_ORDER_SITE_H
#define GOMAPTOP_CORE_ORDER_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/go/go_binary.h"
#include "core/order/order_function.h"
#include "core/order/order_kinds.h"

/* Identifier, words, edge; of FUNCTION see its row. The lock kinds are those of sync.Mutex and,
 * with R, of readers of sync.RWMutex, whose writers are functions; TRYLOCK is of either. ADD: and,
 * or, too. STORE: swap, too. A release of an atomic may be told once too often (where others can
 * get to the probe, too, or a compare and swap fails and the condition is ALWAYS), never too
 * seldom. */
#define ORDER_KINDS(X)                                 \
	X(LOCK, "lock", ACQUIRES)                      \
	X(UNLOCK, "unlock", RELEASES)                  \
	X(RLOCK, "reader lock", ACQUIRES)              \
	X(RUNLOCK, "reader unlock", RELEASES)          \
	X(TRYLOCK, "try lock", ACQUIRES)               \
	X(TRYRLOCK, "try reader lock", ACQUIRES)       \
	X(ATOMIC_ADD, "atomic add", BOTH)              \
	X(ATOMIC_CAS, "atomic compare and swap", BOTH) \
	X(ATOMIC_STORE, "atomic store", BOTH)          \
	X(FUNCTION, "function", NOTHING)

enum order_kind {
#define X(id, words, edge) ORDER_KIND_##id,
	ORDER_KINDS(X)
#undef X
	        ORDER_KIND_COUNT
};

struct order_site {
	uint64_t addr;        /* file address of the probed instruction */
	uint64_t file_offset; /* what the uprobe is attached to */
	uint64_t atomic;      /* file address of the atomic instruction; 0: FUNCTION */
	enum order_kind kind;
	enum order_function function; /* FUNCTION only */
	enum order_instruction instruction;
	enum order_place place;
	enum order_condition condition;
	enum order_object object;
	uint8_t base;        /* REGISTER, LOADED: number as in encodings, 0 RAX, 4 RSP, to 15 R15;
	               * arm64: 0 to 30, 31 SP */
	uint8_t tested, bit; /* IF_BIT, IF_NOT_BIT: number of the register, of its bit */
	int64_t offset, displacement; /* see enum order_object */
};

/* The slow halves, by which completeness is measured: identifier, words. */
#define ORDER_SLOW(X)           \
	X(LOCK, "lock")         \
	X(UNLOCK, "unlock")     \
	X(RLOCK, "reader lock") \
	X(RUNLOCK, "reader unlock")

enum order_slow {
#define X(id, words) ORDER_SLOW_##id,
	ORDER_SLOW(X)
#undef X
	        ORDER_SLOW_COUNT
};

struct order_missed {
	uint64_t addr;    /* file address of what should have been a site */
	const char *what; /* "lock", "function"; static */
	const char *why;  /* static */
};

#define ORDER_MISSED_MAX 32

struct order_plan {
	struct order_site *sites; /* by address; one may have that of another */
	size_t count, capacity;
	size_t calls[ORDER_SLOW_COUNT];     /* of slow halves, outside of sync itself */
	size_t explained[ORDER_SLOW_COUNT]; /* those of them that belong to a site */
	/* What should have been a site and is none: slow halves without one, functions and atomics
	 * at which no probe can be placed, functions with atomics that could not be decoded. */
	size_t missed_count;
	struct order_missed missed[ORDER_MISSED_MAX]; /* the first of them */
	size_t undecoded;                             /* functions among the missed */
};

/* Find all sites. 0 (missed_count says how complete); -ENOTSUP: not for this program; -E2BIG: more
 * code or more sites than any known program has; -EIO: the file has changed or cannot be read;
 * -ENOMEM. Each with words in err, and an empty plan. The caller frees the plan. */
int order_plan_make(struct go_binary *binary, struct order_plan *plan, struct error *err);
void order_plan_free(struct order_plan *plan); /* accepts a zeroed one */

const char *order_kind_words(enum order_kind kind); /* static */
enum order_edge order_site_edge(const struct order_site *site);

#endif
