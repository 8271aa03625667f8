/* SPDX-License-Identifier: MIT */
/*
 * model: events and counts -> targets, maps, conflicts, goroutines, call chains.
 *
 * The model knows neither where events come from nor how rows are drawn. One thread feeds it
 * (model_apply) and reads it; nothing here locks. Rows are plain structs owned by the model; a
 * pointer to a row stays valid until the model is destroyed (rows are recycled only when the
 * bound of their kind is reached, see model_config), strings in rows likewise.
 *
 * A map that lives for one request is not worth a row of its own: when more than
 * MODEL_FAMILY_MAPS maps of one type have been first used at one place, they share a row, and
 * the row says how many maps it stands for.
 */
#ifndef GOMAPTOP_CORE_MODEL_H
#define GOMAPTOP_CORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event/event.h"
#include "core/go/frame.h"
#include "core/go/go_layout.h"
#include "core/model/history.h"

#define MODEL_FAMILY_MAPS 8
#define MODEL_TIMELINES   2048
#define OVERHEAD_SPAN_SECONDS \
	10 /* what the governor saves up comes to a second or two of its income */
#define MODEL_GUARDED_FROM \
	5.0            /* expected overlaps from which none seen means guarded: exp(-5) < 0.7 % */
#define GUARD_KNOWN 32 /* accesses that must have been seen before a guard is named */

/* ---- vocabulary: identifier, word in reports and snapshot ---------------------------- */

#define MAP_VERDICTS(X)           \
	X(CONFLICT, "conflict")   \
	X(UNORDERED, "unordered") \
	X(SUSPECT, "suspect")     \
	X(GUARDED, "guarded")     \
	X(SHARED, "shared")       \
	X(LOCAL, "local")

enum map_verdict {
#define X(id, name) VERDICT_##id,
	MAP_VERDICTS(X)
#undef X
	        VERDICT_COUNT
};

#define CONFLICT_KINDS(X)             \
	X(READ_WRITE, "read-write")   \
	X(WRITE_WRITE, "write-write") \
	X(ITERATE_WRITE, "iterate-write")

enum conflict_kind {
#define X(id, name) CONFLICT_##id,
	CONFLICT_KINDS(X)
#undef X
	        CONFLICT_KIND_COUNT
};

/* How a row of the list of conflicts is known: an overlap was seen; the runtime's own check ended
 * the process; two accesses were seen that nothing orders, at different times. The last is no
 * conflict yet: it is in no count of conflicts and in no heat. */
#define CONFLICT_EVIDENCES(X) \
	X(OVERLAP, "overlap") \
	X(FATAL, "fatal")     \
	X(UNORDERED, "unordered")

enum conflict_evidence {
#define X(id, name) EVIDENCE_##id,
	CONFLICT_EVIDENCES(X)
#undef X
	        EVIDENCE_COUNT
};

const char *map_op_name(unsigned int op);
const char *map_verdict_name(enum map_verdict verdict);
const char *conflict_kind_name(enum conflict_kind kind);
const char *conflict_evidence_name(enum conflict_evidence evidence);
const char *process_state_name(unsigned int state); /* "running", "exited", "crashed" */

/* ---- rows ---------------------------------------------------------------------------------------
 */

struct target_row {
	uint32_t tgid;
	char exe[256];
	char build_id[96]; /* empty: none */
	char go_version[64];
	char module[160];  /* path and version of the main module, "example.com/x (devel)"; empty */
	char revision[96]; /* of the version control system; empty: not known */
	const char *map_runtime; /* "hmap", "swiss" */
	bool stripped;
	enum go_layout_trust layout;
	uint64_t started_ns; /* CLOCK_REALTIME nanoseconds; 0: unknown */
	uint32_t state;      /* enum process_state */
};

/* One side of a conflict, ready to read. chain[0] holds the map operation; the last frame is the
 * goroutine's first function. */
struct side {
	struct access access; /* raw: goid, tid, time, op, site */
	const char *runtime_function;
	const struct frame *chain;
	int chain_length;
	struct frame created_by;    /* .function == NULL: unknown */
	const char *first_function; /* of the goroutine; NULL: unknown */
};

