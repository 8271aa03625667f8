/* SPDX-License-Identifier: MIT */
/*
 * model_internal: what the files of the model share; nobody else includes it.
 *
 * An *instance* is one map: (process, address, generation). An *entry* is a row on the screen: one
 * instance, or a whole family of them. Counts in events are absolute and per instance; an entry
 * adds up differences, so that it outlives its instances.
 */
#ifndef GOMAPTOP_CORE_MODEL_INTERNAL_H
#define GOMAPTOP_CORE_MODEL_INTERNAL_H

#include "core/base/id_table.h"
#include "core/model/chain_pool.h"
#include "core/model/expectation.h"
#include "core/model/model.h"
#include "core/model/op_rate.h"
#include "core/model/pace.h"

/* Frames of one call chain, inlined ones included; longer chains lose their bottom. */
#define MODEL_FRAMES_MAX 384
/* Share of the newest interval in a smoothed rate. */
#define MODEL_SMOOTHING 0.3
/* Ticks for which a retired map is remembered, for events that were overtaken by its last word. */
#define MODEL_ENDED_TICKS 4
#define MODEL_CRASHES_MAX 64
#define MODEL_TYPE_TRIES  16

struct map_entry;

struct map_instance {
	struct map_instance *next;   /* in the list of ended instances, oldest first */
	struct map_entry *entry;     /* never NULL in an instance that is in the table */
	struct model_totals *totals; /* of its process */
	uint64_t addr;
	uint32_t tgid;
	uint32_t gen;
	uint32_t ended_tick;
	bool ended;
	bool placed; /* its family is known: an EVENT_MAP has come */
	uint64_t first_ns;
	uint64_t seed; /* hash seed, as last reported; 0: not known */
	bool born;     /* its birth was found */
	/* As last reported, absolute. */
	uint64_t ops[OP_COUNT], outside[OP_COUNT];
	uint64_t holds;
	uint64_t hold_ns[2];
	uint64_t overlaps;
	/* The same at the last model_reset(); of overlaps those that were told of by then in one
	 * way or the other: the event comes before the count. */
	uint64_t overlaps_base;
	/* What it adds to its entry. */
	uint64_t overlaps_seen, fatals;
	uint64_t conflicts;
	/* The same of pairs: as last reported; of the unordered ones, those that events told of,
	 * and what they add. */
	struct pair_counts order;
	uint64_t unordered_base, unordered_seen, unordered;
	struct trial_counts {
		uint64_t control_ns, arrivals;
	} trial[2]; /* as last reported, absolute; index as in struct map_counts */
};

struct heat {
	uint32_t depth[STACK_DEPTH_MAX];
	uint32_t depth_at_tick[STACK_DEPTH_MAX];
	float rate[STACK_DEPTH_MAX];
};

/* How well map_row.first_use is known: from the chain of some access, from the first operation but
 * inside the runtime (reflect, ...), from the first operation. */
enum first_use { FIRST_USE_NONE, FIRST_USE_RUNTIME, FIRST_USE_CHAIN, FIRST_USE_KNOWN };

struct map_entry {
	struct map_row row;        /* first: a map_row * of the interface is a map_entry * */
	size_t index;              /* in model->entries */
	struct map_instance *only; /* the instance of a row that stands for one map */
	struct map_family *family;
	struct map_entry *next_free;
	struct heat *heat; /* NULL before the first conflict */
	struct timeline *timeline;
	uint64_t ops_at_tick[OP_COUNT];
	struct op_rate op_rates[OP_COUNT];
	struct expectation expectation; /* what row.expected_overlaps does not have yet */
	uint64_t conflicts_at_tick, unordered_at_tick;
	struct pace expected, ordered;
	size_t instances; /* that refer to this entry, recently retired ones included */
	size_t live;      /* of these, neither ended nor retired */
	bool lapsed;      /* some were retired, and what became of those is not known */
	size_t chain_capacity;
	enum first_use first_use;
	unsigned int type_tries;
	bool born_several;    /* its maps were made at more than one line */
	uint32_t length_tick; /* tick + 1 in which the length was read; 0: never */
	bool shared;          /* some map of the row is used by several goroutines */
	bool contended;       /* and some of those is changed, too */
};

