/* SPDX-License-Identifier: MIT */
/*
 * elf_relocations: which words of a PIE are filled in with which address when it is loaded.
 *
 * Only relative relocations with an addend (DT_RELA) are looked at; those of DT_RELR keep the
 * addend in place. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_ELF_RELOCATIONS_H
#define GOMAPTOP_CORE_ELF_RELOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_relocation {
	uint64_t addr, addend;
};

struct elf_relocations {
	const unsigned char *table; /* Elf64_Rela[count], any alignment; borrowed. NULL: none */
	size_t count;
	uint32_t relative;             /* the relocation type that is wanted */
	struct elf_relocation *sorted; /* by address; made when it pays */
	size_t sorted_count;
	unsigned int asked;
};

/* What is filled in at addr. False: nothing. */
bool elf_relocation_at(struct elf_relocations *relocations, uint64_t addr, uint64_t *addend);

/* Call visit for each place that is filled with addend, until it returns true. Returns that
 * verdict. */
bool elf_relocation_visit(const struct elf_relocations *relocations, uint64_t addend,
                          bool (*visit)(uint64_t addr, void *ctx), void *ctx);

void elf_relocations_free(struct elf_relocations *relocations); /* what was made, not the struct */

#endif
