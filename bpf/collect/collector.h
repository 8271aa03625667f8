/* SPDX-License-Identifier: MIT */
/*
 * collector: the thread between the kernel and the event_queue.
 *
 * Every few milliseconds it drains the ring buffer into the queue; once an interval it reads the
 * counts (maps, goroutines, coverage), pushes what changed and an EVENT_TICK, and forgets rows that
 * have been idle when a table gets full. Counts are absolute: what finds no room in the queue is
 * sent with the next scan, and the last one waits for the consumer. Coverage and ticks always
 * arrive. A table that cannot be read counts as a loss (COVERAGE_TABLE_UNREAD), never as an empty
 * one. A few times a second it adjusts how soon the detector holds an object again, so that the
 * budget of held time is used. It also tells of targets that have ended (bpf/targets).
 */
#ifndef GOMAPTOP_BPF_COLLECTOR_H
#define GOMAPTOP_BPF_COLLECTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/collect/chain_finish.h"
#include "bpf/govern/governor.h"
#include "bpf/targets/targets.h"
#include "bpf/wire/wire.h"
#include "core/base/error.h"
#include "core/budget/overhead_cost.h"
#include "core/event/event_queue.h"

struct collector;
struct program;

/* A watched executable. If its layout is not verified, the collector compares it with live
 * objects, and tells the programs (detector_tuning.proven) what may be believed. */
struct collector_executable {
	struct file_identity seen; /* before the first byte was read */
	size_t row;                /* of the programs' settings */
	/* another thread's, which reads on in it: only for what takes it const; until the
	 * collector's end */
	const struct go_binary *binary;
	struct chain_ends ends;
};

struct collector_config {
	int events_fd, maps_fd, goroutines_fd, targets_fd, chains_fd; /* BPF maps */
	int order_fd;                    /* the ring of order events, */
	const uint64_t *order_begun;     /* how many were begun so far, */
	const uint64_t *order_lost;      /* and how many of them found no room */
	size_t maps_max, goroutines_max; /* rows of the tables */
	struct event_queue *queue;       /* the collector is its producer */
	int event_fd;                    /* eventfd: written when the queue has news */
	uint64_t interval_ns;
	struct overhead_costs costs;  /* to be told */
	struct cost_account *account; /* what watching has cost */
	uint64_t budget_divisor;
	int stack_depth; /* frames kept of a call chain */
	bool verbose;
	struct detector_tuning *tuning; /* shared with the BPF program */
	struct governor *governor; /* how long the probes are; NULL: from the start to the end */
	bool unlimited;            /* they are never taken out, unless they are let go */
	struct targets *targets;   /* with those that are known from the start */
	const struct collector_executable *executables; /* read by collector_start() only */
	size_t executable_count;
};

/* One more executable while it runs, before its first probe goes in; and one less. By one thread
 * that is not the collector's. 0, -ENOMEM, -ESTALE: it was written to, or those of
 * go_binary_open_fd(). */
int collector_executable_add(struct collector *collector,
                             const struct collector_executable *executable);
void collector_executable_remove(struct collector *collector, size_t row);

/* This process runs the executable of that row: it is told as a target before its first hit, so
 * that an idle one is known. No effect where it is known already. Any thread. */
void collector_process_add(struct collector *collector, pid_t pid, size_t row);

/* Fill in what the programs decide: tables, their sizes, costs, tuning. The rest is the
 * caller's. */
void collector_config_program(struct collector_config *config, const struct program *program);

/* Start the thread. Everything in *config is borrowed until collector_stop(). 0 or -errno. */
int collector_start(const struct collector_config *config, struct collector **out,
                    struct error *err);

/* To be called after the probes are out: drains what is left, pushes the final counts and ends the
 * thread. Frees everything. Accepts NULL. */
void collector_stop(struct collector *collector);

/* The same by the thread that consumes the queue: consume(ctx), which empties it, is called again
 * and again until the last counts are in it, however small the queue is. */
void collector_stop_consumed(struct collector *collector, void (*consume)(void *ctx), void *ctx);

/* Time with the probes in place ends now (they are being taken out). Any thread. */
void collector_disarm(struct collector *collector);

#endif
