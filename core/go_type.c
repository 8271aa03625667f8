/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/go_type.h"

#define TYPE_SIZE       48
#define TYPE_TFLAG      20
#define TYPE_KIND       23
#define TYPE_STR        40
#define TFLAG_STAR      2  /* the name is stored as that of the pointer to it */
#define KIND_MASK       31 /* the bits above say other things before 1.26 */
#define KIND_LAST       26 /* unsafe.Pointer */
#define TYPE_NAME_MAX   4096
#define TYPE_NAME_HEAD  1 /* a byte of flags */
#define VARINT_BYTE_MAX 3 /* enough for TYPE_NAME_MAX */

static bool in_types(const struct go_type_names *types, uint64_t addr)
{
	return addr >= types->module->types && addr < types->module->types_end;
}

/* Address and length of the name's text; 0: not a descriptor. */
static uint64_t name_text(struct go_type_names *types, uint64_t addr, size_t *len)
{
	const unsigned char *type = elf_file_at(types->file, addr, TYPE_SIZE);
	uint32_t offset;

	if (!type || (type[TYPE_KIND] & KIND_MASK) == 0 ||
	    (type[TYPE_KIND] & KIND_MASK) > KIND_LAST)
		return 0;
	bool star = type[TYPE_TFLAG] & TFLAG_STAR;
	memcpy(&offset, type + TYPE_STR, sizeof(offset));
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

const char *go_type_name(struct go_type_names *types, uint64_t addr)
{
	char *name = u64_map_get(&types->names, addr);
	size_t len;

	if (name || !in_types(types, addr))
		return name;
	uint64_t text = name_text(types, addr, &len);
	const char *bytes = text ? elf_file_at(types->file, text, len) : NULL;
	name = bytes ? strndup(bytes, len) : NULL;
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
