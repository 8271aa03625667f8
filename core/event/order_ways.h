/* SPDX-License-Identifier: MIT */
/*
 * order_ways: by what one goroutine comes to know of another, and what is known of a lock's kind.
 *
 * Enums alone: compiled for the BPF programs, too.
 */
#ifndef GOMAPTOP_CORE_ORDER_WAYS_H
#define GOMAPTOP_CORE_ORDER_WAYS_H

/* Identifier, name in the snapshot, what it does to a pair. Of an ordered pair: by what the second
 * goroutine last came to know of the first. OTHER: anything else, and goroutines of which is not
 * known what they have seen, as those that were met on their way. Of an unknown pair: what cannot
 * be seen and may have ordered the two. UNSEEN: anything but the two before it. */
#define ORDER_WAYS(X)                       \
	X(OTHER, "other", ORDERS)           \
	X(LOCK, "lock", ORDERS)             \
	X(CHANNEL, "channel", ORDERS)       \
	X(CREATION, "creation", ORDERS)     \
	X(WAITGROUP, "waitgroup", ORDERS)   \
	X(COND, "cond", ORDERS)             \
	X(WAKE, "wake", ORDERS)             \
	X(TIMER, "timer", ORDERS)           \
	X(ATOMICS, "atomics", HIDES)        \
	X(C_CODE, "c_code", HIDES)          \
	X(DESCRIPTOR, "descriptors", HIDES) \
	X(UNSEEN, "unseen", HIDES)

enum order_way {
#define X(id, name, does) ORDER_BY_##id,
	ORDER_WAYS(X)
#undef X
	        ORDER_WAY_COUNT
};

/* Bits: which kinds of lock one was taken as. Neither: not known. */
enum order_lock_kind { ORDER_TAKEN_MUTEX = 1, ORDER_TAKEN_RWMUTEX = 2 };

#endif
