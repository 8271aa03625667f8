/* SPDX-License-Identifier: MIT */
/*
 * elf_debug: the bytes of one debug section (".debug_info"), expanded where it is compressed:
 * SHF_COMPRESSED with zlib, or the older ".zdebug_info". Other debug files that a section may name
 * (.gnu_debugaltlink, .gnu_debuglink, .debug_sup, a .dwo file) are never opened.
 *
 * What a hostile file can make this use is bounded by a budget that the caller shares between
 * sections. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_ELF_DEBUG_H
#define GOMAPTOP_CORE_ELF_DEBUG_H

#include <stdint.h>

#include "core/elf/elf_file.h"

struct elf_debug {
	const unsigned char *bytes; /* NULL: the section is empty or was not loaded */
	uint64_t size;
	unsigned char *expanded; /* owned; NULL where the bytes are those of the file */
};

/* Bytes of expanded debug sections that a file of this one's size may take: 32 for each of the
 * file's, since zlib makes debug information 2 to 10 times smaller, but at most 96 MiB. */
uint64_t elf_debug_budget(struct elf_file *file);

/* Load the section of this name ("info" for .debug_info), taking its size from *budget.
 * 0; -ENOENT: not there; -E2BIG: larger than the budget; -ENODATA: damaged, or compressed by
 * another method; -ENOMEM. On failure *out is empty. */
int elf_debug_load(struct elf_file *file, const char *name, uint64_t *budget,
                   struct elf_debug *out);

void elf_debug_free(struct elf_debug *section); /* what was expanded; accepts an empty one */

#endif
