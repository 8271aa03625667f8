/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/go/go_variable.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYMBOLS_MAX  4000000 /* the largest programs have 500,000 */
#define SYMBOLS_STEP 1024    /* read at a time */
#define NAME_ROOM    256

/* Data that is changed lies in a writable segment; what is on the heap in none. */
static bool is_data(const struct elf_file *file, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		const struct elf_segment *segment = elf_file_segment(file, i);

		if (segment->writable && addr >= segment->vaddr &&
		    addr - segment->vaddr < segment->memory_size &&
		    size <= segment->memory_size - (addr - segment->vaddr))
			return true;
	}
	return false;
}

static bool symbol_find(struct elf_file *file, uint64_t addr, uint64_t size, Elf64_Sym *out)
{
	Elf64_Sym symbols[SYMBOLS_STEP];
	struct elf_section table;
	uint64_t count;

	if (elf_file_section_find(file, ".symtab", &table))
		return false;
	count = table.size / sizeof(symbols[0]);
	for (uint64_t first = 0; first < count && first < SYMBOLS_MAX; first += SYMBOLS_STEP) {
		uint64_t want = count - first < SYMBOLS_STEP ? count - first : SYMBOLS_STEP;
		ssize_t got = pread(elf_file_descriptor(file), symbols, want * sizeof(symbols[0]),
		                    (off_t)(table.offset + first * sizeof(symbols[0])));

		if (got < (ssize_t)(want * sizeof(symbols[0])))
			return false;
		for (uint64_t i = 0; i < want; i++) {
			if (symbols[i].st_value != addr || symbols[i].st_size != size ||
			    ELF64_ST_TYPE(symbols[i].st_info) != STT_OBJECT)
				continue;
			*out = symbols[i];
			return true;
		}
	}
	return false;
}

/* "main.mu", and not what the compiler or the linker has made: "main..stmp_0", "go:itab.x". */
static bool is_of_program(const char *name)
{
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == ':')
			return false;
	return strchr(name, '.') && !strstr(name, "..");
}

const char *go_variable_name(struct go_variables *variables, uint64_t addr, uint64_t size)
{
	char *name = u64_map_get(&variables->names, addr), text[NAME_ROOM] = "";
	struct elf_section strings;
	Elf64_Sym symbol;
	ssize_t got;

	if (name || !is_data(variables->file, addr, size))
		return name;
	if (elf_file_section_find(variables->file, ".strtab", &strings) ||
	    !symbol_find(variables->file, addr, size, &symbol) || symbol.st_name >= strings.size)
		return NULL;
	got = pread(elf_file_descriptor(variables->file), text, sizeof(text),
	            (off_t)(strings.offset + symbol.st_name));
	if (got <= 0 || !memchr(text, 0, (size_t)got) || !is_of_program(text))
		return NULL;
	name = strdup(text);
	if (name && u64_map_put(&variables->names, addr, name)) {
		free(name);
		name = NULL;
	}
	return name;
}

void go_variables_free(struct go_variables *variables)
{
	for (size_t i = 0; variables->names.slots && i <= variables->names.mask; i++)
		free(variables->names.slots[i].value);
	u64_map_free(&variables->names);
}