/* Maps of one type that were first used at one line. */
struct map_family {
	struct map_family *next;
	struct map_entry *members[MODEL_FAMILY_MAPS]; /* before folding */
	struct map_entry *entry;                      /* after; NULL: recycled */
	size_t count;                                 /* maps ever seen */
	size_t member_count;
	bool folded;
};

struct conflict_entry {
	struct conflict_row row; /* first */
	struct conflict_entry *next_free;
	struct id_key key;
	uint64_t line_low, line_high;
	uint64_t count_at_tick;
	size_t index; /* in model->conflicts */
	struct sightings *sightings;
};

struct goroutine_entry {
	struct goroutine_row row; /* first */
	struct goroutine_entry *next_free;
	struct id_key key;
	size_t index;
	uint64_t ops[OP_COUNT]; /* as last reported, absolute */
	uint64_t outside;       /* as ops */
	struct op_rate op_rate;
	uint64_t conflicts;
	uint64_t total_at_tick;
	uint64_t last_caller; /* that row.last_use was made from */
	uint64_t gopc;        /* that row.created_by was made from */
	uint64_t startpc;     /* that row.first_function was made from */
};

struct crash_entry {
	struct crash_row row; /* first */
	uint64_t pending_map; /* address of a map that no EVENT_MAP has told of yet; 0: none */
};

/* Rows in use, in no order; index is the row's own place, for removal. */
struct row_list {
	void **rows;
	size_t count, capacity;
};

struct model {
	struct model_symbols symbols;
	size_t maps_max, goroutines_max, conflicts_max, chains_max;

	struct chain_pool chains; /* of sides, maps and births */
	struct row_list targets, crashes;

	struct row_list entries; /* struct map_entry */
	struct map_entry *free_first, *free_last;
	size_t entries_made, free_count;
	size_t recycle_hand;
	unsigned int map_number;
	struct id_table instances; /* (addr, tgid, gen) and, for the latest, (addr, tgid, ~0) */
	size_t instance_count;
	struct map_instance *ended_first, *ended_last;
	struct id_table families;
	struct map_family *family_first;

	struct row_list conflicts; /* struct conflict_entry */
	struct conflict_entry *conflict_free;
	struct id_table conflict_keys;
	unsigned int conflict_number;
	uint64_t conflict_total, unordered_total;

	struct row_list goroutines; /* struct goroutine_entry */
	struct goroutine_entry *goroutine_free;
	struct id_table goroutine_keys;
	size_t goroutine_hand;
	uint32_t goroutine_number;

	struct birth *births; /* a ring: the latest */
	size_t birth_next;
	struct id_table birth_keys; /* (addr, tgid) */

	struct row_list totals; /* struct model_totals */
	struct id_table totals_keys;
	struct model_totals *totals_latest; /* the one that was asked for last */
	struct model_totals totals_lost;    /* of processes for which there was no memory */

	struct coverage_row coverage;
	uint64_t ops_at_tick, outside_at_tick, sampled_at_tick, armed_at_tick, watched_at_tick,
	        run_at_tick, cpu_at_tick;
	struct op_rate ops_rate;
	struct overhead_recent {
		double run, base; /* nanoseconds, the older the less */
	} overhead_recent;
	struct pace armed, counted;
	struct coverage_row at_reset; /* zero: there was none */
	size_t crashes_pending;

	struct history_clock clock;
	size_t timelines;
	uint64_t now_ns, first_ns, last_tick_ns;
	uint32_t tick;
	uint64_t dropped, past_dropped;
	struct frame scratch[2][MODEL_FRAMES_MAX];
};

/* ---- rows (model_list.c) ------------------------------------------------------------- */

int row_list_add(struct row_list *list, void *row, size_t *index);
/* Take the row at index out. Returns the row that now is at index (its index must be updated by
 * the caller), or NULL. */
void *row_list_remove(struct row_list *list, size_t index);

