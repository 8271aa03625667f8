/* SPDX-License-Identifier: MIT */
#include "core/go_dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECTIONS_MAX (UINT64_C(1) << 29) /* bytes of debug sections, uncompressed */
#define ENTRIES_MAX  20000000
#define NAME_MAX_LEN 96

struct search {
	struct go_layout *out;
	const struct go_layout_field *fields;
	int field_count;
	int entries; /* looked at so far */
};

static int16_t *field_value(const struct search *search, int field)
{
	return (int16_t *)((char *)search->out + search->fields[field].at);
}

/* ---- one struct ---------------------------------------------------------------------- */

/* Offset of a member inside the struct, or -1. "stack.hi": a member of a member. */
static int member_offset(struct search *search, Dwarf_Die *type, const char *path)
{
	size_t length = strcspn(path, ".");
	Dwarf_Die member, inner;
	Dwarf_Attribute attribute;
	Dwarf_Word offset;

	if (dwarf_child(type, &member))
		return -1;
	do {
		const char *name = dwarf_diename(&member);

		if (++search->entries > ENTRIES_MAX)
			return -1;
		if (dwarf_tag(&member) != DW_TAG_member || !name || strlen(name) != length ||
		    memcmp(name, path, length) != 0)
			continue;
		if (dwarf_formudata(dwarf_attr(&member, DW_AT_data_member_location, &attribute),
		                    &offset) ||
		    offset > INT16_MAX)
			return -1;
		if (!path[length])
			return (int)offset;
		if (!dwarf_formref_die(dwarf_attr(&member, DW_AT_type, &attribute), &inner) ||
		    dwarf_peel_type(&inner, &inner))
			return -1;
		int rest = member_offset(search, &inner, path + length + 1);
		return rest < 0 || rest + offset > INT16_MAX ? -1 : rest + (int)offset;
	} while (dwarf_siblingof(&member, &member) == 0);
	return -1;
}

/* The member that a field has in the struct of this name; NULL: the field is of another one. */
static const char *field_member(const struct go_layout_field *field, const char *type)
{
	size_t length = strlen(type);

	for (const char *at = field->where; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, type, length) == 0 && at[length] == ':')
			return at + length + 1;
	}
	return NULL;
}

static void struct_take(struct search *search, Dwarf_Die *type, const char *name)
{
	for (int i = 0; i < search->field_count; i++) {
		const char *member = field_member(&search->fields[i], name);
		char path[NAME_MAX_LEN];

		if (!member || *field_value(search, i) != GO_NO_FIELD)
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(member, "|"), member);
		*field_value(search, i) = (int16_t)member_offset(search, type, path);
	}
}

/* ---- one constant -------------------------------------------------------------------- */

static void constant_take(struct search *search, Dwarf_Die *constant, const char *name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	for (int i = 0; i < search->field_count; i++)
		if (strcmp(search->fields[i].where, name) == 0 &&
		    dwarf_formudata(dwarf_attr(constant, DW_AT_const_value, &attribute), &value) ==
		            0 &&
		    value <= INT16_MAX)
			*field_value(search, i) = (int16_t)value;
}

/* ---- all of them --------------------------------------------------------------------- */

static void unit_search(struct search *search, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die))
		return;
	do {
		const char *name;
		int tag;

		if (++search->entries > ENTRIES_MAX)
			return;
		tag = dwarf_tag(&die);
		if (tag != DW_TAG_structure_type && tag != DW_TAG_constant)
			continue;
		name = dwarf_diename(&die);
		if (!name ||
		    (strncmp(name, "runtime.", 8) != 0 && strncmp(name, "internal/", 9) != 0))
			continue;
		if (tag == DW_TAG_constant)
			constant_take(search, &die, name);
		else
			struct_take(search, &die, name);
	} while (dwarf_siblingof(&die, &die) == 0);
}

/* Go's linker puts the types of all packages into the unit of the package runtime. */
static bool unit_is_go(Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	Dwarf_Word language;

	return dwarf_formudata(dwarf_attr(unit, DW_AT_language, &attribute), &language) == 0 &&
	       language == DW_LANG_Go;
}

/* Without these it is not the runtime that was found. */
static bool layout_whole(const struct go_layout *l)
{
	return l->g_m >= 0 && l->g_goid >= 0 && l->moduledata_text >= 0 &&
	       l->moduledata_types >= 0 && l->moduledata_etypes >= 0 &&
	       (l->hmap_count >= 0 || l->swiss_used >= 0);
}

/* The constants are in the unit of the package runtime itself, wherever the types are. */
static bool search_is_over(const struct search *search)
{
	return (layout_whole(search->out) && search->out->reason_semacquire >= 0) ||
	       search->entries >= ENTRIES_MAX;
}

static void units_search(struct search *search, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, none;
	uint8_t kind;

	while (!search_is_over(search) &&
	       dwarf_get_units(dwarf, cu, &cu, NULL, &kind, &unit, &none) == 0)
		if (kind == DW_UT_compile && unit_is_go(&unit))
			unit_search(search, &unit);
}

static int layout_read(Elf *elf, struct go_layout *out)
{
	struct search search = {.out = out};
	Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);

	if (!dwarf)
		return -ENODATA;
	search.fields = go_layout_fields(&search.field_count);
	for (int i = 0; i < search.field_count; i++)
		*field_value(&search, i) = GO_NO_FIELD;
	units_search(&search, dwarf);
	dwarf_end(dwarf);
	if (search.entries > ENTRIES_MAX)
		return -E2BIG;
	return layout_whole(out) ? 0 : -ENODATA;
}

/* Bytes of the debug sections as libdw will hold them. */
static uint64_t sections_size(Elf *elf)
{
	Elf_Scn *section = NULL;
	uint64_t sum = 0;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return 0;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		GElf_Chdr compressed;
		const char *name;

		if (!gelf_getshdr(section, &header))
			return UINT64_MAX;
		name = elf_strptr(elf, names, header.sh_name);
		if (!name || strncmp(name, ".debug_", 7) != 0)
			continue;
		uint64_t size = header.sh_size;
		if (gelf_getchdr(section, &compressed))
			size = compressed.ch_size;
		if (size > SECTIONS_MAX || (sum += size) > SECTIONS_MAX)
			return UINT64_MAX;
	}
	return sum;
}

int go_dwarf_layout_fd(int fd, struct go_layout *out)
{
	int rc = -ENODATA;
	uint64_t size;
	Elf *elf;

	elf_version(EV_CURRENT);
	/* Read, not mapped: a file that becomes shorter meanwhile must not end this process. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	size = elf ? sections_size(elf) : 0;
	if (size > SECTIONS_MAX)
		rc = -E2BIG;
	else if (size)
		rc = layout_read(elf, out);
	elf_end(elf);
	return rc;
}

int go_dwarf_layout(const char *path, struct go_layout *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return -errno;
	rc = go_dwarf_layout_fd(fd, out);
	close(fd);
	return rc;
}
