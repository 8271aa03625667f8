/* SPDX-License-Identifier: MIT */
/*
 * dwarf_entry: the entries of .debug_info one after the other, each with the few attributes that
 * go_dwarf needs.
 *
 * DWARF 4 and 5, 32-bit format, compile units only. It reads nothing but the sections it was given:
 * forms that point into another file (DW_FORM_GNU_ref_alt, DW_FORM_strp_sup, split units) are
 * skipped like any other attribute that is not wanted. Every offset is treated as hostile, and all
 * the work together is bounded by a number of steps (an attribute, or eight bytes of a string).
 */
#ifndef GOMAPTOP_CORE_DWARF_ENTRY_H
#define GOMAPTOP_CORE_DWARF_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/elf/elf_debug.h"

#define DWARF_ABBREVS_MAX 4096 /* compilers use 50 to 1,000 */

struct dwarf {
	struct elf_debug info, abbrev, str; /* str may be empty */
	uint64_t steps;                     /* done so far */
	uint64_t steps_max;                 /* from then on nothing is found any more */
	/* Of the abbreviation table that was used last: where each code is declared, 0: nowhere. */
	uint32_t abbrevs[DWARF_ABBREVS_MAX];
	uint64_t abbrevs_at; /* offset of that table; UINT64_MAX: none yet */
};

struct dwarf_unit {
	uint64_t begin, end; /* offsets in .debug_info */
	uint64_t entries;    /* offset of the first entry */
	uint64_t abbrevs;    /* offset of its abbreviation table */
	uint16_t version;
	uint8_t address_size;
	bool is_compile_unit;
};

struct dwarf_entry {
	uint64_t at, next; /* offsets of this entry and of what follows */
	uint32_t tag;      /* DW_TAG_*; 0: the end of a list of children */
	bool has_children;
	const char *name; /* in the section, or NULL */
	/* -1: no such attribute, or none that is a plain number */
	int64_t language, location, value;
	uint64_t type; /* offset of the entry of its type; 0: none */
};

/* The unit at an offset. 0, or -ENODATA: no more, or damaged. */
int dwarf_unit_at(struct dwarf *dwarf, uint64_t offset, struct dwarf_unit *out);

/* The entry at an offset inside the unit. 0, or -ENODATA: outside, damaged, or out of steps. */
int dwarf_entry_at(struct dwarf *dwarf, const struct dwarf_unit *unit, uint64_t offset,
                   struct dwarf_entry *out);

#endif
