/* SPDX-License-Identifier: MIT */
/*
 * go_buildinfo: which Go release built an executable, and from what.
 *
 * The linker leaves a block with the magic "\xff Go buildinf:" in every program since 1.13, in
 * section .go.buildinfo where there are section headers, else in a data segment, 16-aligned
 * (src/debug/buildinfo/buildinfo.go). strip, PIE and external linking leave it alone.
 */
#ifndef GOMAPTOP_CORE_GO_BUILDINFO_H
#define GOMAPTOP_CORE_GO_BUILDINFO_H

#include <stddef.h>

#include "core/elf/elf_file.h"

/* Copy the version as the toolchain wrote it ("go1.24.4", "go1.24.4 X:noswissmap", "devel
 * go1.25-0123abc ...") into out, NUL-terminated, cut at size. 0 or -ENODATA: no such block. */
int go_buildinfo_version(struct elf_file *file, char *out, size_t size);

/* What the list of modules has behind `name` on a line of its own: "mod\t" (path, version and sum,
 * tabs as '?'), "path\t", "build\tvcs.revision=". 0 or -ENODATA. */
int go_buildinfo_field(struct elf_file *file, const char *name, char *out, size_t size);

/* The same from what the program itself would say, the string runtime.buildVersion: some publishers
 * remove the block. It is the one string in writable data that reads "go1.NN...". 0 or -ENODATA:
 * none, or several that differ. Ask only for a file that has a pclntab: reads all of its data. */
int go_build_version(struct elf_file *file, char *out, size_t size);

/* 24 for any spelling of Go 1.24; -EINVAL when there is no "go1.NN" in it. */
int go_version_minor(const char *version);

#endif
