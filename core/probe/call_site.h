/* SPDX-License-Identifier: MIT */
/*
 * call_site: the `call` instruction through which the program's own code gets to a probed function.
 *
 * A return address names the instruction before it. That is a place for a probe when it is a direct
 * call of exactly the probed function (amd64: e8 rel32, five bytes; arm64: bl), or of a thin
 * wrapper that hands its arguments on to it (runtime.mapIterNext, from Go 1.27
 * runtime.mapaccess1*); when it is an instruction: decoded from the function's entry on, in step
 * with the pclntab; and when it belongs to the program: the runtime, reflect and the generic
 * wrappers of core/probe/probe_caller call on behalf of others, they stay with the probe in the
 * function.
 */
#ifndef GOMAPTOP_CORE_CALL_SITE_H
#define GOMAPTOP_CORE_CALL_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "core/go/go_binary.h"
#include "core/probe/probe_site.h"

/* Why there is no probe at a call: identifier, words. */
#define CALL_REFUSALS(X)                                                  \
	X(NONE, "none")                                                   \
	X(NO_FUNCTION, "in no function of the executable")                \
	X(NOT_OWN, "in code of the runtime that works for others")        \
	X(NO_CALL, "no direct call")                                      \
	X(OTHER_FUNCTION, "a call of another function")                   \
	X(NOT_DECODED, "the instructions before it could not be decoded") \
	X(NO_SEGMENT, "outside the executable segments")

enum call_refusal {
#define X(id, words) CALL_##id,
	CALL_REFUSALS(X)
#undef X
	        CALL_REFUSAL_COUNT
};

struct call_instruction {
	uint64_t place;       /* file address: where the call returns to */
	uint64_t addr;        /* file address of the call */
	uint64_t file_offset; /* what the uprobe is attached to */
	size_t site;          /* which probed function it leads to: plan.sites[site] */
	const char *function; /* what is called by name: that one, or the wrapper; static */
	enum probe_args args; /* where the map is at the call */
	int32_t probed;       /* distance from addr to the probed instruction of that function */
	int32_t wrapper;      /* distance from addr to the return address in the wrapper; 0: none */
};

struct call_sites; /* what calls may lead to, in one executable */

/* The binary and the plan are borrowed. 0 or -ENOMEM. */
int call_sites_create(struct go_binary *binary, const struct probe_plan *plan,
                      struct call_sites **out);
void call_sites_destroy(struct call_sites *sites); /* accepts NULL */

/* The call that returns to place (a file address). CALL_NONE: *out is set; else why not. The thread
 * of the binary. */
enum call_refusal call_sites_find(struct call_sites *sites, uint64_t place,
                                  struct call_instruction *out);

const char *call_refusal_words(enum call_refusal refusal); /* static */

#endif
