/* SPDX-License-Identifier: MIT */
/*
 * calibrate: what one probe hit costs on this machine, and whether the kernel's features work.
 *
 * A function of gomaptop itself that begins as a Go map function does is probed by the very program
 * that will watch the target, and called from a second thread with registers set as Go sets them.
 * That tells by trying: does this way of attaching exist, does its pid filter see all threads (it
 * did not before kernel 6.10, commit 46ba0e49b642), and what does a hit cost.
 */
#ifndef GOMAPTOP_BPF_CALIBRATE_H
#define GOMAPTOP_BPF_CALIBRATE_H

#include <stdint.h>

#include "bpf/probe_link.h"
#include "bpf/wire.h"

struct calibration {
	uint64_t ns_per_hit;
	int hits_seen; /* 0: the program did not run in the second thread */
};

/* Memory as a Go program would have it, for the calibrating calls: fields row CALIBRATE_ROW of the
 * programs' settings must describe it (goid at 0 of the g, 4-byte seed at 12 of the map). */
#define CALIBRATE_GOID_OFFSET 0
#define CALIBRATE_SEED_OFFSET 12
#define CALIBRATE_SEED_SIZE   4

/* Which instruction is probed, for the cookie. */
#if defined(__aarch64__)
#define CALIBRATE_INSTRUCTION WIRE_AT_JBE
#else
#define CALIBRATE_INSTRUCTION WIRE_AT_PUSH
#endif

/* File path and offset of the probed instruction in this program's own executable. 0 or -errno. */
int calibrate_point(uint64_t *file_offset);

/* Call the probed function `calls` times as goroutine `goid` would, on `map` (at least 48 readable
 * bytes). Any thread; several may run at once with different goids. */
void calibrate_calls(uint64_t goid, void *map, int calls);

/* Time a hit: the fastest of several batches, less what the unprobed call costs (next to nothing).
 * Runs in a second thread. count() tells how many hits the program has seen so far. */
int calibrate_run(uint64_t (*count)(void *ctx), void *ctx, struct calibration *out);

#endif
