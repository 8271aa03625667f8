/* SPDX-License-Identifier: MIT */
/*
 * order_judge_internal: what the files of this room share.
 *
 * Conventions. A goroutine's own clock, its own entry in its own vector clock, goes up after each
 * release. So an access made at own clock c has been seen by whoever has at least c in that entry.
 * Sequence numbers count events; 0 is before the first of them.
 */
#ifndef GOMAPTOP_CORE_ORDER_JUDGE_INTERNAL_H
#define GOMAPTOP_CORE_ORDER_JUDGE_INTERNAL_H

#include "core/base/id_table.h"
#include "core/event/event.h"
#include "core/judge/order_clock.h"
#include "core/judge/order_judge.h"
#include "core/judge/order_list.h"

/* All memory is one block of 23 MB, of which only what is used is ever touched. Tests make the
 * tables small. */
#ifndef ORDER_OBJECTS
#define ORDER_OBJECTS     4096 /* locks, channels and others that are known, 0.4 KB each: 1.5 MB */
#define ORDER_CLOCKS      4096 /* that objects can have, 2 KB each: 8 MB */
#define ORDER_MAPS        6144 /* 1.9 KB each: 12 MB; goroutines take 1.5 MB */
#define ORDER_RECORDS     24   /* of accesses, a map, */
#define ORDER_RECORDS_OWN 8    /* of one goroutine */
#define ORDER_ACCUSATIONS 256  /* that wait, 0.2 KB each */
#endif
#define ORDER_GUARDS    6 /* locks that may guard it, a map */
#define ORDER_HELD      8 /* locks, a goroutine */
#define ORDER_OPEN      8 /* acquisitions, a goroutine: more than lie inside one another */
#define ORDER_GOT       4 /* goroutines that acquired from an object last */
#define ORDER_HELD_KEPT 3 /* of locks held at an access, the innermost */
#define ORDER_OWN_END   (INT32_MAX - 1024) /* a clock does not go far beyond */
#define ORDER_CLONED    256                /* seeds of maps that were cloned, by their hash */

/* A goroutine's locks are known from its beginning, or when it has let go of the last one that is
 * known to be held, or has told so many events. Before that it may hold some of which nothing is
 * known. */
#define ORDER_EVENTS_UNTIL_LOCKS_KNOWN 16

/* ---- goroutines ---------------------------------------------------------------------- */

enum order_tag { ORDER_LOCK, ORDER_CHANNEL, ORDER_OTHER, ORDER_TIMERS, ORDER_EVERYTHING };

/* The clocks of an object, and the bits for a set of them. */
enum order_half {
	ORDER_DROPPED = 0, /* of a lock */
	ORDER_READ = 1,    /* of a lock: dropped by readers */
	ORDER_SENT = 0,
	ORDER_RECEIVED = 1,
	ORDER_ONLY = 0, /* of all others */
};

enum order_take { ORDER_TAKE_NOT, ORDER_TAKE_EXCLUSIVE, ORDER_TAKE_SHARED };

/* An acquisition that may go on until the goroutine's next event. */
struct order_open {
	uint64_t address, place;
	uint8_t tag, halves, take; /* take: the lock, when it is complete */
	uint8_t way, kinds;        /* enum order_way; of a lock: enum order_lock_kind */
};

struct order_held {
	uint64_t lock, place;
	bool shared;
	uint8_t kinds; /* enum order_lock_kind */
};

struct order_goroutine {
	struct order_clock clock;
	struct order_ways ways; /* of its clock */
	struct order_link link;
	uint64_t g;
	uint64_t previous;         /* its latest event, or when it was woken; 0: there is none */
	uint64_t acquired_all;     /* when it acquired everything last, */
	int32_t acquired_all_own;  /* and its own clock then */
	uint32_t tgid, serial;     /* serial: no other goroutine has it; 0: an empty slot */
	uint32_t version;          /* of the clock, but for its own entry; never 0 */
	uint64_t cloned, seed;     /* the map that it cloned last; clones: and may not be done */
	uint64_t released;         /* the half that it released into last; 0: none, or several */
	uint16_t slot, waited_for; /* by so many accusations */
	uint16_t events;           /* up to ORDER_EVENTS_UNTIL_LOCKS_KNOWN */
	bool ended, clones;
	bool outside; /* see is_outside in order_judge.h */
	bool news;    /* an access or an acquisition since its last release */
	bool locks_known;
	uint8_t held_count, held_beyond, open_count; /* held_beyond: locks for which is no room */
	struct order_held held[ORDER_HELD];
	struct order_open open[ORDER_OPEN];
};

/* ---- objects ------------------------------------------------------------------------- */

/* Who acquired, when, and its own clock then. */
struct order_got {
	uint64_t when;
	uint32_t serial;
	int32_t own;
	uint16_t slot;
};

