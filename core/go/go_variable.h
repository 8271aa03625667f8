/* SPDX-License-Identifier: MIT */
/*
 * go_variable: names of variables of packages, from the symbol table of an executable.
 */
#ifndef GOMAPTOP_CORE_GO_VARIABLE_H
#define GOMAPTOP_CORE_GO_VARIABLE_H

#include "core/base/u64_map.h"
#include "core/elf/elf_file.h"

struct go_variables {
	struct elf_file *file; /* borrowed */
	struct u64_map names;
};

/* "main.mu" for the variable that begins at a file address and is size bytes long. NULL: none, made
 * by the compiler, or there is no symbol table. Looks through all symbols unless the name is known
 * already: some milliseconds. The string lives until free. */
const char *go_variable_name(struct go_variables *variables, uint64_t addr, uint64_t size);
void go_variables_free(struct go_variables *variables);

#endif
