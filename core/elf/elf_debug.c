/* SPDX-License-Identifier: MIT */
#include "core/elf/elf_debug.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define NAME_ROOM      32
#define EXPANDED_MAX   (UINT64_C(96) << 20)
#define EXPANDED_RATIO 32
#define GNU_HEADER     12 /* "ZLIB" and the size, big-endian */

uint64_t elf_debug_budget(struct elf_file *file)
{
	uint64_t size = elf_file_size(file);

	return size < EXPANDED_MAX / EXPANDED_RATIO ? size * EXPANDED_RATIO : EXPANDED_MAX;
}

/* Fill out->expanded (size bytes) from len compressed ones. */
static int expand(const unsigned char *from, uint64_t len, uint64_t size, struct elf_debug *out)
{
	z_stream stream = {
	        .next_in = (unsigned char *)from, .avail_in = (uInt)len, .avail_out = (uInt)size};
	int rc = inflateInit(&stream);

	if (rc != Z_OK)
		return -ENOMEM;
	out->expanded = malloc(size);
	stream.next_out = out->expanded;
	rc = out->expanded ? inflate(&stream, Z_FINISH) : Z_MEM_ERROR;
	inflateEnd(&stream);
	if (rc == Z_STREAM_END && stream.total_out == size) {
		out->bytes = out->expanded;
		out->size = size;
		return 0;
	}
	elf_debug_free(out);
	return rc == Z_MEM_ERROR ? -ENOMEM : -ENODATA;
}

/* Where the compressed bytes begin, and how many they become. 0 or -ENODATA. */
static int compressed_header(struct elf_file *file, const struct elf_section *section, bool gnu,
                             uint64_t *header, uint64_t *size)
{
	const unsigned char *bytes;
	Elf64_Chdr elf;

	*header = gnu ? GNU_HEADER : sizeof(elf);
	bytes = section->size > *header ? elf_file_bytes(file, section->offset, *header) : NULL;
	if (!bytes)
		return -ENODATA;
	if (gnu) {
		*size = 0;
		for (int i = 4; i < GNU_HEADER; i++)
			*size = *size << 8 | bytes[i];
		return memcmp(bytes, "ZLIB", 4) == 0 ? 0 : -ENODATA;
	}
	memcpy(&elf, bytes, sizeof(elf));
	*size = elf.ch_size;
	return elf.ch_type == ELFCOMPRESS_ZLIB ? 0 : -ENODATA;
}

static int section_load(struct elf_file *file, const struct elf_section *section, bool gnu,
                        uint64_t *budget, struct elf_debug *out)
{
	bool compressed = gnu || section->flags & SHF_COMPRESSED;
	uint64_t size = section->size, header = 0;

	if (compressed && compressed_header(file, section, gnu, &header, &size))
		return -ENODATA;
	/* The compressed bytes stay in memory as well. */
	if (size > *budget || (compressed && section->size > *budget - size))
		return -E2BIG;
	*budget -= size + (compressed ? section->size : 0);
	const unsigned char *bytes = elf_file_bytes(file, section->offset, section->size);
	if (!bytes || size == 0)
		return -ENODATA;
	if (compressed)
		return expand(bytes + header, section->size - header, size, out);
	out->bytes = bytes;
	out->size = size;
	return 0;
}

int elf_debug_load(struct elf_file *file, const char *name, uint64_t *budget, struct elf_debug *out)
{
	struct elf_section section;
	char full[NAME_ROOM];

	*out = (struct elf_debug){0};
	snprintf(full, sizeof(full), ".debug_%s", name);
	if (elf_file_section_find(file, full, &section) == 0)
		return section_load(file, &section, false, budget, out);
	snprintf(full, sizeof(full), ".zdebug_%s", name);
	if (elf_file_section_find(file, full, &section) == 0)
		return section_load(file, &section, true, budget, out);
	return -ENOENT;
}

void elf_debug_free(struct elf_debug *section)
{
	free(section->expanded);
	*section = (struct elf_debug){0};
}