struct order_half_clock {
	struct order_clock *clock; /* NULL: nothing was released */
	/* This goroutine has seen all that is in it, and it has all that the goroutine had seen at
	 * this version; 0: not known. */
	uint32_t known_serial, known_version;
	struct order_got got[ORDER_GOT]; /* different goroutines, the latest first */
	uint64_t got_before;             /* when others than these acquired last */
};

struct order_object {
	struct order_link link;
	struct id_key key;
	uint64_t number; /* no other object has it */
	uint32_t holder; /* serial of who holds the lock; 0: not known */
	uint16_t holder_slot;
	struct order_half_clock halves[2];
};

/* ---- maps ---------------------------------------------------------------------------- */

struct order_record {
	uint64_t time_ns, place, detail;
	uint64_t held[ORDER_HELD_KEPT];
	uint32_t serial; /* 0: empty */
	int32_t own;
	uint16_t slot;
	uint8_t op, held_count, held_shared; /* held_shared: bits */
};

struct order_guard_lock {
	uint64_t lock, place; /* place: where it was taken last */
	uint64_t accesses;    /* under it */
	uint64_t bare_place;  /* of the last access not under it; 0: none */
	uint8_t kinds;        /* enum order_lock_kind: as what it was taken */
};

struct order_map {
	struct order_link link;
	struct order_map_id id;
	uint64_t first_g, last_place, seed;
	struct order_counts counts;
	uint64_t accesses;
	struct order_guard_lock guards[ORDER_GUARDS];
	uint8_t guard_count, record_count;
	bool shared, changed;
	struct order_record records[ORDER_RECORDS];
};

/* When maps of one seed were cloned last, from the source and from others. */
struct order_cloned {
	uint64_t source, when, when_other;
};

/* ---- accusations --------------------------------------------------------------------- */

struct order_accusation {
	struct order_finding finding;
	uint64_t number;
	uint64_t waits_for[ORDER_SLOTS / 64];
};

struct order_asked {
	uint64_t previous;
	uint32_t serial; /* 0: not parked */
};

/* ---- all of it ----------------------------------------------------------------------- */

struct order_judge {
	struct order_judge_config config;
	struct order_counts counts;
	uint64_t sequence; /* of the event that is being read */
	bool spent;        /* a clock is at its end, or memory was short: all begin again */

	struct order_clock released;  /* by anybody */
	struct order_clock published; /* and seen by nobody knows whom */
	struct order_ways published_ways;
	uint64_t acquired_all;      /* when somebody acquired everything last, */
	uint64_t acquired_all_lost; /* and somebody whose clock was given up */

	struct id_table by_g;
	struct order_link living, ended;
	size_t slots_used; /* from the first on */
	uint32_t serial;
	struct order_goroutine goroutines[ORDER_SLOTS];

	struct id_table by_address;
	struct order_link objects_used, objects_free;
	size_t objects_begun, clocks_begun, clocks_free_count;
	uint64_t object_number;
	uint64_t got_lost; /* when somebody acquired last from an object that was given up */
	uint16_t clocks_free[ORDER_CLOCKS];
	struct order_object objects[ORDER_OBJECTS];

	struct id_table by_map;
	struct order_link maps_used, maps_free;
	size_t maps_begun;

	struct order_cloned cloned[ORDER_CLONED];

	struct order_accusation accusations[ORDER_ACCUSATIONS];
	size_t accusation_count;
	uint64_t accusation_number;
	struct order_asked asked[ORDER_SLOTS];
	uint64_t asked_until; /* accusations below this number existed */

	struct order_clock clocks[ORDER_CLOCKS];
	struct order_map maps[ORDER_MAPS];
};

/* ---- order_goroutine.c --------------------------------------------------------------- */

struct order_goroutine *goroutine_find(const struct order_judge *judge, uint32_t tgid, uint64_t g);
/* In a slot of its own, with a clock in which nothing is but a new number of its own. NULL: out of
 * memory, and the judge is spent. */
struct order_goroutine *goroutine_new(struct order_judge *judge, uint32_t tgid, uint64_t g);
/* It ends: what it did stays as long as its slot is not needed. */
void goroutine_end(struct order_judge *judge, struct order_goroutine *goroutine);
void goroutines_forget(struct order_judge *judge, uint32_t tgid);
void order_goroutines_reset(struct order_judge *judge);

static inline int32_t goroutine_own(const struct order_goroutine *goroutine)
{
	return goroutine->clock.at[goroutine->slot];
}

/* The goroutine of that serial, living or ended; NULL: its slot has been given to another one. */
static inline struct order_goroutine *goroutine_at(struct order_judge *judge, uint16_t slot,
                                                   uint32_t serial)
{
	struct order_goroutine *goroutine = &judge->goroutines[slot];

	return serial && goroutine->serial == serial ? goroutine : NULL;
}

/* ---- order_object.c ------------------------------------------------------------------ */

struct order_object *object_find(const struct order_judge *judge, uint32_t tgid, enum order_tag tag,
                                 uint64_t address);
/* NULL: out of memory, and the judge is spent. */
struct order_object *object_obtain(struct order_judge *judge, uint32_t tgid, enum order_tag tag,
                                   uint64_t address);
