/* SPDX-License-Identifier: MIT */
/*
 * birth_site: where to see that a map was made: each RET of the functions that make them.
 *
 * There the new map is in the result register. A RET is found in the table of the stack pointer's
 * distances (pclntab_sp_spans): it begins a stretch of distance 0, which is an instruction boundary
 * (padding may go before it), and the bytes are those of a return instruction. Anything else is
 * left out.
 */
#ifndef GOMAPTOP_CORE_BIRTH_SITE_H
#define GOMAPTOP_CORE_BIRTH_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "core/go/go_binary.h"

struct birth_site {
	const char *function; /* static */
	uint64_t addr;        /* file address of the return instruction */
	uint64_t file_offset; /* what the uprobe is attached to */
};

struct birth_plan {
	struct birth_site *sites;
	size_t count, room;
};

/* All returns of the functions that make maps in this binary. 0 or -ENOMEM; a plan without sites
 * means that births cannot be seen. The caller frees it. */
int birth_plan_make(struct go_binary *binary, struct birth_plan *plan);
void birth_plan_free(struct birth_plan *plan); /* accepts a zeroed one */

#endif
