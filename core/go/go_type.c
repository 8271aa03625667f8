/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/go/go_type.h"

#define TFLAG_STAR      2  /* the name is stored as that of the pointer to it */
#define KIND_MASK       31 /* the bits above say other things before 1.26 */
#define KIND_MAP        21 /* reflect.Map */
#define KIND_LAST       26 /* unsafe.Pointer */
#define TYPE_NAME_MAX   4096
#define TYPE_NAME_HEAD  1 /* a byte of flags */
#define VARINT_BYTE_MAX 3 /* enough for TYPE_NAME_MAX */

static bool in_types(const struct go_type_names *types, uint64_t addr)
{
	return addr >= types->module->types && addr < types->module->types_end;
}

static bool kind_fits(const struct go_type_names *types, uint8_t kind)
{
	kind &= KIND_MASK;
	return types->doubtful ? kind == KIND_MAP : kind > 0 && kind <= KIND_LAST;
}

/* "map[...]..." or "package.Name": what the type of a map can be called. */
static bool name_fits(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ')
			return false;
	return strncmp(name, "map[", 4) == 0 || (strchr(name, '.') && name[0] != '.');
}

/* Address and length of the name's text; 0: not a descriptor. */
static uint64_t name_text(struct go_type_names *types, uint64_t addr, size_t *len)
{
	const struct go_layout *l = types->layout;
	uint8_t flags;
	uint8_t kind;
	uint32_t offset;

	if (l->type_tflag < 0 || l->type_kind < 0 || l->type_str < 0 ||
	    elf_file_u8(types->file, addr + l->type_tflag, &flags) ||
	    elf_file_u8(types->file, addr + l->type_kind, &kind) ||
	    elf_file_u32(types->file, addr + l->type_str, &offset) || !kind_fits(types, kind))
		return 0;
	bool star = flags & TFLAG_STAR;
	uint64_t text = types->module->types + offset + TYPE_NAME_HEAD;
	uint8_t byte = 0x80;
	*len = 0;
	for (int i = 0; byte & 0x80; i++) {
		if (i == VARINT_BYTE_MAX || elf_file_u8(types->file, text++, &byte))
			return 0;
		*len |= (size_t)(byte & 0x7f) << (7 * i);
	}
	if (*len <= (size_t)star || *len > TYPE_NAME_MAX || !in_types(types, text + *len - 1))
		return 0;
	*len -= star;
	return text + star;
}

/* Go quotes what is not printable; a name with control characters is none. */
static bool is_text(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	return true;
}

const char *go_type_name(struct go_type_names *types, uint64_t addr)
{
	char *name = u64_map_get(&types->names, addr);
	size_t len;

	if (name || !in_types(types, addr))
		return name;
	uint64_t text = name_text(types, addr, &len);
	const char *bytes = text ? elf_file_at(types->file, text, len) : NULL;
	name = bytes && is_text(bytes, len) ? strndup(bytes, len) : NULL;
	if (name && types->doubtful && !name_fits(name)) {
		free(name);
		name = NULL;
	}
	if (name && u64_map_put(&types->names, addr, name)) {
		free(name);
		name = NULL;
	}
	return name;
}

void go_type_names_free(struct go_type_names *types)
{
	for (size_t i = 0; types->names.slots && i <= types->names.mask; i++)
		free(types->names.slots[i].value);
	u64_map_free(&types->names);
}