/* Its clock, an empty one where there is none yet. */
struct order_clock *object_clock(struct order_judge *judge, struct order_object *object,
                                 enum order_half half);
void objects_forget(struct order_judge *judge, uint32_t tgid);
void objects_reset(struct order_judge *judge);

/* ---- order_edge.c -------------------------------------------------------------------- */

/* late: it had been made when it was told. */
void edge_release(struct order_judge *judge, struct order_goroutine *from,
                  struct order_object *object, enum order_half half, bool late);
/* By what others learn from an object; told: enum order_way, of an ORDER_OTHER. */
enum order_way edge_way(uint32_t tag, uint8_t told);
/* way: see struct order_ways. */
void edge_acquire(struct order_judge *judge, struct order_goroutine *to,
                  struct order_object *object, enum order_half half, enum order_way way);
/* From one to the other, at once. */
void edge_direct(struct order_judge *judge, struct order_goroutine *from,
                 struct order_goroutine *to, enum order_way way);
/* To whoever acquires everything, only. */
void edge_release_all(struct order_judge *judge, struct order_goroutine *from, bool late);
void edge_acquire_all(struct order_judge *judge, struct order_goroutine *to);
void edge_publish(struct order_judge *judge, struct order_goroutine *from, enum order_way way);
/* All that is in that clock may have been seen by anybody. */
void edge_publish_clock(struct order_judge *judge, const struct order_clock *clock);
/* All that anybody did until now may have been seen by anybody. */
void edge_publish_all(struct order_judge *judge);

/* ---- order_open.c -------------------------------------------------------------------- */

void open_add(struct order_goroutine *goroutine, const struct order_open *open);
/* Acquire what is open. complete: what was to be taken is taken, and nothing is open any more. */
void open_flush(struct order_judge *judge, struct order_goroutine *goroutine, bool complete);
/* It has taken that lock and let go of it: it acquires, but does not hold it. */
void open_has_dropped(struct order_goroutine *goroutine, uint64_t lock);
/* What it waits for, as a way: what wakes it brings that. ORDER_BY_WAKE: for nothing else. */
enum order_way open_way(const struct order_goroutine *goroutine);
/* Could it bring the goroutine to have seen so much of a slot? */
bool open_covers(const struct order_judge *judge, const struct order_goroutine *goroutine,
                 uint16_t slot, int32_t own);

/* ---- order_lock.c -------------------------------------------------------------------- */

/* kinds: bits of enum order_lock_kind. */
void lock_take(struct order_judge *judge, struct order_goroutine *goroutine, uint64_t address,
               uint64_t place, bool shared, uint8_t kinds);
void lock_drop(struct order_judge *judge, struct order_goroutine *goroutine, uint64_t address,
               bool shared, bool late);

/* A pair that is unknown, by enum order_way. */
static inline void pair_unknown(struct order_counts *counts, uint8_t way)
{
	counts->unknown++;
	counts->how[way]++;
}

/* ---- order_map.c --------------------------------------------------------------------- */

struct order_map *map_find(const struct order_judge *judge, const struct order_map_id *id);
void map_access(struct order_judge *judge, struct order_goroutine *goroutine,
                const struct order_event *event, uint64_t detail);
void maps_forget(struct order_judge *judge, uint32_t tgid);

/* ---- order_cloned.c ------------------------------------------------------------------ */

/* A goroutine begins to clone a map. */
void cloned_begin(struct order_judge *judge, struct order_goroutine *goroutine,
                  const struct order_event *event);
/* What it tells now may be the first thing since there is the clone. */
void cloned_event(struct order_judge *judge, struct order_goroutine *goroutine,
                  const struct order_event *event);
/* Its slot is needed. */
void cloned_give_up(struct order_judge *judge, const struct order_goroutine *goroutine);
/* May the map at this address be another one than at that time, a clone with the same seed? */
bool cloned_since(const struct order_judge *judge, const struct order_map *map, uint64_t time_ns);

/* ---- order_guard.c ------------------------------------------------------------------- */

void guard_note(struct order_map *map, const struct order_goroutine *goroutine,
                const struct order_event *event);
struct order_guard guard_of(const struct order_map *map);

/* ---- order_wait.c -------------------------------------------------------------------- */

/* Accuse the two of a pair of conflicting accesses. False: one like it waits already, and it is not
 * looked at. */
bool wait_accuse(struct order_judge *judge, const struct order_finding *finding,
                 const struct order_record *first, const struct order_goroutine *second);
/* It came to where it cannot stand between a release and the telling of it: for accusations below
 * that number. */
void wait_clear(struct order_judge *judge, struct order_goroutine *goroutine, uint64_t until);
/* Those that wait for it can no longer be decided. */
void wait_drop(struct order_judge *judge, struct order_goroutine *goroutine);
void wait_drop_process(struct order_judge *judge, uint32_t tgid);
void wait_drop_all(struct order_judge *judge);

#endif
