/* SPDX-License-Identifier: MIT */
/*
 * calibrate: code of gomaptop itself that looks to a probe as a Go program's does, and its timing.
 *
 * bpf/attach/trial.c probes it with the very program that will watch the target; it is called with
 * the registers set as Go sets them.
 */
#ifndef GOMAPTOP_BPF_CALIBRATE_H
#define GOMAPTOP_BPF_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire/wire.h"

/* What is probed: where a map function begins, where one that made a map returns, where a lock
 * (first argument) is taken. */
enum calibrate_place { CALIBRATE_ENTRY, CALIBRATE_RETURN, CALIBRATE_ORDER, CALIBRATE_PLACES };

/* Memory as a Go program would have it, for the calibrating calls: fields row CALIBRATE_ROW of the
 * programs' settings must describe it (goid at 0 of the g, 4-byte seed at 12 of the map). */
#define CALIBRATE_ROW         (FIELD_ROWS - 1)
#define CALIBRATE_GOID_OFFSET 0
#define CALIBRATE_SEED_OFFSET 12
#define CALIBRATE_SEED_SIZE   4

/* Which instruction is probed, for the cookie. */
#if defined(__aarch64__)
#define CALIBRATE_INSTRUCTION PROBE_AT_JBE
#else
#define CALIBRATE_INSTRUCTION PROBE_AT_PUSH
#endif

/* Offset of the probed instruction in this program's own executable. 0 or -errno. */
int calibrate_point(enum calibrate_place place, uint64_t *file_offset);

/* Come by the probe `calls` times as goroutine `goid` would, on `map` (at least 48 readable bytes,
 * or NULL: a nil map). Any thread; several may run at once with different goids. */
void calibrate_calls(enum calibrate_place place, uint64_t goid, void *map, int calls);

/* Nanoseconds of one such call: the fastest of several batches. What the call costs without a probe
 * is next to nothing. */
uint64_t calibrate_time(enum calibrate_place place, void *map, int batches, int calls);

/* About what the caches next to a CPU hold: who goes through it leaves little else in them. */
#define CALIBRATE_MEMORY (2u << 20)

/* Nanoseconds of one call of which only what a target would have just used is in the near caches:
 * its goroutine, its map. place: CALIBRATE_ENTRY or CALIBRATE_ORDER; probed == false: of a call
 * alike that no probe is at. memory: CALIBRATE_MEMORY bytes, of which nothing is needed
 * afterwards. */
uint64_t calibrate_time_cold(enum calibrate_place place, volatile char *memory,
                             volatile uint64_t *map, bool probed);

/* What the call chains of these calls end with, as a goroutine's with what it returns to. */
uint64_t calibrate_goexit(void);

#endif
