/* SPDX-License-Identifier: MIT */
/*
 * order_match: what one atomic instruction of a decoded function is, and where to probe it.
 *
 * amd64 only. Looks at the instructions around it; what the function is called, and what is inlined
 * there, is the caller's to know. Pure functions of their arguments.
 */
#ifndef GOMAPTOP_CORE_ORDER_MATCH_H
#define GOMAPTOP_CORE_ORDER_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/order/amd64_function.h"
#include "core/order/order_site.h"

/* Entries of the slow halves; several releases have two of a name. 0: not there. */
#define ORDER_SLOW_ENTRIES 2

struct order_slow_entries {
	uint64_t entry[ORDER_SLOW_COUNT][ORDER_SLOW_ENTRIES];
};

/* Which slow half is called at an address; ORDER_SLOW_COUNT: none. */
enum order_slow order_slow_at(const struct order_slow_entries *slow, uint64_t entry);

/* An atomic instruction and what follows from it. */
struct order_match {
	size_t at; /* its number in the function */
	struct amd64_parts parts;
	size_t jump;                    /* the conditional jump on its result; 0: none */
	enum order_condition condition; /* of success at that jump; ALWAYS: not known */
	enum order_slow slow;           /* whose call is on one side of the jump; COUNT: none */
	uint64_t slow_call;             /* address of that call */
};

void order_match_find(const struct amd64_function *f, size_t at,
                      const struct order_slow_entries *slow, struct order_match *out);

/* LOCK, UNLOCK, RLOCK or RUNLOCK, if the instruction and the slow half fit, and the flags tell
 * success where that matters; else the kind of atomic. */
enum order_kind order_match_kind(const struct order_match *match);

/* Set addr, instruction, place, condition and object of a site of out->kind; shift is added to the
 * object's address. False: there is no place for it. */
bool order_match_place(const struct amd64_function *f, const struct order_match *match,
                       int64_t shift, struct order_site *out);

#endif