/* ---- totals of the whole run (model_totals.c) ---------------------------------------- */

/* Those of a process; never NULL, valid until the model is destroyed. */
struct model_totals *totals_obtain(struct model *model, uint32_t tgid);
void totals_destroy(struct model *model);

/* ---- names and call chains (model_chain.c) ------------------------------------------- */

/* A number for one source line: equal function, file and line give equal numbers. */
uint64_t frame_line(const struct frame *frame);
/* A function of the runtime or of what it is built on: not where a user would look. */
bool frame_internal(const struct frame *frame);
/* Innermost frame of a return address; an unknown one has function == NULL. */
struct frame model_frame(struct model *model, uint32_t tgid, uint64_t return_address);
/* The same, past inlined calls of the runtime and of libraries over maps (maps.Clone). */
struct frame model_place(struct model *model, uint32_t tgid, uint64_t return_address);
/* Where a lock is taken: the innermost frame outside of sync, as model_frame(). */
struct frame model_lock_place(struct model *model, uint32_t tgid, uint64_t place);
/* Name of the function that a goroutine began with; NULL: not known. */
const char *model_first_function(struct model *model, uint32_t tgid, uint64_t startpc);
/* Call chain of an access into model->scratch[slot]; returns its length. */
int model_chain(struct model *model, const struct access *access, int slot);
/* The line that holds the operation; falls back to the bare address when there is no chain. */
uint64_t chain_line(const struct frame *chain, int length, const struct access *access);
int side_set(struct model *model, struct side *side, const struct access *access,
             const struct frame *chain, int length);
void side_clear(struct model *model, struct side *side);
/* Merge one sighting of a chain into the chains of a map. */
void entry_chain_add(struct model *model, struct map_entry *entry, const struct access *access,
                     const struct frame *chain, int length, bool conflict);
void entry_chains_move(struct model *model, struct map_entry *into, struct map_entry *from);
void entry_chains_clear(struct model *model, struct map_entry *entry);

/* ---- entries (model_entry.c) --------------------------------------------------------- */

/* Give the instance a row of its own; NULL: no room. */
struct map_entry *map_entry_new(struct model *model, struct map_instance *instance, bool proven);
/* Let the instance refer to an entry, which then stands for one map more. */
void map_entry_adopt(struct map_entry *entry, struct map_instance *instance);
/* Whether its maps live has changed: work out what the row says of it. */
void map_entry_living(struct map_entry *entry);
/* Out of the lists, its memory kept for another map. */
void map_entry_retire(struct model *model, struct map_entry *entry);
void map_entry_judge(struct map_entry *entry);
void map_entry_first_use(struct map_entry *entry, const struct frame *frame, enum first_use known);
void map_entry_type(struct model *model, struct map_entry *entry, uint64_t type_addr);
void map_entry_seen(struct map_entry *entry, uint64_t time_ns);
void map_entry_tick(struct model *model, struct map_entry *entry, const struct tick_span *span);
void map_entry_reset(struct model *model, struct map_entry *entry);
void map_entries_destroy(struct model *model);

/* ---- instances (model_map.c) --------------------------------------------------------- */

/* The instance, made if it is new; NULL: no room (counted as dropped). A proven conflict finds room
 * that is kept free for such: it is not lost for the sake of maps that nothing happened to. */
struct map_instance *map_instance_obtain(struct model *model, uint32_t tgid, uint64_t addr,
                                         uint32_t gen, bool proven);
struct map_instance *map_instance_latest(const struct model *model, uint32_t tgid, uint64_t addr);
/* Bring the conflicts of the instance, its entry and the model up to date. */
void map_instance_conflicts_update(struct model *model, struct map_instance *instance);
int map_apply(struct model *model, const struct event_header *event);
void maps_tick(struct model *model, const struct tick_span *span);
void maps_process_end(struct model *model, uint32_t tgid);
void maps_reset(struct model *model);
void maps_destroy(struct model *model);

/* ---- how accesses are ordered (model_order.c) --------------------------------------- */

