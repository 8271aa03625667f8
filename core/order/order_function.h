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

/* Identifier, words. */
#define ORDER_FUNCTIONS(X)                                 \
	X(NONE, "none")                                    \
	X(LOCK_SLOW, "mutex lock, slow")                   \
	X(RW_LOCK, "rwmutex lock")                         \
	X(RW_UNLOCK, "rwmutex unlock")                     \
	X(WAITGROUP_ADD, "waitgroup add")                  \
	X(WAITGROUP_WAIT, "waitgroup wait")                \
	X(WAITGROUP_GO, "waitgroup go")                    \
	X(COND_WAIT, "cond wait")                          \
	X(COND_SIGNAL, "cond signal")                      \
	X(COND_BROADCAST, "cond broadcast")                \
	X(POOL_GET, "pool get")                            \
	X(POOL_PUT, "pool put")                            \
	X(ONCE_SLOW, "once, slow")                         \
	X(SEND, "channel send")                            \
	X(RECEIVE, "channel receive")                      \
	X(CLOSE, "channel close")                          \
	X(SELECT, "select")                                \
	X(SELECT_SEND, "send or default")                  \
	X(SELECT_RECEIVE, "receive or default")            \
	X(SPAWN, "go statement")                           \
	X(CHILD, "new goroutine")                          \
	X(WAKE, "goroutine woken")                         \
	X(EXIT, "goroutine ends")                          \
	X(COROUTINE, "coroutine switch")                   \
	X(TIMER_START, "timer start")                      \
	X(TIMER_STOP, "timer stop")                        \
	X(TIMER_RESET, "timer reset")                      \
	X(TIMER_FIRE, "timer starts its function")         \
	X(SLEEP, "sleep")                                  \
	X(SEMAPHORE_ACQUIRE, "semaphore acquire")          \
	X(SEMAPHORE_RELEASE, "semaphore release")          \
	X(DESCRIPTOR_LOCK, "descriptor lock")              \
	X(DESCRIPTOR_UNLOCK, "descriptor unlock")          \
	X(DESCRIPTOR_TAKE, "descriptor reference taken")   \
	X(DESCRIPTOR_DROP, "descriptor reference dropped") \
	X(DESCRIPTOR_CLOSE, "descriptor closed")           \
	X(FINALIZERS, "finalizers run")                    \
	X(CLEANUPS, "cleanups run")                        \
	X(ATOMIC_ADD, "atomic add, called")                \
	X(ATOMIC_CAS, "atomic compare and swap, called")   \
	X(ATOMIC_STORE, "atomic store, called")

enum order_function {
#define X(id, words) ORDER_##id,
	ORDER_FUNCTIONS(X)
#undef X
	        ORDER_FUNCTION_COUNT
};

/* Which argument is the object. Go register ABI: A0 = RAX, A1 = RBX. */
enum order_argument { ORDER_ARGUMENT_NONE, ORDER_A0, ORDER_A1 };

struct order_function_row {
	const char *name; /* as in pclntab */
	enum order_function function;
	enum order_argument object;
};

extern const struct order_function_row order_function_rows[];
extern const size_t order_function_row_count;

const char *order_function_words(enum order_function function); /* static */

#endif