struct map_row;

struct conflict_row {
	unsigned int number; /* 1, 2, ... in order of first sighting */
	struct map_row *map;
	enum conflict_kind kind;
	enum conflict_evidence evidence;
	uint64_t count;
	uint64_t first_ns, last_ns; /* CLOCK_MONOTONIC */
	uint64_t hold_ns, after_ns; /* of the latest overlap */
	uint64_t gap_ns;            /* of an unordered pair: from a to b, latest sighting */
	bool also_overlaps;         /* of an unordered pair: a row says that they overlapped */
	double rate;                /* sightings per second, over the last few intervals */
	int depth;                  /* frames of the deeper call chain, latest sighting */
	const struct sightings *sightings; /* NULL: no memory for them, or no conflict */
	struct side a,
	        b; /* latest sighting; a was held, b came meanwhile; unordered: a was first */
};

/* Sampled call chains of one map, merged: what the call-chain pane shows. The array of a map may
 * move with the next model_apply(). */
struct chain_row {
	uint64_t key; /* hash of op and source lines */
	const struct frame *chain;
	int chain_length;
	uint64_t count;     /* times it was seen (holds, overlaps, unordered pairs) */
	uint64_t conflicts; /* of these, in a conflict */
	unsigned int op;
	bool truncated;             /* ends at the depth limit */
	bool complete;              /* reaches the goroutine's first function */
	const char *first_function; /* NULL: unknown */
};

/* How the pairs of conflicting accesses to a map, or to all maps of a process, were decided: the
 * accesses were both under one lock; something else ordered them; cannot be told; nothing did.
 * pairs: the sum of these, and those that are not decided yet. */
struct pair_counts {
	uint64_t pairs, under_lock, ordered, unknown, unordered;
	uint64_t how[ORDER_WAY_COUNT]; /* of those ordered or unknown: see enum order_way */
};

/* The pairs, those included of which an event told before the counts did. */
uint64_t pair_counts_all(const struct pair_counts *counts);

/* Which lock guards a map, as far as was seen while all probes that this takes were in place. */
struct map_guard {
	uint64_t accesses;    /* since a second goroutine used it */
	uint64_t bare;        /* of these, those under none of the locks of the others */
	uint64_t lock;        /* that these others were under; 0: there is none */
	uint64_t kinds;       /* bits of enum order_lock_kind; both or none: cannot be told */
	uint64_t place;       /* where it was taken last; 0: not known */
	struct frame taken;   /* the same, outside of sync; .function == NULL: not known */
	const char *name;     /* of the variable that the lock is: "main.mu"; NULL: not known */
	uint64_t bare_place;  /* where the map was last used without it; 0: nowhere, not known */
	struct frame bare_at; /* the same */
};

/* Enough was seen of it to name a lock, or to say that there is none. */
static inline bool map_guard_known(const struct map_guard *guard)
{
	return guard->accesses >= GUARD_KNOWN && guard->bare <= guard->accesses;
}

/* Why no two goroutines are at a map at the same time, where one reason holds for all that was
 * seen: identifier, name in the snapshot. */
#define MAP_REASONS(X)            \
	X(NONE, "none")           \
	X(LOCK, "lock")           \
	X(CHANNEL, "channel")     \
	X(CREATION, "creation")   \
	X(WAITGROUP, "waitgroup") \
	X(COND, "cond")           \
	X(ATOMICS, "atomics")

enum map_reason {
#define X(id, name) REASON_##id,
	MAP_REASONS(X)
#undef X
};

struct map_row;
/* LOCK: one lock in each access. CHANNEL to COND: each pair was ordered in this way. ATOMICS: of
 * more than half of the pairs it cannot be told, because of atomics. */
enum map_reason map_reason(const struct map_row *row);
const char *map_reason_name(enum map_reason reason); /* NULL: NONE */

/* What lists are sorted by and summed up from stands first, in two lines of the cache: a screen
 * that shows the first few of ten thousand rows looks at all of them. */
