/* SPDX-License-Identifier: MIT */
#include "core/go/go_dwarf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/go/dwarf_entry.h"

#define DW_TAG_member         0x0d
#define DW_TAG_structure_type 0x13
#define DW_TAG_typedef        0x16
#define DW_TAG_constant       0x27
#define DW_LANG_Go            0x16

#define STEPS_MAX    30000000 /* ten times the largest programs; a third of a second */
#define TYPEDEFS_MAX 8
#define PATH_ROOM    96

struct search {
	struct dwarf dwarf;
	struct dwarf_unit unit;
	struct go_layout *out;
	const struct go_layout_field *fields;
	int field_count;
};

static int16_t *field_value(const struct search *search, int field)
{
	return (int16_t *)((char *)search->out + search->fields[field].at);
}

/* ---- one struct ---------------------------------------------------------------------- */

/* The struct behind a member's type, whatever typedefs lie between. */
static bool struct_find(struct search *search, uint64_t type, struct dwarf_entry *out)
{
	for (int i = 0; i < TYPEDEFS_MAX; i++) {
		if (dwarf_entry_at(&search->dwarf, &search->unit, type, out))
			return false;
		if (out->tag != DW_TAG_typedef)
			return out->tag == DW_TAG_structure_type && out->has_children;
		type = out->type;
	}
	return false;
}

/* Offset of a direct member of the struct that is the type of another member, or -1. */
static int64_t inner_offset(struct search *search, uint64_t type, const char *name)
{
	struct dwarf_entry entry;

	if (!struct_find(search, type, &entry))
		return -1;
	for (;;) {
		if (dwarf_entry_at(&search->dwarf, &search->unit, entry.next, &entry) ||
		    entry.tag != DW_TAG_member || entry.has_children)
			return -1;
		if (entry.name && strcmp(entry.name, name) == 0)
			return entry.location;
	}
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

/* What a member of the struct of that name says about the fields of the layout. */
static void member_take(struct search *search, const char *type, const struct dwarf_entry *member)
{
	for (int i = 0; i < search->field_count; i++) {
		const char *wanted = field_member(&search->fields[i], type);
		char path[PATH_ROOM];
		int64_t offset = member->location;

		if (!wanted || *field_value(search, i) != GO_NO_FIELD)
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(wanted, "|"), wanted);
		char *inner = strchr(path, '.'); /* "stack.hi": a member of a member */
		if (inner)
			*inner++ = '\0';
		if (strcmp(path, member->name) != 0)
			continue;
		if (inner && offset >= 0) {
			int64_t rest = inner_offset(search, member->type, inner);
			offset = rest < 0 || rest > INT16_MAX || offset > INT16_MAX ? -1
			                                                            : offset + rest;
		}
		if (offset >= 0 && offset <= INT16_MAX)
			*field_value(search, i) = (int16_t)offset;
	}
}

/* ---- one constant -------------------------------------------------------------------- */

static void constant_take(struct search *search, const struct dwarf_entry *constant)
{
	for (int i = 0; i < search->field_count; i++)
		if (strcmp(search->fields[i].where, constant->name) == 0 && constant->value >= 0 &&
		    constant->value <= INT16_MAX)
			*field_value(search, i) = (int16_t)constant->value;
}

/* ---- all of them --------------------------------------------------------------------- */

static bool name_is_of_runtime(const char *name)
{
	return name && (strncmp(name, "runtime.", 8) == 0 || strncmp(name, "internal/", 9) == 0);
}

/* Entries come parents first: those of depth 1 are the unit's own, the members of a struct follow
 * it with depth 2. */
static void unit_search(struct search *search, const struct dwarf_entry *root)
{
	struct dwarf_entry entry = *root;
	const char *type = NULL; /* the struct whose members come now, if they are wanted */
	int depth = root->has_children;

	while (depth > 0 &&
	       dwarf_entry_at(&search->dwarf, &search->unit, entry.next, &entry) == 0) {
		if (entry.tag == 0) {
			depth--;
			continue;
		}
		if (depth == 1) {
			bool wanted = name_is_of_runtime(entry.name);
			type = wanted && entry.tag == DW_TAG_structure_type ? entry.name : NULL;
			if (wanted && entry.tag == DW_TAG_constant)
				constant_take(search, &entry);
		} else if (depth == 2 && type && entry.tag == DW_TAG_member && entry.name) {
			member_take(search, type, &entry);
		}
		depth += entry.has_children;
	}
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
	return layout_whole(search->out) && search->out->reason_semacquire >= 0;
}

/* Go's linker puts the types of all packages into the unit of the package runtime. */
static int units_search(struct search *search)
{
	struct dwarf *dwarf = &search->dwarf;
	struct dwarf_entry root;

	search->fields = go_layout_fields(&search->field_count);
	for (int i = 0; i < search->field_count; i++)
		*field_value(search, i) = GO_NO_FIELD;
	for (uint64_t at = 0;
	     !search_is_over(search) && dwarf_unit_at(dwarf, at, &search->unit) == 0;
	     at = search->unit.end)
		if (search->unit.is_compile_unit &&
		    dwarf_entry_at(dwarf, &search->unit, search->unit.entries, &root) == 0 &&
		    root.language == DW_LANG_Go)
			unit_search(search, &root);
	if (dwarf->steps > dwarf->steps_max)
		return -E2BIG;
	return layout_whole(search->out) ? 0 : -ENODATA;
}

int go_dwarf_layout(struct elf_file *file, struct go_layout *out)
{
	uint64_t budget = elf_debug_budget(file);
	struct search *search = calloc(1, sizeof(*search));
	int rc;

	if (!search)
		return -ENOMEM;
	search->out = out;
	search->dwarf.steps_max = STEPS_MAX;
	search->dwarf.abbrevs_at = UINT64_MAX;
	elf_file_scan_begin(file); /* nothing of it is kept */
	rc = elf_debug_load(file, "abbrev", &budget, &search->dwarf.abbrev);
	if (!rc)
		rc = elf_debug_load(file, "info", &budget, &search->dwarf.info);
	/* Go writes names into the entries: without this section they are found all the same. */
	if (!rc)
		elf_debug_load(file, "str", &budget, &search->dwarf.str);
	if (!rc)
		rc = units_search(search);
	elf_debug_free(&search->dwarf.info);
	elf_debug_free(&search->dwarf.abbrev);
	elf_debug_free(&search->dwarf.str);
	elf_file_scan_end(file);
	free(search);
	return rc == -ENOENT ? -ENODATA : rc;
}
