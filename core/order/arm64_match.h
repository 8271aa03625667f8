/* SPDX-License-Identifier: MIT */
/*
 * arm64_match: what the atomic instructions of a decoded arm64 function are, and where to probe.
 *
 * Go compiles most of them twice: one instruction of LSE (casal, ldaddal), and a loop of ldaxr and
 * stlxr for processors without LSE. A conditional jump on a byte of the runtime
 * (internal/cpu.ARM64.HasATOMICS) chooses, and both ways meet again: together they are one match.
 * In front of both that conditional jump is probed (ORDER_BEFORE; the kernel simulates it), behind
 * both the conditional jump on the result. Nothing between a load-exclusive and its store-exclusive
 * is ever probed. Pure functions of their arguments.
 */
#ifndef GOMAPTOP_CORE_ARM64_MATCH_H
#define GOMAPTOP_CORE_ARM64_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/order/arm64_function.h"
#include "core/order/order_match.h"

#define ARM64_WAY 32 /* instructions that are followed from an atomic one */

enum arm64_family {
	ARM64_OTHER, /* and, or, exclusive or */
	ARM64_ADD,
	ARM64_CAS,
	ARM64_SWAP,
	ARM64_STORE, /* store-release */
};

/* One instruction of LSE, one loop, or one store. */
struct arm64_operation {
	size_t at;           /* of what changes memory: casal, stlxr, stlr */
	size_t first, after; /* the instructions that belong to it, the second behind them */
	bool loop;           /* from a load-exclusive to the jump behind the store */
	enum arm64_family family;
	uint8_t base;      /* register with the address, 31 SP */
	int8_t result;     /* register: 1 after success, the sum; -1: none */
	size_t check;      /* the jump that chooses between LSE and loop; 0: none */
	size_t jump;       /* the first conditional jump behind; 0: none */
	uint16_t way_size; /* from after to jump */
	uint32_t way[ARM64_WAY];
};

struct arm64_match {
	struct arm64_operation of[2];
	size_t count; /* 1, or 2: LSE and loop */
	size_t jump;  /* of both; 0: none that tells of this alone */
	enum order_condition condition;
	uint8_t tested, bit;  /* IF_BIT, IF_NOT_BIT */
	enum order_slow slow; /* whose call is on one side of the jump; COUNT: none */
	size_t slow_call;     /* number of that call */
};

/* The match that begins with the atomic instruction `at`. False: it is the second half of one that
 * was found at another (its mark is set), or does not change memory for others. */
bool arm64_match_find(struct arm64_function *f, size_t at, const struct order_slow_entries *slow,
                      struct arm64_match *out);
enum order_kind arm64_match_kind(const struct arm64_match *match);

/* As order_match_place(). */
bool arm64_match_place(const struct arm64_function *f, const struct arm64_match *match,
                       int64_t shift, struct order_site *out);

/* Can the kernel probe it without harm? */
bool arm64_can_probe(const struct arm64_function *f, size_t i);
/* How it is probed. */
enum order_instruction arm64_probed_as(const struct arm64_function *f, size_t i);

#endif
