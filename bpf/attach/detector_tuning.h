/* SPDX-License-Identifier: MIT */
/*
 * detector_tuning: what user space says to the running programs (struct detector_tuning of
 * bpf/wire/wire.h, memory that both share).
 *
 * All writes are here, each an atomic store without order: the programs read every field for
 * itself. Where the order of two matters a system call or a comment below is between them. Each
 * field has one writer at a time:
 *
 *   field                written by                     thread      when
 *   -------------------  -----------------------------  ----------  ---------------------------
 *   timed_all            attach/trial.c                 starting    while costs are measured
 *   timed_most           attach/trial.c                 starting    after costs were measured
 *   births_allowed       attach/trial.c                 starting    while costs are measured
 *     "                  govern/birth_probes.c          governor    at each look at births
 *   known                attach/trial.c                 starting    after costs were measured
 *     "                  collect/collector_ends.c       collector   when a target ended
 *     "                  (the programs)                             at a process's first hits
 *   proven               attach/program.c               starting,   when a row gets a binary
 *                                                       follow
 *     "                  collect/collector_layout.c     collector   at each look at layouts
 *   fresh_spacing_ns     collect/collector_tuning.c     starting    once
 *   tried_spacing_ns     collect/collector_tuning.c     collector   five times a second
 *   clock_tick           collect/collector_counts.c     collector   before tables are read
 *     ", clock_ns        (the programs)                             at the first hit of a tick
 *   scanned_ns           collect/collector_counts.c     collector   before and after that
 *   closing              govern/governor_window.c       governor    around an armed window's end
 *   armed_ns             govern/governor_window.c       governor    as probes went in or go out
 *   sampling             govern/governor_window.c       governor    also around order windows
 *   beat_ns              govern/governor_window.c       governor    ten times a second at least
 *   hold_divisor         govern/governor_plan.c         governor    at each step
 *   window_gap           govern/governor_plan.c         governor    at each step
 *   calls, calls_probed  govern/site_batch.c            governor    when probed calls change
 *   order_since, _rows   attach/trial.c                 starting    while costs are measured
 *     "                  govern/order_probes.c           governor    as order probes go in and out
 *   order_whole          govern/order_probes.c           governor    at each look, and at the end
 *   order_chains         collect/collector_order.c      collector   when chains are missing
 *   order_places         collect/collector_order.c      collector   when an unordered pair is told
 *   stopped              watch/watch.c                  the watch's once, at the end
 *
 * "Starting" is the thread that starts the watch, before the others run; "governor" and "follow"
 * stand for it, too, where nothing runs yet.
 */
#ifndef GOMAPTOP_BPF_DETECTOR_TUNING_H
#define GOMAPTOP_BPF_DETECTOR_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire/wire.h"

/* ---- starting ------------------------------------------------------------------------ */

void detector_tuning_timed_all_set(struct detector_tuning *tuning, bool on);
/* kind: enum overhead_timed_kind. */
void detector_tuning_timed_most_set(struct detector_tuning *tuning, int kind, __u32 ns);

/* ---- collector ----------------------------------------------------------------------- */

/* The programs know no process: the next hit of each looks into the table of targets. */
void detector_tuning_known_clear(struct detector_tuning *tuning);

/* proven: enum wire_field. */
void detector_tuning_proven_set(struct detector_tuning *tuning, size_t row, __u32 proven);

void detector_tuning_fresh_spacing_set(struct detector_tuning *tuning, __u64 ns);
void detector_tuning_tried_spacing_set(struct detector_tuning *tuning, __u64 ns);

/* What is stamped from now on has a time from now on. */
void detector_tuning_clock_restart(struct detector_tuning *tuning);

/* ns: when the tables had been read; UINT64_MAX: they are being read. */
void detector_tuning_scanned_set(struct detector_tuning *tuning, __u64 ns);

/* ---- governor ------------------------------------------------------------------------ */

void detector_tuning_beat_set(struct detector_tuning *tuning, __u64 ns);
void detector_tuning_armed_set(struct detector_tuning *tuning, __u64 ns); /* 0: not in place */
void detector_tuning_sampling_set(struct detector_tuning *tuning, bool on);
void detector_tuning_closing_set(struct detector_tuning *tuning, bool on);
void detector_tuning_hold_divisor_set(struct detector_tuning *tuning, __u64 divisor);
/* Any thread. */
__u64 detector_tuning_hold_divisor(const struct detector_tuning *tuning);
void detector_tuning_window_gap_set(struct detector_tuning *tuning, __u64 gap);
void detector_tuning_births_allowed_set(struct detector_tuning *tuning, __u64 count);

/* One more call is probed: its CALL_BIT. Its row of call_keys is there already. */
void detector_tuning_call_add(struct detector_tuning *tuning, __u32 bit);
/* All of them; any: there is one. Rows of those that are not among them are gone already. */
void detector_tuning_calls_set(struct detector_tuning *tuning, const __u64 bits[CALL_BITS / 64],
                               bool any);

/* Accesses to this map come with their call chains from now on, in place of those to the map that
 * was last in this place. */
void detector_tuning_order_chain_set(struct detector_tuning *tuning, size_t place, __u64 map);

/* Accesses from this place, in place of the one that was last in this position, are held first. */
void detector_tuning_order_place_set(struct detector_tuning *tuning, size_t position, __u64 place);

/* ns: since when all order probes are in place; 0: not all of them are. rows: see order_rows. */
void detector_tuning_order_set(struct detector_tuning *tuning, __u64 ns, __u64 rows);
/* ns: see order_whole. Behind what was done to order_lost before. */
void detector_tuning_order_whole_set(struct detector_tuning *tuning, __u64 ns);

/* ---- the watch's --------------------------------------------------------------------- */

void detector_tuning_stop(struct detector_tuning *tuning);

#endif
