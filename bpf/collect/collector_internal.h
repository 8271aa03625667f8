/* SPDX-License-Identifier: MIT */
/*
 * collector_internal: what the collector's files share. Everything here is touched by the
 * collector's thread alone, except the atomics and what has a lock.
 */
#ifndef GOMAPTOP_BPF_COLLECTOR_INTERNAL_H
#define GOMAPTOP_BPF_COLLECTOR_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include <bpf/libbpf.h>

#include "bpf/attach/detector_tuning.h"
#include "bpf/collect/chain_finish.h"
#include "bpf/collect/chain_store.h"
#include "bpf/collect/collector.h"
#include "bpf/collect/executables.h"
#include "core/event/event.h"

/* Processes found by others that were not told yet; more wait for their first hit. */
#define FOUND_MAX 64

#define ENDED_MAX 256 /* processes that have ended since the last scan; more: the oldest are left */

struct collector_ended {
	uint32_t tgid;
	uint64_t ns; /* when that was known */
};

struct collector {
	struct collector_config config;
	pthread_t thread;
	atomic_bool stopping, ended;
	atomic_ullong disarmed_ns;

	struct ring_buffer *ring;
	struct chain_finish *chains;
	struct chain_store *names;
	struct executables *executables;
	union {
		struct event_header h;
		unsigned char bytes[EVENT_SIZE_MAX];
	} beside; /* an event that must arrive, while the queue is full */
	uint64_t started_ns;
	uint64_t next_tick_ns;
	uint64_t next_scan_ns; /* the tables are read at least once a second */
	uint64_t last_scan_ns; /* rows older than this were sent before */
	bool resend;           /* this scan sends every row, changed or not */
	bool resend_next;      /* not every row could be told: the next scan sends all */
	bool final;            /* this scan is the last one */
	int final_waits;       /* so many more times it may wait for the consumer */
	bool consumed;         /* somebody empties the queue until the thread has ended */
	struct cost cost;      /* with the programs' totals, as last read */
	__u64 totals_seen[COVERAGE_COUNT];         /* when it was last asked whether rows moved */
	bool settling;                             /* they had moved */
	uint64_t maps_idle_ns, goroutines_idle_ns; /* rows idle that long are forgotten; 0: none */
	bool news; /* something was pushed since the consumer was last told */

	uint64_t delivered; /* events of the ring that reached the queue, or were used here */
	uint64_t queue_full;
	uint64_t tables_unread;  /* scans in which one could not be read */
	uint64_t chains_missing; /* events that named a chain that is not known: lost */
	uint64_t made_here;      /* events that the collector made itself and that may be lost */

	uint64_t tuned_ns;         /* when the spacing of holds was last looked at */
	uint64_t tuned_held_ns;    /* held time until then */
	uint64_t tried_spacing_ns; /* as the programs were told last */
	double tuned_used;         /* part of the budget of held time that is used lately */

	struct collector_layouts *layouts;
	struct collector_order *order;

	pthread_mutex_t found_lock;
	struct collector_found {
		pid_t pid;
		size_t row;
	} found[FOUND_MAX];
	size_t found_count;

	struct collector_ended gone[ENDED_MAX]; /* whose rows are still in the tables */
	size_t gone_count;

	void *keys, *values; /* of one batch */
};

/* collector_counts.c: the process has ended. Its rows are told once more and leave the tables: told
 * again later they would look like new maps. */
void collector_counts_ended(struct collector *c, uint32_t tgid);

/* Push one event; counts the delivery, or the loss. */
bool collector_push(struct collector *c, const struct event_header *event);

/* Likewise, made whole: its call chains are put in. Accounts for it as delivered or lost. */
void collector_deliver(struct collector *c, const struct event_header *event);

/* collector_order.c: what orders accesses, and what does not. open: 0 or -ENOMEM or -errno. step:
 * as often as the ring is drained, and after that; returns how many events there were. tell:
 * counts, once an interval. finish: all findings are told or given up, and counts; takes up to 150
 * ms where a window is open. forget: the process has ended, and its last events were read. */
int collector_order_open(struct collector *c);
void collector_order_close(struct collector *c);
int collector_order_step(struct collector *c);
void collector_order_finish(struct collector *c);
void collector_order_tell(struct collector *c);
void collector_order_forget(struct collector *c, uint32_t tgid);

/* collector_counts.c: read the tables and the totals, push what changed. final: the probes are out,
 * nothing runs any more, the sums are exact. */
int collector_counts_open(struct collector *c);
void collector_counts_close(struct collector *c);
void collector_counts_push(struct collector *c, bool final);
uint64_t collector_stall_ns(struct collector *c); /* held time so far */

/* collector_tuning.c: keep the budget of held time busy, and no more. */
void collector_tuning_open(struct collector *c);
void collector_tune(struct collector *c);

/* collector_layout.c: which fields of layouts that are not verified hold. */
int collector_layouts_open(struct collector *c);
/* One more executable, which belongs to the collector; one whose layout is verified is
 * left alone. By the thread that adds. 0 or -ENOMEM. */
int collector_layout_add(struct collector *c, struct executable *executable);
void collector_layouts_close(struct collector *c);
void collector_layouts_look(struct collector *c);
void collector_layouts_forget(struct collector *c, pid_t pid); /* the process has ended */

/* collector_ends.c: tell of the targets that are known from the start; of those that
 * collector_process_add() has brought since. */
void collector_targets_tell(struct collector *c);
void collector_found_tell(struct collector *c);
/* Sleep for timeout_ms, or until a target ends; tell of those that have ended. */
void collector_ends_wait(struct collector *c, int timeout_ms);

#endif