struct map_row {
	unsigned int number; /* id "m<number>" */
	enum map_verdict verdict;
	uint64_t conflicts;
	uint64_t ops[OP_COUNT];
	unsigned int goroutines;   /* Distinct; of a family: the most that one of its maps had. */
	bool goroutines_estimated; /* above about 30 */
	bool rate_estimated;       /* see coverage_row.rates_estimated */
	bool ended;                /* it is known that no map of this row is in use any more */
	/* nobody looks after any of them any more: they have ended, or were unused for long; then
	 * some may be used again */
	bool retired;
	bool over;      /* its process has ended */
	bool forgotten; /* by model_reset(), and not used since: in no list */
	/* Another one whenever a name in the row, in its chains or in its conflicts, or its verdict
	 * may have changed. */
	uint32_t names_version;
	uint32_t chains_version; /* another one whenever chains or their counts changed */
	double rate[OP_COUNT];   /* operations per second now, see op_rate.h; 0 once it is over */
	double expected_overlaps;
	/* How fast these and the pairs known to be ordered have grown: core/model/pace.h. */
	double expected_pace, ordered_pace;
	const char *type; /* NULL: not known */
	uint64_t maps;    /* how many maps this row stands for: 1, or more for a family */
	uint64_t addr;    /* of the latest map of the row */
	uint64_t type_addr;
	uint32_t tgid;
	/* Call chain of the line that made it; born_length 0: made before watching began, or
	 * unseen. Of a row that stands for several maps: of all of them that were seen to be
	 * made. */
	int born_length;
	const struct frame *born;
	uint64_t born_goid;     /* 0: not known */
	struct frame first_use; /* function of first use seen; .function == NULL: not known */
	/* Line of the latest change whose call chain was seen; .function == NULL: none was. */
	struct frame last_change;
	uint64_t last_change_ns;
	struct pair_counts order;
	struct map_guard guard; /* of a row that stands for one map; else all zero */
	int64_t length;         /* -1: not known */
	uint64_t stalls;
	double stall_seconds;
	double conflict_rate; /* per second, smoothed over a few intervals */
	uint64_t first_ns, last_ns;
	/* heat.depth of the snapshot: [d-1] = conflicts whose sides have a call chain of depth d
	 * (each conflict counts once, at the deeper side's depth). */
	const uint32_t *heat_depth; /* STACK_DEPTH_MAX entries, never NULL */
	const float *heat_rate;     /* the same, conflicts per second, smoothed */
	/* Kept for maps with findings and for the first MODEL_TIMELINES others; else NULL. */
	const struct timeline *timeline;
	struct chain_row *chains; /* most frequent first after model_sort_chains() */
	size_t chain_count;
	/* The row that stands for this one since its family was folded; else NULL. A folded row is
	 * in no list any more and may be used for another map (with another number) later. */
	struct map_row *folded_into;
	/* What model_reset() took from the figures above: with these they never go down. */
	uint64_t past_conflicts, past_unordered, past_ops[OP_COUNT];
	/* Of past_ops and ops, those that count for no rate: not of coverage_row.sampled_ns. */
	uint64_t outside[OP_COUNT];
};

struct goroutine_row {
	double rate; /* operations per second now, see op_rate.h; 0 once it has ended */
	uint64_t ops[OP_COUNT];
	uint64_t goid;
	/* Of this row only; another one whenever a name in it changed. The upper half is a number
	 * that the row keeps. */
	uint64_t names_version;
	uint32_t tgid;
	unsigned int maps;
	uint64_t conflicts;
	uint64_t parent_goid;
	bool rate_estimated;
	bool ended;                 /* it is known that there is no such goroutine any more */
	bool retired;               /* unused for long: it has ended, waits, or has other work */
	bool forgotten;             /* by model_reset(), and not used since: in no list */
	struct frame created_by;    /* .function == NULL: unknown */
	const char *first_function; /* NULL: unknown */
	struct frame last_use;      /* where its last map operation was seen, or one shortly before
	                             * from the same frame */
	uint64_t last_ns;
};

struct crash_row {
	uint32_t tgid;
	uint64_t time_ns;
	char message[CRASH_MESSAGE_MAX];
	struct map_row *map; /* NULL: not known */
	struct side side;    /* the goroutine that died of it */
};

