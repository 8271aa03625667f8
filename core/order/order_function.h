/* SPDX-License-Identifier: MIT */
/*
 * order_function: the functions that take part in ordering goroutines, by name.
 *
 * Declared once (order_function.c): name, what it does, where it gets the object that it does it
 * to. Which of them a binary has, its pclntab decides. What is inlined into its callers (Lock,
 * Unlock, atomics) is not here: order_site finds those.
 */
#ifndef GOMAPTOP_CORE_ORDER_FUNCTION_H
#define GOMAPTOP_CORE_ORDER_FUNCTION_H

#include <stddef.h>
#include <stdint.h>

/* What it does to the order of goroutines: lets others go on from here, goes on from where others
 * were, or neither by itself. Of what runs on a system stack (WAKE, EXIT) the goroutine that caused
 * it is not known there. */
enum order_edge { ORDER_NOTHING, ORDER_ACQUIRES, ORDER_RELEASES, ORDER_BOTH };

/* Identifier, words, edge. */
#define ORDER_FUNCTIONS(X)                                           \
	X(NONE, "none", NOTHING)                                     \
	X(LOCK_SLOW, "mutex lock, slow", ACQUIRES)                   \
	X(RW_LOCK, "rwmutex lock", ACQUIRES)                         \
	X(RW_UNLOCK, "rwmutex unlock", RELEASES)                     \
	X(WAITGROUP_ADD, "waitgroup add", RELEASES)                  \
	X(WAITGROUP_WAIT, "waitgroup wait", ACQUIRES)                \
	X(WAITGROUP_GO, "waitgroup go", RELEASES)                    \
	X(COND_WAIT, "cond wait", BOTH)                              \
	X(COND_SIGNAL, "cond signal", RELEASES)                      \
	X(COND_BROADCAST, "cond broadcast", RELEASES)                \
	X(POOL_GET, "pool get", ACQUIRES)                            \
	X(POOL_PUT, "pool put", RELEASES)                            \
	X(ONCE_SLOW, "once, slow", BOTH)                             \
	X(SEND, "channel send", BOTH)                                \
	X(RECEIVE, "channel receive", BOTH)                          \
	X(CLOSE, "channel close", RELEASES)                          \
	X(SELECT, "select", BOTH)                                    \
	X(SELECT_SEND, "send or default", BOTH)                      \
	X(SELECT_RECEIVE, "receive or default", BOTH)                \
	X(SPAWN, "go statement", RELEASES)                           \
	X(CHILD, "new goroutine", NOTHING)                           \
	X(WAKE, "goroutine woken", NOTHING)                          \
	X(EXIT, "goroutine ends", NOTHING)                           \
	X(COROUTINE, "coroutine switch", BOTH)                       \
	X(TIMER_START, "timer start", RELEASES)                      \
	X(TIMER_STOP, "timer stop", NOTHING)                         \
	X(TIMER_RESET, "timer reset", RELEASES)                      \
	X(TIMER_FIRE, "timer starts its function", NOTHING)          \
	X(SLEEP, "sleep", NOTHING)                                   \
	X(SEMAPHORE_ACQUIRE, "semaphore acquire", ACQUIRES)          \
	X(SEMAPHORE_RELEASE, "semaphore release", RELEASES)          \
	X(DESCRIPTOR_LOCK, "descriptor lock", ACQUIRES)              \
	X(DESCRIPTOR_UNLOCK, "descriptor unlock", RELEASES)          \
	X(DESCRIPTOR_TAKE, "descriptor reference taken", NOTHING)    \
	X(DESCRIPTOR_DROP, "descriptor reference dropped", RELEASES) \
	X(DESCRIPTOR_CLOSE, "descriptor closed", RELEASES)           \
	X(DESCRIPTOR_WRITE, "descriptor written", RELEASES)          \
	X(UNSEEN, "C code, signal, file lock", RELEASES)             \
	X(FINALIZERS, "finalizers run", NOTHING)                     \
	X(CLEANUPS, "cleanups run", NOTHING)                         \
	X(MAP_CLONE, "map cloned", NOTHING)                          \
	X(ATOMIC_ADD, "atomic add, called", BOTH)                    \
	X(ATOMIC_CAS, "atomic compare and swap, called", BOTH)       \
	X(ATOMIC_STORE, "atomic store, called", RELEASES)

enum order_function {
#define X(id, words, edge) ORDER_##id,
	ORDER_FUNCTIONS(X)
#undef X
	        ORDER_FUNCTION_COUNT
};

/* Which argument is the object. Go register ABI: A0 = RAX, A1 = RBX; arm64: R0, R1. */
enum order_argument { ORDER_ARGUMENT_NONE, ORDER_A0, ORDER_A1 };

struct order_function_row {
	const char *name; /* as in pclntab */
	enum order_function function;
	enum order_argument object;
};

extern const struct order_function_row order_function_rows[];
extern const size_t order_function_row_count;

const char *order_function_words(enum order_function function); /* static */
enum order_edge order_function_edge(enum order_function function);

#endif
