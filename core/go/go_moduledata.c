/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/go/go_moduledata.h"

#define SCAN_STEP      16384
#define SCAN_MAX       (UINT64_C(512) << 20) /* bytes of data; the largest programs have 50 MB */
#define CANDIDATES_MAX 4096 /* places that hold the address of the function table; there are 3 */

struct search {
	struct elf_file *file;
	const struct pclntab *tab;
	const struct go_layout *layout;
	uint64_t found;
	unsigned int candidates; /* so far */
};

static bool candidate_fits(uint64_t addr, void *ctx)
{
	struct search *search = ctx;
	uint64_t names;
	uint64_t table;

	if (++search->candidates > CANDIDATES_MAX)
		return false;
	if (elf_file_pointer(search->file, addr + search->layout->moduledata_funcnametab, &names) ||
	    elf_file_pointer(search->file, addr + search->layout->moduledata_pclntable, &table))
		return false;
	if (names != search->tab->names || table != search->tab->table)
		return false;
	search->found = addr;
	return true;
}

static bool segment_search(struct search *search, const struct elf_segment *segment)
{
	unsigned char buffer[SCAN_STEP];
	uint64_t start = (segment->vaddr + 7) & ~UINT64_C(7);
	uint64_t end = segment->vaddr + segment->file_size;

	for (uint64_t at = start, done = 0; at < end && done < SCAN_MAX;
	     at += SCAN_STEP, done += SCAN_STEP) {
		at = elf_file_next_data(search->file, at);
		uint64_t len = end - at < SCAN_STEP ? end - at : SCAN_STEP;
		const unsigned char *bytes = elf_file_peek(search->file, at, len, buffer);
		for (uint64_t i = 0; bytes && i + 8 <= len; i += 8) {
			uint64_t word;
			memcpy(&word, bytes + i, sizeof(word));
			if (word == search->tab->addr && candidate_fits(at + i, search))
				return true;
		}
	}
	return false;
}

static bool moduledata_search(struct search *search)
{
	uint64_t addr;
	uint64_t size;

	/* From 1.26 it has a section of its own. */
	if (elf_file_section(search->file, ".go.module", &addr, &size) == 0 &&
	    candidate_fits(addr, search))
		return true;
	for (size_t i = 0; i < elf_file_segment_count(search->file); i++) {
		const struct elf_segment *segment = elf_file_segment(search->file, i);
		if (segment->writable && segment_search(search, segment))
			return true;
	}
	return elf_file_relocations_to(search->file, search->tab->addr, candidate_fits, search);
}

/* Does a layout that may be wrong tell of the text that the function table tells of? */
static bool text_fits(struct elf_file *file, const struct go_moduledata *module,
                      const struct go_layout *layout)
{
	uint64_t min, max, end;

	if (layout->moduledata_minpc < 0 || layout->moduledata_maxpc < 0 ||
	    layout->moduledata_etext < 0 ||
	    elf_file_pointer(file, module->addr + layout->moduledata_minpc, &min) ||
	    elf_file_pointer(file, module->addr + layout->moduledata_maxpc, &max) ||
	    elf_file_pointer(file, module->addr + layout->moduledata_etext, &end))
		return false;
	return elf_file_text_offset(file, module->text) >= 0 && module->text <= min && min < max &&
	       max <= end;
}

/* What does not lie where such things lie is not there. */
static void module_check(struct elf_file *file, struct go_moduledata *module)
{
	if (module->types_end < module->types ||
	    elf_file_extent(file, module->types) < module->types_end - module->types)
		module->types = module->types_end = 0;
	if (!elf_file_extent(file, module->gofunc))
		module->gofunc = 0;
}

int go_moduledata_find(struct elf_file *file, const struct pclntab *tab,
                       const struct go_layout *layout, struct go_moduledata *out)
{
	struct search search = {.file = file, .tab = tab, .layout = layout};

	if (!moduledata_search(&search))
		return -ENODATA;
	*out = (struct go_moduledata){.addr = search.found};
	if (elf_file_pointer(file, out->addr + layout->moduledata_text, &out->text) ||
	    elf_file_pointer(file, out->addr + layout->moduledata_types, &out->types) ||
	    elf_file_pointer(file, out->addr + layout->moduledata_etypes, &out->types_end))
		return -ENODATA;
	if (layout->moduledata_gofunc != GO_NO_FIELD &&
	    elf_file_pointer(file, out->addr + layout->moduledata_gofunc, &out->gofunc))
		return -ENODATA;
	module_check(file, out);
	return text_fits(file, out, layout) ? 0 : -ENODATA;
}
