/* SPDX-License-Identifier: MIT */
/*
 * order_judge: did anything between two accesses to a map order them?
 *
 * Reads the events of a window, one after another, and keeps for each goroutine a vector clock: how
 * far it has seen each other one go (Mattern, 1989; FastTrack, Flanagan and Freund, 2009). Two
 * accesses of different goroutines conflict when one of them changes the map. They are unordered
 * when the second goroutine has seen nothing of the first one that came after its access, by any
 * chain of releases and acquisitions. It is the race detector's question, asked from outside.
 *
 * The judge errs on one side only. All that is not known orders:
 *   - Whatever publishes (an atomic, a descriptor whose other end is in the process, C code) makes
 *     each access before it unknown to everybody: loads are not seen.
 *   - A goroutine that is met for the first time, or again after its clock was given up, has seen
 *     all that was released until then.
 *   - Of channels it is not counted which receive belongs to which send: a receive has seen all
 *     sends that have begun, a send all receives.
 *   - Of a select each case counts as done, and acquires until the select is over.
 *   - Goroutines that go on from what is not told (is_outside) publish what all have done.
 *   - An object whose clock is given up for want of room has been published.
 *   - An event without its goroutine (g is 0) may be of any goroutine: it has seen everything,
 *     and publishes what all goroutines have done.
 *   - A clone has the seed of its source, and may lie where an older map of that seed was, which
 *     the collector has freed: accesses to maps of one seed are not compared across the making of
 *     a clone, but for those to its source, which lived then.
 *   - Some releases are told when they have been made already (late). So an accusation waits for
 *     the next event of each goroutine that has seen the first access: the first one itself, and
 *     those that went on from it. If one of them tells a late release, there may have been a way,
 *     and the accusation is dropped. An event that is not late clears the goroutine, as do its
 *     being woken and its end: it had to get there first. One that is parked while it has told
 *     nothing (order_judge_look) is cleared, too.
 *   - Who acquired where a late release was made, since its goroutine's previous event, has seen
 *     it. Where it is not known who that is, or they have let others go on since, it was published.
 * What is left: a goroutine that was awake when the window began, in the midst of an acquisition,
 * and tells first of a late release, after others' next events: nobody knows to wait for it.
 *
 * Bounded memory: see the constants in order_judge.c. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_ORDER_JUDGE_H
#define GOMAPTOP_CORE_ORDER_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/judge/order_event.h"

struct order_judge;

/* How pairs of conflicting accesses were decided. Each access is compared with the latest ones of
 * other goroutines; a pair that looks unordered is not counted while one of the same map, places
 * and operations waits. pairs is the sum of the others and of those still undecided. */
struct order_counts {
	uint64_t pairs;
	uint64_t under_lock; /* both under one lock, which was not a reader's in both */
	uint64_t ordered;    /* otherwise */
	uint64_t unknown;
	uint64_t unordered;
	/* Of those ordered or unknown, by enum order_way: what says so. */
	uint64_t how[ORDER_WAY_COUNT];
};

/* A map, as the BPF programs tell it from others. */
struct order_map_id {
	uint64_t addr;
	uint32_t tgid, gen;
};

/* One access of a pair. */
struct order_side {
	uint64_t g, time_ns, place;
	uint8_t op;      /* enum map_op */
	uint64_t detail; /* as fed */
};

struct order_finding {
	struct order_map_id map;
	struct order_side first, second; /* in the order in which they came */
};

/* What guards a map, as far as was seen: lock sets (Eraser, Savage et al., 1997). */
struct order_guard {
	uint64_t lock;       /* one lock that was held in all accesses but the bare ones; 0: none */
	uint64_t place;      /* where it was taken last, as fed */
	uint64_t accesses;   /* that were seen since a second goroutine used the map, */
	uint64_t bare;       /* and those of them under none of the locks of the others */
	uint64_t bare_place; /* of the last of these; 0: there is none */
	uint8_t kinds;       /* bits of enum order_lock_kind: as what it was taken */
};

struct order_judge_config {
	/* A pair is unordered, if all events were read that came until now: order_judge_decide() is
	 * to be called when that is known. Called from order_judge_feed() and order_judge_settle().
	 */
	void (*found)(void *ctx, const struct order_finding *finding);
	/* Is the other end of that descriptor outside of the process, for certain? */
	bool (*goes_out)(void *ctx, uint32_t tgid, uint64_t descriptor);
	void *ctx;
	/* Nothing that was told orders the pair. Is one of its accesses ordered by what is never
	 * told, or is it not known well enough to be told of? Then it counts as unknown. NULL:
	 * never. */
	bool (*is_left_out)(void *ctx, const struct order_finding *finding);
	/* Does the goroutine go on from what is never told, as those that run finalizers do? Then
	 * all that anybody did before each of its events counts as unknown. Asked when it is met;
	 * not for g 0, of which this holds anyway. NULL: none does. */
	bool (*is_outside)(void *ctx, uint32_t tgid, uint64_t g);
};

int order_judge_create(const struct order_judge_config *config,
                       struct order_judge **out);    /* 0 or -ENOMEM */
void order_judge_destroy(struct order_judge *judge); /* accepts NULL */

/* One event. detail: the caller's own number of an ACCESS, handed back in findings. */
void order_judge_feed(struct order_judge *judge, const struct order_event *event, uint64_t detail);

/* For accusations that wait: ask of each goroutine that they wait for whether it is parked now
 * (waiting, in a system call, or dead). Then feed all events that came until the question was
 * answered, and settle: a goroutine that was parked and has told nothing since it is cleared. */
void order_judge_look(struct order_judge *judge,
                      bool (*is_parked)(void *ctx, uint32_t tgid, uint64_t g), void *ctx);
void order_judge_settle(struct order_judge *judge);

/* What was found stands, or an event was lost meanwhile, and it counts as unknown. Until then the
 * pair is undecided. Also from found(). */
void order_judge_decide(struct order_judge *judge, const struct order_finding *finding,
                        bool stands);

/* The window has ended, or an event of it was lost: all clocks begin again, accusations that wait
 * are dropped. Counts and guards stay. */
void order_judge_reset(struct order_judge *judge);

/* A process has ended: all that is known of it goes. */
void order_judge_forget(struct order_judge *judge, uint32_t tgid);

/* Counts and guard of each map that has changed since it was last asked for; returns how many. */
size_t order_judge_changed(struct order_judge *judge,
                           void (*each)(void *ctx, const struct order_map_id *map,
                                        const struct order_counts *counts,
                                        const struct order_guard *guard),
                           void *ctx);

/* Of all maps, since the beginning. */
struct order_counts order_judge_counts(const struct order_judge *judge);

#endif
