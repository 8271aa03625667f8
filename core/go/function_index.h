/* SPDX-License-Identifier: MIT */
/*
 * function_index: functions of a pclntab by name.
 *
 * Made for the runtime's own functions: at the first question one pass over the function table
 * picks those of the packages that maps and the order of goroutines are made of (runtime, reflect,
 * maps, sync, sync/atomic, time, syscall, unix, plugin and internal ones below them); other names
 * are searched one by one.
 * One thread at a time.
 */
#ifndef GOMAPTOP_CORE_FUNCTION_INDEX_H
#define GOMAPTOP_CORE_FUNCTION_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/go/pclntab.h"

struct function_index_row {
	const char *name;
	uint64_t index; /* in the pclntab */
};

struct function_index {
	struct function_index_row *rows; /* by name */
	size_t count, room;
	bool built;
};

/* Exact name. Where an ABI0 wrapper (function id wrapper_id) shares the name, the function that is
 * none. 0, -ENOENT or -ENOMEM. */
int function_index_find(struct function_index *index, const struct pclntab *tab, const char *name,
                        uint8_t wrapper_id, struct pclntab_function *out);
void function_index_free(struct function_index *index);

#endif