/* What was seen of one process since the beginning. It only ever grows: model_reset() leaves it
 * alone, and what rows said that were given up since is in it. */
struct model_totals {
	uint32_t tgid; /* of which there need not be a target_row: it may have been gone too soon */
	uint64_t conflicts;
	/* Of these, those that an event told of; fewer where events were lost. */
	uint64_t sightings[CONFLICT_KIND_COUNT];
	struct pair_counts order;
	uint64_t ops[OP_COUNT]; /* on maps that got a row */
	uint64_t goroutines;    /* one that comes back after its row was given up counts again */
	uint64_t crashes;
};

/* Totals and rates for the header. value[] as in struct event_coverage. */
struct coverage_row {
	uint64_t value[COVERAGE_COUNT];
	uint64_t armed_ns, sampled_ns, watched_ns, run_ns, target_cpu_ns, ns_per_hit;
	uint64_t births_ns;       /* time in which it was seen where maps are made */
	uint64_t cold_ns;         /* part of run_ns, as in struct event_coverage */
	uint64_t waiting_ns;      /* likewise */
	double contention;        /* likewise; 0: not known */
	double planned;           /* likewise; 0: there is no limit */
	uint32_t let_go, trouble; /* likewise */
	double ops_rate;          /* map operations per second now, see op_rate.h */
	bool rates_estimated;     /* the probes were not in place all of the last interval: rates
	                             of operations are scaled up from what was seen in windows */
	double overhead_now;      /* the same as overhead_estimate, of the last interval */
	double overhead_recent;   /* the same, of the last OVERHEAD_SPAN_SECONDS or so, over which
	                             the limit is kept */
	bool rate_seen;           /* something was seen in the last interval that counts for it */
	double armed_now;         /* part of the last interval with the probes in place */
	/* Seconds with the probes in place, and operations, per second: core/model/pace.h. */
	double armed_pace, counted_pace;
	double overhead_estimate; /* part of overhead_base_ns(), 0.011 = 1.1 %, whole run */
	uint64_t lost;            /* sum of all LOST fields */
};

/* Part of run_ns that the hits took themselves: neither held nor what they cost beyond that. */
uint64_t coverage_hits_ns(const struct coverage_row *coverage);

/* ---- making one ---------------------------------------------------------------------------------
 */

/* A question for the length of the map with this hash seed at this address. */
struct map_length {
	uint32_t tgid;
	uint64_t addr, seed;
	int64_t length; /* the answer; left as it is (-1) when that map is not there any more */
	struct map_row *row;
};

/* How the model learns names; core/symbol/symbolizer fits, tests and synthetic loads bring their
 * own. */
struct model_symbols {
	int (*call_chain)(void *ctx, const struct access *access, struct frame *out, int max);
	const struct frame *(*frames)(void *ctx, uint32_t tgid, uint64_t pc, bool is_return_address,
	                              int *count);
	const char *(*site_function)(void *ctx, unsigned int site);
	/* Name of a map type, or NULL when not known (yet). The string outlives the model. */
	const char *(*type_name)(void *ctx, uint32_t tgid, uint64_t type_addr);
	/* Name of a goroutine's first function from its g.startpc, or NULL; outlives the model. */
	const char *(*first_function)(void *ctx, uint32_t tgid, uint64_t startpc);
	/* Name of the variable of a package that begins at an address and is size bytes long, or
	 * NULL; outlives the model. */
	const char *(*variable_name)(void *ctx, uint32_t tgid, uint64_t addr, uint64_t size);
	/* Fill in the lengths of live maps; NULL: nothing is live here. */
	void (*lengths)(void *ctx, struct map_length *maps, size_t count);
	void *ctx;
};

struct model_config {
	struct model_symbols symbols;
	size_t maps_max, goroutines_max, conflicts_max,
	        chains_per_map_max; /* 0: a sensible default */
};

struct model;

int model_create(const struct model_config *config, struct model **out); /* 0 or -ENOMEM */
void model_destroy(struct model *model);                                 /* accepts NULL */

