/* SPDX-License-Identifier: MIT */
/*
 * go_dwarf: the layout of the runtime's structs as the executable's own debug information has it,
 * for a Go that is newer than the table of core/go/go_layout.
 *
 * DWARF 4 and 5, plain or compressed with zlib. Only the executable itself is read: debug files
 * that it names are never opened. What a hostile file can make this do is bounded: the bytes that
 * its debug sections expand to (elf_debug) and the steps through them (dwarf_entry).
 */
#ifndef GOMAPTOP_CORE_GO_DWARF_H
#define GOMAPTOP_CORE_GO_DWARF_H

#include "core/elf/elf_file.h"
#include "core/go/go_layout.h"

/* Fill *out (minor left alone) from an executable. A field that the debug information does not
 * have is GO_NO_FIELD. 0; -ENODATA: no debug information, or none of the runtime's structs that
 * every Go program has; -E2BIG: more of it than is worth reading; -ENOMEM. */
int go_dwarf_layout(struct elf_file *file, struct go_layout *out);

#endif
