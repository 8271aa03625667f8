/* SPDX-License-Identifier: MIT */
/*
 * governor_internal: what the governor's files share. All functions are of the governor's thread,
 * or of the one that starts or stops it while that does not run.
 */
#ifndef GOMAPTOP_BPF_GOVERNOR_INTERNAL_H
#define GOMAPTOP_BPF_GOVERNOR_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include "bpf/govern/governor.h"
#include "core/base/thread_call.h"
#include "core/budget/contention.h"
#include "core/budget/overhead_budget.h"

/* See governor_order.c. */
struct governor_order {
	struct order_probes *probes; /* NULL: there are none */
	uint64_t opening_ns,
	        closing_ns;     /* how long the last opening and closing took; 0: none yet */
	uint64_t step_ns;       /* of the last step */
	double rate;            /* CPUs that they cost in place; negative: not known */
	uint64_t retry_ns;      /* they could not be put in place: not again before */
	uint64_t seen_ns;       /* of the last look at them, */
	uint64_t spent_ns;      /* and hits_ns then */
	uint64_t hits_ns;       /* what hits have cost, as last read, */
	uint64_t total_ns;      /* and those at order sites */
	uint64_t stay_ns;       /* between windows: since when those that stay are looked at, */
	uint64_t stay_total_ns; /* and total_ns then */
	bool stay_expensive; /* they were taken out, as they cost too much: sort before the next */
};

struct governor {
	struct governor_config config;

	/* Of the governor's thread. */
	struct overhead_budget budget;
	struct contention contention;
	struct cost cost; /* as last read */
	struct site_zoom *sites;
	uint64_t sites_ns; /* of the last step */
	struct governor_order order;
	uint64_t guarded_ns;
	uint64_t retry_ns;        /* the probes could not be put in place: not again before */
	uint64_t standing_ns;     /* the standing ones were last tried, */
	int standing_rc;          /* and what came of it, as probe_set_open() says it */
	uint64_t step_ns;         /* when the next step is due */
	double births_rate;       /* CPUs that seeing births may cost */
	uint64_t births_ns;       /* when their next step is due */
	uint64_t plain_ns;        /* end of the last window that counted for rates; 0: none yet */
	uint64_t births_since_ns; /* since when it waits for the end of a window; 0: it does not */

	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	struct thread_call call;
	bool running, stopping;
	struct birth_probes *births; /* NULL: none are looked after; set by the governor's thread */
	uint64_t armed_since_ns;     /* 0: the probes are not in place */
	uint64_t sampled_since_ns;   /* 0: what is seen now does not count for rates */
	uint64_t out_since_ns;       /* since when they are not; 0: they are, or were never tried */
	struct governor_state state;
};

/* governor_plan.c: what watching costs, and what may be spent. False: that cannot be read. */
bool governor_reading_take(struct governor *g, struct overhead_reading *out);
void governor_income_plan(struct governor *g);
/* Tell the programs what they may do with it. */
void governor_holds_allow(const struct governor *g);
void governor_gap_tell(const struct governor *g);

/* governor_window.c: the probes in the functions, in and out. As probe_set_open(). */
int governor_arm(struct governor *g, void (*failed)(void *ctx, const struct probe_point *point),
                 void *ctx);
/* patient: holds that are under way may end before. */
void governor_disarm(struct governor *g, bool patient);
/* They may have gone without governor_disarm(). Returns whether all have; if only some have, those
 * are put in again. */
bool governor_window_look(struct governor *g);
/* Does what is seen from now on count for rates? Not while order probes are in place or go in or
 * out, where that can be helped: the program is slower then. */
void governor_sample(struct governor *g, bool on);
/* What the probes delay is looked at as they go in or are out. */
void governor_turn(struct governor *g, bool in);
/* A window is open that costs more than comes in: it is to be short. */
bool governor_window_costs(const struct governor *g);
/* I am here: to the keeper, and to the programs. */
void governor_sign_give(const struct governor *g, uint64_t now);
/* Taking the probes out takes so long that those that are hit often are not left in place. */
bool governor_is_slow(const struct governor *g);

/* governor_sites.c: probes at calls. */
void governor_sites_step(struct governor *g);
void governor_sites_close(struct governor *g);

/* governor_order.c: probes where goroutines are ordered. */
void governor_order_count(struct governor *g); /* what they have cost, after cost was read */
/* Before the sign is given: where the governor was stopped or starved, hits were not told
 * meanwhile, and the window must end before any is told again. */
void governor_order_resume(struct governor *g, uint64_t now);
void governor_order_step(struct governor *g);
void governor_order_close(struct governor *g);
void governor_order_stop(struct governor *g); /* those that stay between windows, too */
bool governor_order_is_open(const struct governor *g);
uint64_t governor_order_wait_ns(const struct governor *g); /* until the next step, at most */

/* governor_births.c: probes where maps are made. */
void governor_births_allow(struct governor *g);
void governor_births_step(struct governor *g);
void governor_births_close(struct governor *g); /* what they may cost is 0 until allowed again */

/* governor_keeper.c: what became of the probes without the governor. */
void governor_keeper_step(struct governor *g, uint64_t now);
void governor_trouble_set(struct governor *g, enum trouble trouble);
void governor_accepted_set(struct governor *g, size_t accepted);

#endif