int order_apply(struct model *model, const struct event_header *event);
/* An event told of an unordered pair on this map. */
void order_unordered_add(struct model *model, struct map_instance *instance);
void order_reset(struct map_instance *instance);
void pair_counts_add(struct pair_counts *to, const struct pair_counts *more);

/* ---- families (model_family.c) ------------------------------------------------------- */

/* Give the instance its place: a row of its own or that of its family. */
void map_family_place(struct model *model, struct map_instance *instance,
                      const struct map_counts *counts);
void map_family_forget(struct map_entry *entry);
void map_families_destroy(struct model *model);

/* ---- history (model_history.c) ------------------------------------------------------- */

/* The interval just ended: note the rates of a map in its timeline. Both per second. */
void entry_timeline_tick(struct model *model, struct map_entry *entry, double conflicts,
                         double unordered);
void entry_timeline_move(struct model *model, struct map_entry *into, struct map_entry *from);
void entry_timeline_clear(struct model *model, struct map_entry *entry);
/* One sighting, now; and all those of another row. */
void conflict_sighting_add(struct model *model, struct conflict_entry *conflict, int depth);
void conflict_sightings_move(struct conflict_entry *into, struct conflict_entry *from);
void conflict_sightings_clear(struct conflict_entry *conflict);

/* ---- births (model_birth.c) ---------------------------------------------------------- */

struct birth;

int birth_apply(struct model *model, const struct event_header *event);
/* Who made this map, if that was seen: its entry says so from now on. */
void birth_find(struct model *model, struct map_instance *instance);
/* Two entries become one. */
void births_fold(struct model *model, struct map_entry *into, struct map_entry *from);
void birth_clear(struct model *model, struct map_entry *entry);
void births_destroy(struct model *model);

/* ---- heat (model_heat.c) ------------------------------------------------------------- */

void heat_init(struct map_entry *entry);
void heat_add(struct map_entry *entry, int depth);
void heat_move(struct map_entry *into, struct map_entry *from);
void heat_tick(struct map_entry *entry, double seconds);
void heat_clear(struct map_entry *entry);

/* ---- conflicts (model_conflict.c), crashes (model_crash.c) --------------------------- */

int stall_apply(struct model *model, const struct event_header *event);
int overlap_apply(struct model *model, const struct event_header *event);
int unordered_apply(struct model *model, const struct event_header *event);
/* One sighting; lengths are those of the chains in model->scratch. b == NULL: unknown. The row, or
 * NULL when there is no room. */
struct conflict_entry *conflict_sighting(struct model *model, struct map_entry *entry,
                                         enum conflict_kind kind, enum conflict_evidence evidence,
                                         const struct access *a, int a_length,
                                         const struct access *b, int b_length);
void conflicts_move(struct model *model, struct map_entry *into, struct map_entry *from);
void conflicts_tick(struct model *model, double seconds);
void conflicts_reset(struct model *model);
void conflicts_destroy(struct model *model);

int crash_apply(struct model *model, const struct event_header *event);
/* A map at this address became known: crashes that wait for it find it. */
void crashes_map_known(struct model *model, struct map_instance *instance);
void crashes_tick(struct model *model);
void crashes_move(struct model *model, struct map_entry *into, struct map_entry *from);
void crashes_reset(struct model *model); /* keeps them, without their maps */
void crashes_free(struct model *model);

/* ---- goroutines (model_goroutine.c) -------------------------------------------------- */

int goroutine_apply(struct model *model, const struct event_header *event);
void goroutines_tick(struct model *model, const struct tick_span *span);
void goroutines_process_end(struct model *model, uint32_t tgid);
void goroutines_reset(struct model *model);
void goroutines_destroy(struct model *model);

/* Linear counting: how many different things set bits in a sketch of count words. */
double sketch_estimate(const __u64 *words, size_t count);

/* counts are absolute; one that went down began again. */
static inline uint64_t count_since(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static inline double rate_smooth(double rate, double latest)
{
	rate += MODEL_SMOOTHING * (latest - rate);
	return rate < 1e-3 ? 0 : rate;
}

#endif
