/* SPDX-License-Identifier: MIT */
/*
 * go_moduledata: the runtime's own description of the executable, runtime.firstmoduledata.
 *
 * Found by what it points to: its first word is the address of the pclntab header, and its slices
 * funcnametab and pclntable begin where that header says (src/runtime/symtab.go, moduledata).
 */
#ifndef GOMAPTOP_CORE_GO_MODULEDATA_H
#define GOMAPTOP_CORE_GO_MODULEDATA_H

#include <stdint.h>

#include "core/elf/elf_file.h"
#include "core/go/go_layout.h"
#include "core/go/pclntab.h"

struct go_moduledata {
	uint64_t addr;
	uint64_t text;
	uint64_t types, types_end; /* equal: where the types are is not known */
	uint64_t gofunc;           /* 0: none (before 1.18), or not known */
};

/* 0 or -ENODATA. */
int go_moduledata_find(struct elf_file *file, const struct pclntab *tab,
                       const struct go_layout *layout, struct go_moduledata *out);

#endif
