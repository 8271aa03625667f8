/* SPDX-License-Identifier: MIT */
/*
 * order_event: what one goroutine did that can order it with others, or an access to a map.
 *
 * The same bytes on both sides: the BPF programs make these events at the sites of
 * core/order/order_site.h, and order_judge reads them. Their order in the ring is the order in
 * which they happened: room for an event is taken under the ring's own lock, after what the
 * goroutine did before and before what it does next.
 */
#ifndef GOMAPTOP_CORE_ORDER_EVENT_H
#define GOMAPTOP_CORE_ORDER_EVENT_H

#include <linux/types.h>

#include "core/event/order_ways.h"

/* What happens: identifier, meaning. "Later": it is complete when the goroutine's next event comes,
 * or when it is woken. Objects are addresses in the target; those of locks, channels and others may
 * be told apart by the act alone. */
#define ORDER_ACTS(X)                                                                         \
	X(ACCESS, "a map operation begins: object is the map, place the return address into " \
	          "the program's own code")                                                   \
	X(TAKE, "a lock is taken")                                                            \
	X(TAKE_LATER, "a lock is taken later")                                                \
	X(DROP, "a lock is dropped")                                                          \
	X(TAKE_SHARED, "a reader's lock is taken, or later where late is set")                \
	X(DROP_SHARED, "a reader's lock is dropped")                                          \
	X(SEND, "a send on a channel begins")                                                 \
	X(RECEIVE, "a receive from a channel begins")                                         \
	X(CLOSE, "a channel is closed")                                                       \
	X(SELECT_MANY, "a select begins whose cases are not all known")                       \
	X(RELEASE, "others who acquire the object go on from here")                           \
	X(ACQUIRE, "later: it goes on from where the object was released")                    \
	X(BOTH, "a release now, an acquisition later, of one object")                         \
	X(PUBLISH, "others may go on from here, which cannot be seen: an atomic, C code")     \
	X(WRITE, "a descriptor (object) is written to: others in this process may read it")   \
	X(TIMER, "a timer is started or reset")                                               \
	X(SPAWN, "a go statement begins")                                                     \
	X(CHILD, "object is the g of the goroutine that was made; g made it, 0: not known")   \
	X(WAKE, "the goroutine object (a g) is made runnable by g, 0: by none")               \
	X(EXIT, "the goroutine object (a g) ends")                                            \
	X(CLONE, "a map (object) is cloned: the copy has its seed")                           \
	X(NOTHING, "it came here, no more")

/* In op of SEND and RECEIVE: a further case of the select whose former case was told just before.
 * What was begun by that is not complete yet. */
#define ORDER_FURTHER_CASE 1

enum order_act {
#define X(id, words) ORDER_ACT_##id,
	ORDER_ACTS(X)
#undef X
	        ORDER_ACT_COUNT
};

struct order_event {
	__u64 time_ns;
	__u64 g;      /* of the goroutine; where the runtime works for it on another stack, its g
	               * all the same; 0: not known, or none */
	__u64 object; /* 0: not known */
	__u64 place;
	__u64 seed; /* ACCESS, CLONE: hash seed of the map; a new map at its address has another
	             * one, unless it is a clone */
	__u32 tgid;
	__u32 tid; /* the thread, as the kernel knows it */
	__u32 gen; /* ACCESS: see struct map_counts */
	__u8 act;  /* enum order_act */
	/* The release had been made when the probe was hit: others may have gone on already. Of
	 * TAKE_SHARED: see there. */
	__u8 late;
	/* ACCESS: enum map_op; SEND, RECEIVE: 0 or ORDER_FURTHER_CASE; TAKE, TAKE_LATER: bits of
	 * enum order_lock_kind; ACQUIRE, RELEASE, BOTH, PUBLISH: enum order_way, 0: not known */
	__u8 op;
	__u8 row;      /* of the binary's fields, see struct field_row of bpf/wire/wire.h */
	__u32 window;  /* tells one window from another */
	__u32 flagged; /* ACCESS: a struct access_brief follows (1) */
};

_Static_assert(sizeof(struct order_event) == 64, "no hidden padding");

#endif
