/* SPDX-License-Identifier: MIT */
/*
 * go_dwarf: the layout of the runtime's structs as the executable's own debug information has it,
 * for a Go that is newer than the table of core/go_layout.
 *
 * DWARF 4 and 5, compressed or not, through libdw. What a hostile file can make this do is bounded:
 * the size of the debug sections, the number of entries looked at.
 */
#ifndef GOMAPTOP_CORE_GO_DWARF_H
#define GOMAPTOP_CORE_GO_DWARF_H

#include "core/go_layout.h"

/* Fill *out (minor left alone) from the executable at path. A field that the debug information does
 * not have is GO_NO_FIELD. 0; -ENODATA: no debug information, or none of the runtime's structs
 * that every Go program has; -E2BIG: more of it than is worth reading; or -errno of open(2). */
int go_dwarf_layout(const char *path, struct go_layout *out);

/* The same of what is open at fd, which is borrowed for the call. */
int go_dwarf_layout_fd(int fd, struct go_layout *out);

#endif
