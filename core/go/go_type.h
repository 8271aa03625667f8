/* SPDX-License-Identifier: MIT */
/*
 * go_type: names of types from their descriptors.
 *
 * A descriptor is abi.Type (src/internal/abi/type.go; runtime._type before 1.21), its fields where
 * the layout says. The name's bytes follow one byte of flags and a varint length.
 */
#ifndef GOMAPTOP_CORE_GO_TYPE_H
#define GOMAPTOP_CORE_GO_TYPE_H

#include <stdbool.h>

#include "core/base/u64_map.h"
#include "core/elf/elf_file.h"
#include "core/go/go_layout.h"
#include "core/go/go_moduledata.h"

struct go_type_names {
	struct elf_file *file;              /* borrowed */
	const struct go_moduledata *module; /* borrowed */
	const struct go_layout *layout;     /* borrowed */
	bool doubtful; /* the layout is not verified: only what looks like the name of a map */
	struct u64_map names;
};

/* "map[uint64]*main.Account" for the descriptor at a file address; NULL when there is none (a type
 * made at run time by reflect, or no descriptor at all). The string lives until free. */
const char *go_type_name(struct go_type_names *types, uint64_t addr);
void go_type_names_free(struct go_type_names *types);

#endif
