/* SPDX-License-Identifier: MIT */
/*
 * layout_code: what a word is that ought to be an address of an executable's code.
 */
#ifndef GOMAPTOP_CORE_LAYOUT_CODE_H
#define GOMAPTOP_CORE_LAYOUT_CODE_H

#include <stdint.h>

#include "core/go/go_binary.h"
#include "core/go/layout_check.h"

struct layout_code_finder {
	struct go_binary *binary; /* borrowed */
	uint64_t main;            /* entries of functions; 0: not in this executable */
	uint64_t starters[2];     /* what a `go` statement, and iter.Pull, call */
};

void layout_code_open(struct layout_code_finder *finder, struct go_binary *binary);

/* For a file address, 0 for none. Reads the executable's function table and code. The thread of the
 * binary. */
enum layout_code layout_code_at(const struct layout_code_finder *finder, uint64_t addr);

#endif
