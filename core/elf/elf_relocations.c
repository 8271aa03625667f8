/* SPDX-License-Identifier: MIT */
#include "core/elf/elf_relocations.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* So many questions are answered by going through the table; from then on it is worth sorting. */
#define ASKED_MAX 8

static bool relocation_read(const struct elf_relocations *relocations, size_t index,
                            struct elf_relocation *out)
{
	Elf64_Rela rela;

	memcpy(&rela, relocations->table + index * sizeof(rela), sizeof(rela));
	*out = (struct elf_relocation){rela.r_offset, (uint64_t)rela.r_addend};
	return ELF64_R_TYPE(rela.r_info) == relocations->relative;
}

static int relocation_compare(const void *a, const void *b)
{
	const struct elf_relocation *left = a;
	const struct elf_relocation *right = b;

	return (left->addr > right->addr) - (left->addr < right->addr);
}

static bool table_sort(struct elf_relocations *relocations)
{
	relocations->sorted = calloc(relocations->count, sizeof(*relocations->sorted));
	if (!relocations->sorted)
		return false;
	for (size_t i = 0; i < relocations->count; i++)
		if (relocation_read(relocations, i,
		                    &relocations->sorted[relocations->sorted_count]))
			relocations->sorted_count++;
	qsort(relocations->sorted, relocations->sorted_count, sizeof(*relocations->sorted),
	      relocation_compare);
	return true;
}

bool elf_relocation_at(struct elf_relocations *relocations, uint64_t addr, uint64_t *addend)
{
	struct elf_relocation found = {.addr = addr};

	if (!relocations->table)
		return false;
	if (relocations->sorted || (++relocations->asked > ASKED_MAX && table_sort(relocations))) {
		const struct elf_relocation *row =
		        bsearch(&found, relocations->sorted, relocations->sorted_count,
		                sizeof(found), relocation_compare);
		*addend = row ? row->addend : 0;
		return row != NULL;
	}
	for (size_t i = 0; i < relocations->count; i++)
		if (relocation_read(relocations, i, &found) && found.addr == addr) {
			*addend = found.addend;
			return true;
		}
	return false;
}

bool elf_relocation_visit(const struct elf_relocations *relocations, uint64_t addend,
                          bool (*visit)(uint64_t addr, void *ctx), void *ctx)
{
	struct elf_relocation found;

	for (size_t i = 0; relocations->table && i < relocations->count; i++)
		if (relocation_read(relocations, i, &found) && found.addend == addend &&
		    visit(found.addr, ctx))
			return true;
	return false;
}

void elf_relocations_free(struct elf_relocations *relocations)
{
	free(relocations->sorted);
	relocations->sorted = NULL;
	relocations->sorted_count = 0;
}
