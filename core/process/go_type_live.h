/* SPDX-License-Identifier: MIT */
/*
 * go_type_live: names of types that a process made while it ran (reflect.MapOf and its like).
 *
 * Their descriptors lie on the heap, and the name they carry is a number that only the runtime's
 * own tables explain; so the name is put together from what the descriptor says: kind, element,
 * key, fields. Nothing is believed: each descriptor's hash must be what reflect computes for it
 * from the hashes of its parts (src/reflect/type.go, fnv1), down to types of the executable.
 */
#ifndef GOMAPTOP_CORE_GO_TYPE_LIVE_H
#define GOMAPTOP_CORE_GO_TYPE_LIVE_H

#include <stdint.h>
#include <sys/types.h>

#include "core/base/u64_map.h"
#include "core/go/go_binary.h"

/* The names of one process after the other. Zero-initialise to make an empty one. */
struct go_type_live {
	struct u64_map names;
	uint64_t process; /* counts them */
};

/* Name of the type whose descriptor lies at a run-time address of a process that runs binary with
 * this load bias; also of types in the executable. NULL: not known, or nothing that holds together
 * as a type. The string lives until free. One thread at a time. */
const char *go_type_live_name(struct go_type_live *types, struct go_binary *binary, uint64_t bias,
                              pid_t pid, uint64_t addr);
/* Another process has the pid now: what was said of addresses no longer holds. */
void go_type_live_renew(struct go_type_live *types);
void go_type_live_free(struct go_type_live *types);

#endif