/* Tell the model about a watched process before its events come. Copies *target. */
int model_target_add(struct model *model, const struct target_row *target);

/* Feed one event. Unknown kinds are ignored; malformed sizes return -EINVAL. Rates, verdicts and
 * smoothed figures are brought up to date at each EVENT_TICK. */
int model_apply(struct model *model, const struct event_header *event);

/* Forget counts and conflicts, keep targets and crashes (key `r` of the screen); the map of a crash
 * is not known any more. Counts begin again at zero although those of the events are absolute;
 * coverage and model_totals() stay those of the whole run. Rows that the caller holds are no longer
 * in any list. */
void model_reset(struct model *model);

/* ---- reading it ---------------------------------------------------------------------------------
 */

enum map_order {
	MAPS_BY_CONFLICTS,
	MAPS_BY_FINDINGS,
	MAPS_BY_RATE,
	MAPS_BY_WRITES,
	MAPS_BY_GOROUTINES,
	MAPS_BY_NUMBER
};

/* Fill rows[] with up to max rows in the order asked for (ties by number, so that the order is
 * stable); returns how many. MAPS_BY_CONFLICTS: most conflicts first, then most changing
 * operations: the order of the snapshot. MAPS_BY_FINDINGS: the same, but among those without a
 * conflict the ones with unordered pairs come first: the order for people. */
size_t model_maps(const struct model *model, enum map_order order, struct map_row **rows,
                  size_t max);
size_t model_map_count(const struct model *model);
/* Bring the lengths of these rows up to date; each row is looked at once an interval at most. */
void model_lengths_read(const struct model *model, struct map_row *const *rows, size_t count);
/* How many rows the lists below have at most. */
size_t model_conflict_count(const struct model *model);
size_t model_goroutine_count(const struct model *model);
size_t model_target_count(const struct model *model);
size_t model_crash_count(const struct model *model);
/* Most frequent first; map == NULL: of all maps. */
size_t model_conflicts(const struct model *model, const struct map_row *map,
                       struct conflict_row **rows, size_t max);
/* The same for people: what is proven comes first, then unordered pairs. Last come those of lines
 * that a row before them says to have overlapped: *told is how many rows there are without these,
 * which say nothing new. */
size_t model_findings(const struct model *model, const struct map_row *map,
                      struct conflict_row **rows, size_t max, size_t *told);
/* Most operations first. */
size_t model_goroutines(const struct model *model, struct goroutine_row **rows, size_t max);
/* For those that sort them themselves. */
size_t model_goroutines_unsorted(const struct model *model, struct goroutine_row **rows,
                                 size_t max);
size_t model_targets(const struct model *model, struct target_row **rows, size_t max);
const struct target_row *model_target(const struct model *model, uint32_t tgid); /* NULL: none */
size_t model_crashes(const struct model *model, struct crash_row **rows, size_t max);
/* In the order in which their first event came; the older ones are left out when there are more. */
size_t model_totals(const struct model *model, const struct model_totals **rows, size_t max);
/* The sum of those that are left out then. */
struct model_totals model_totals_rest(const struct model *model, size_t max);
/* How many rows of maps have which verdict. */
void model_verdicts(const struct model *model, size_t counts[VERDICT_COUNT]);
void model_sort_chains(struct map_row *map);
const struct coverage_row *model_coverage(const struct model *model);
uint64_t model_conflict_total(const struct model *model);
/* Whether a conflict was seen at all: also one that only the runtime's fatal error told of, on a
 * map that is not known, and that therefore has no row. */
bool model_has_conflict(const struct model *model);
/* Unordered pairs that were seen, whether or not these lines were seen to overlap, too. */
uint64_t model_unordered_total(const struct model *model);
/* A conflict or an unordered pair. */
bool model_has_finding(const struct model *model);
const struct history_clock *model_clock(const struct model *model);
uint64_t model_now_ns(const struct model *model); /* time of the latest event */
/* What the bounds of the model itself dropped; and the same of the whole run, whatever was
 * reset. */
uint64_t model_dropped(const struct model *model);
uint64_t model_dropped_ever(const struct model *model);

#endif
