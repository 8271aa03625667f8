/* SPDX-License-Identifier: MIT */
/*
 * layout_check: which fields of a layout that is not verified may be read?
 *
 * Pure: it is told what was read from live objects as the layout says, and answers which fields
 * have proven to be what they are taken for. A field is not believed before it passed. A field of g
 * is never believed again once it was seen to hold what it cannot hold; a map may have been freed
 * and its memory put to another use before it was read, so there the evidence is weighed.
 * One thread at a time.
 */
#ifndef GOMAPTOP_CORE_LAYOUT_CHECK_H
#define GOMAPTOP_CORE_LAYOUT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/go/layout_field.h"

/* What a word is that ought to be an address of code. */
enum layout_code {
	CODE_NONE,      /* zero */
	CODE_ELSEWHERE, /* no address of the executable's code */
	CODE_INSIDE,    /* somewhere in a function */
	CODE_ENTRY,     /* the first instruction of a function */
	CODE_MAIN,      /* that of runtime.main, with which goroutine 1 begins */
	CODE_GO,        /* behind a call that starts a goroutine */
};

/* One g as it was read. last_ns: when the goroutine was last seen at work, any clock. */
struct layout_goroutine {
	uint64_t g;
	uint32_t tgid;
	uint64_t last_ns;
	uint32_t status; /* g.atomicstatus */
	uint64_t goid, parent_goid;
	enum layout_code goid_code; /* what the goid were if it was an address */
	enum layout_code gopc, startpc;
};

/* One Swiss map as it was read. */
struct layout_map {
	uint64_t map;
	uint32_t tgid;
	uint64_t last_ns;
	uint64_t length, seed, directory, directory_length;
};

struct layout_check;

int layout_check_create(struct layout_check **out);    /* 0 or -ENOMEM */
void layout_check_destroy(struct layout_check *check); /* accepts NULL */

/* Tell it of one object, of each as often as it was looked at. */
void layout_check_goroutine(struct layout_check *check, const struct layout_goroutine *g);
void layout_check_map(struct layout_check *check, const struct layout_map *map);

/* Fields (enum layout_field) that may be believed. */
unsigned int layout_check_passed(const struct layout_check *check);

#endif
