/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/go/go_moduledata.h"
#include "core/go/go_type.h"
#include "core/go/pclntab.h"
#include "tests/fuzz/fuzz.h"

#define TYPES_MAX 2048 /* words looked at */

static void addr_ask(uint64_t addr, void *ctx)
{
	const char *name = go_type_name(ctx, addr);

	if (!name)
		return;
	FUZZ_CHECK(name[0] && strlen(name) <= 4096);
	FUZZ_CHECK(go_type_name(ctx, addr) == name);
}

/* Every word of the file as a descriptor: with the types where moduledata has them, and with all
 * of the file for types. */
static void types_ask(struct elf_file *file, const struct go_moduledata *module,
                      const struct go_layout *layout)
{
	struct go_type_names types = {.file = file, .module = module, .layout = layout};
	uint64_t words = (module->types_end - module->types) / 8;

	for (uint64_t i = 0; i < words && i < TYPES_MAX; i++)
		addr_ask(module->types + 8 * i, &types);
	fuzz_addresses(file, addr_ask, &types);
	go_type_names_free(&types);
}

void fuzz_type_name(const uint8_t *data, size_t size)
{
	struct elf_file *file = fuzz_open(data, size);
	struct go_moduledata module;
	struct pclntab tab;
	uint64_t addr;

	if (!file)
		return;
	if (pclntab_locate(file, &addr) == 0 && pclntab_open(&tab, file, addr) == 0)
		for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor += 5) {
			const struct go_layout *layout = go_layout_find(minor);
			if (go_moduledata_find(file, &tab, layout, &module) == 0)
				types_ask(file, &module, layout);
		}
	const struct elf_segment *last = elf_file_segment(file, elf_file_segment_count(file) - 1);
	module = (struct go_moduledata){.types = last->vaddr,
	                                .types_end = last->vaddr + last->memory_size};
	types_ask(file, &module, go_layout_find(GO_MINOR_MAX));
	elf_file_close(file);
}
