/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/elf/elf_file.h"
#include "core/elf/elf_image.h"
#include "core/elf/elf_relocations.h"

#define SEGMENTS_MAX    64
#define STRING_MAX      65536
#define NOTES_MAX       65536
#define SECTIONS_MAX    4096                 /* programs have 20 to 60 */
#define SECTION_NAME    64                   /* of names that are looked for, with the NUL */
#define DYNAMIC_MAX     1024                 /* entries; linkers write 30 */
#define HEADERS_MAX     65536                /* bytes of program headers that the kernel accepts */
#define RELOCATIONS_MAX (UINT64_C(64) << 20) /* bytes; the largest programs have 30 MB */
/* Go code reaches the rest of the program with 32 bits */
#define BACKED_MAX (UINT64_C(1) << 31)

struct elf_file {
	struct elf_image *image;
	Elf64_Ehdr header;
	struct elf_segment segments[SEGMENTS_MAX];
	size_t segment_count;
	uint64_t backed;     /* bytes in the file of all segments */
	size_t segment_last; /* where the last look-up ended: the next one is likely there too */
	uint64_t dynamic_addr, dynamic_size;
	struct elf_relocations relocations;
	bool dynamic_read;
};

const void *elf_file_bytes(struct elf_file *file, uint64_t offset, uint64_t len)
{
	return elf_image_bytes(file->image, offset, len);
}

void elf_file_scan_begin(struct elf_file *file)
{
	elf_image_scan_begin(file->image);
}

void elf_file_scan_keep(struct elf_file *file, const char *text)
{
	elf_image_scan_keep(file->image, text, strlen(text) + 1);
}

void elf_file_scan_step(struct elf_file *file)
{
	elf_image_scan_step(file->image);
}

void elf_file_scan_end(struct elf_file *file)
{
	elf_image_scan_end(file->image);
}

/* ---- addresses ----------------------------------------------------------------------- */

static bool segment_holds(const struct elf_segment *segment, uint64_t addr)
{
	return addr >= segment->vaddr && addr - segment->vaddr < segment->memory_size;
}

static const struct elf_segment *segment_find(const struct elf_file *file, uint64_t addr)
{
	if (file->segment_last < file->segment_count &&
	    segment_holds(&file->segments[file->segment_last], addr))
		return &file->segments[file->segment_last];
	for (size_t i = 0; i < file->segment_count; i++)
		if (segment_holds(&file->segments[i], addr))
			return &file->segments[i];
	return NULL;
}

uint64_t elf_file_extent(const struct elf_file *file, uint64_t addr)
{
	const struct elf_segment *segment = segment_find(file, addr);

	if (!segment || addr - segment->vaddr >= segment->file_size)
		return 0;
	return segment->file_size - (addr - segment->vaddr);
}

/* Where the len bytes at an address are in the file. */
static bool offset_of(struct elf_file *file, uint64_t addr, uint64_t len, uint64_t *offset)
{
	const struct elf_segment *segment = segment_find(file, addr);

	if (!segment)
		return false;
	file->segment_last = (size_t)(segment - file->segments);
	uint64_t into = addr - segment->vaddr;
	*offset = segment->offset + into;
	return into <= segment->file_size && len <= segment->file_size - into;
}

const void *elf_file_at(struct elf_file *file, uint64_t addr, uint64_t len)
{
	uint64_t offset;

	return offset_of(file, addr, len, &offset) ? elf_image_bytes(file->image, offset, len)
	                                           : NULL;
}

const void *elf_file_peek(struct elf_file *file, uint64_t addr, uint64_t len, void *buf)
{
	uint64_t offset;

	return offset_of(file, addr, len, &offset) ? elf_image_peek(file->image, offset, len, buf)
	                                           : NULL;
}

uint64_t elf_file_next_data(struct elf_file *file, uint64_t addr)
{
	const struct elf_segment *segment = segment_find(file, addr);

	if (!segment || addr - segment->vaddr >= segment->file_size)
		return addr;
	uint64_t offset = segment->offset + (addr - segment->vaddr);
	uint64_t skip = (elf_image_next_data(file->image, offset) - offset) & ~UINT64_C(15);
	uint64_t left = segment->file_size - (addr - segment->vaddr);
	return addr + (skip < left ? skip : left);
}

const char *elf_file_string(struct elf_file *file, uint64_t addr)
{
	return elf_file_string_within(file, addr, STRING_MAX);
}

const char *elf_file_string_within(struct elf_file *file, uint64_t addr, uint64_t room)
{
	uint64_t extent = elf_file_extent(file, addr);
	uint64_t limit = extent < room ? extent : room;
	const char *text = elf_file_at(file, addr, 0);

	/* In short steps: most names end within the first, and only what is needed is loaded. */
	for (uint64_t done = 0, step = 128; text && done < limit; done += step, step *= 2) {
		uint64_t len = limit - done < step ? limit - done : step;
		if (!elf_file_at(file, addr + done, len))
			return NULL;
		if (memchr(text + done, 0, len))
			return text;
	}
	return NULL;
}

int elf_file_read(struct elf_file *file, uint64_t addr, void *buf, size_t len)
{
	const struct elf_segment *segment = segment_find(file, addr);

	if (!segment || len > segment->memory_size - (addr - segment->vaddr))
		return -EFAULT;
	uint64_t backed = elf_file_extent(file, addr);
	size_t from_file = backed < len ? (size_t)backed : len;
	const void *bytes = from_file ? elf_file_at(file, addr, from_file) : NULL;
	if (from_file && !bytes)
		return -EFAULT;
	if (from_file)
		memcpy(buf, bytes, from_file);
	memset((unsigned char *)buf + from_file, 0, len - from_file);
	return 0;
}

static int value_read(struct elf_file *file, uint64_t addr, void *value, size_t len)
{
	const void *bytes = elf_file_at(file, addr, len);

	if (bytes)
		memcpy(value, bytes, len);
	else
		memset(value, 0, len);
	return bytes ? 0 : -EFAULT;
}

int elf_file_u8(struct elf_file *file, uint64_t addr, uint8_t *value)
{
	return value_read(file, addr, value, sizeof(*value));
}

int elf_file_u32(struct elf_file *file, uint64_t addr, uint32_t *value)
{
	return value_read(file, addr, value, sizeof(*value));
}

int elf_file_u64(struct elf_file *file, uint64_t addr, uint64_t *value)
{
	return value_read(file, addr, value, sizeof(*value));
}

int64_t elf_file_text_offset(const struct elf_file *file, uint64_t addr)
{
	const struct elf_segment *segment = segment_find(file, addr);

	if (!segment || !segment->executable || addr - segment->vaddr >= segment->file_size)
		return -EFAULT;
	return (int64_t)(segment->offset + (addr - segment->vaddr));
}

/* ---- relocations --------------------------------------------------------------------- */

/* DT_RELA and DT_RELASZ; section headers may be gone, the dynamic segment is not. */
static struct elf_relocations *relocations(struct elf_file *file)
{
	uint64_t table = 0;
	uint64_t size = 0;

	if (file->dynamic_read)
		return &file->relocations;
	file->dynamic_read = true;
	for (uint64_t i = 0; i < DYNAMIC_MAX && i < file->dynamic_size / sizeof(Elf64_Dyn); i++) {
		uint64_t at = i * sizeof(Elf64_Dyn);
		Elf64_Dyn dyn;
		if (value_read(file, file->dynamic_addr + at, &dyn, sizeof(dyn)) ||
		    dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag == DT_RELA)
			table = dyn.d_un.d_ptr;
		if (dyn.d_tag == DT_RELASZ)
			size = dyn.d_un.d_val;
	}
	file->relocations.count = size / sizeof(Elf64_Rela);
	file->relocations.table = table && file->relocations.count && size <= RELOCATIONS_MAX
	                                  ? elf_file_at(file, table, size)
	                                  : NULL;
	file->relocations.relative =
	        file->header.e_machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE;
	return &file->relocations;
}

int elf_file_pointer(struct elf_file *file, uint64_t addr, uint64_t *value)
{
	if (elf_file_u64(file, addr, value))
		return -EFAULT;
	if (*value == 0 && elf_file_is_pie(file))
		elf_relocation_at(relocations(file), addr, value);
	return 0;
}

bool elf_file_relocations_to(struct elf_file *file, uint64_t value,
                             bool (*visit)(uint64_t addr, void *ctx), void *ctx)
{
	return elf_relocation_visit(relocations(file), value, visit, ctx);
}

/* ---- sections and notes -------------------------------------------------------------- */

static int section_header(struct elf_file *file, size_t index, Elf64_Shdr *out)
{
	uint64_t table = file->header.e_shoff;

	if (!table || file->header.e_shentsize != sizeof(*out) || index >= file->header.e_shnum ||
	    table > elf_image_size(file->image))
		return -ENOENT;
	const void *bytes = elf_file_bytes(file, table + index * sizeof(*out), sizeof(*out));
	if (!bytes)
		return -ENOENT;
	memcpy(out, bytes, sizeof(*out));
	return 0;
}

/* Names are peeked at: in a damaged table each may lie in another part of the file. */
int elf_file_section_find(struct elf_file *file, const char *name, struct elf_section *out)
{
	Elf64_Shdr names;
	size_t length = strlen(name) + 1;
	char buffer[SECTION_NAME];

	if (length > sizeof(buffer) || section_header(file, file->header.e_shstrndx, &names) ||
	    names.sh_offset > elf_image_size(file->image))
		return -ENOENT;
	for (size_t i = 1; i < file->header.e_shnum && i < SECTIONS_MAX; i++) {
		Elf64_Shdr header;
		if (section_header(file, i, &header))
			return -ENOENT;
		const char *candidate = elf_image_peek(
		        file->image, names.sh_offset + header.sh_name, length, buffer);
		if (candidate && memcmp(candidate, name, length) == 0) {
			*out = (struct elf_section){header.sh_addr, header.sh_offset,
			                            header.sh_size, header.sh_flags};
			return 0;
		}
	}
	return -ENOENT;
}

int elf_file_section(struct elf_file *file, const char *name, uint64_t *addr, uint64_t *size)
{
	struct elf_section section;

	if (elf_file_section_find(file, name, &section))
		return -ENOENT;
	*addr = section.addr;
	*size = section.size;
	return 0;
}

static const void *note_in(const unsigned char *notes, size_t len, const char *owner, uint32_t type,
                           size_t *size)
{
	size_t owner_len = strlen(owner) + 1;

	for (size_t at = 0; len - at >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr header;
		memcpy(&header, notes + at, sizeof(header));
		at += sizeof(header);
		uint64_t name_room = ((uint64_t)header.n_namesz + 3) & ~UINT64_C(3);
		uint64_t desc_room = ((uint64_t)header.n_descsz + 3) & ~UINT64_C(3);
		if (name_room > len - at || header.n_descsz > len - at - name_room)
			return NULL;
		if (header.n_type == type && header.n_namesz >= owner_len &&
		    memcmp(notes + at, owner, owner_len) == 0) {
			*size = header.n_descsz;
			return notes + at + name_room;
		}
		at += name_room;
		at += desc_room < len - at ? (size_t)desc_room : len - at;
	}
	return NULL;
}

static int program_header(struct elf_file *file, size_t index, Elf64_Phdr *out)
{
	uint64_t table = file->header.e_phoff;

	if (table > elf_image_size(file->image))
		return -ENOEXEC;
	const void *bytes = elf_file_bytes(file, table + index * sizeof(*out), sizeof(*out));
	if (!bytes)
		return -ENOEXEC;
	memcpy(out, bytes, sizeof(*out));
	return 0;
}

const void *elf_file_note(struct elf_file *file, const char *owner, uint32_t type, size_t *size)
{
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		Elf64_Phdr header;
		if (program_header(file, i, &header) || header.p_type != PT_NOTE ||
		    header.p_filesz > NOTES_MAX)
			continue;
		const void *notes = elf_file_bytes(file, header.p_offset, header.p_filesz);
		const void *found =
		        notes ? note_in(notes, header.p_filesz, owner, type, size) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

/* ---- open ---------------------------------------------------------------------------- */

static int header_check(const Elf64_Ehdr *header, const char *path, struct error *err)
{
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return error_set(err, EPROTONOSUPPORT,
		                 "%s: a 32-bit or big-endian program; choose a 64-bit one", path);
	if (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64)
		return error_set(err, EPROTONOSUPPORT,
		                 "%s: made for another machine (ELF machine %u); choose an x86-64 "
		                 "or arm64 program",
		                 path, header->e_machine);
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return error_set(err, EPROTONOSUPPORT,
		                 "%s: an object file or core dump; give the executable itself",
		                 path);
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
	    header->e_phnum > HEADERS_MAX / sizeof(Elf64_Phdr))
		return error_set(
		        err, ENOEXEC,
		        "%s: ELF without usable program headers; check that the file is whole",
		        path);
	return 0;
}

static int segment_add(struct elf_file *file, const Elf64_Phdr *header)
{
	uint64_t memory = header->p_memsz > header->p_filesz ? header->p_memsz : header->p_filesz;

	uint64_t size = elf_image_size(file->image);

	if (header->p_offset > size || header->p_filesz > size - header->p_offset ||
	    header->p_vaddr > INT64_MAX || memory > INT64_MAX - header->p_vaddr)
		return -ENOEXEC;
	/* Of two segments at one address it would be chance which one is read. */
	for (size_t i = 0; i < file->segment_count; i++)
		if (header->p_vaddr < file->segments[i].vaddr + file->segments[i].memory_size &&
		    file->segments[i].vaddr < header->p_vaddr + memory)
			return -ENOEXEC;
	file->backed += header->p_filesz;
	if (file->segment_count == SEGMENTS_MAX || file->backed > BACKED_MAX)
		return -ENOEXEC;
	file->segments[file->segment_count++] = (struct elf_segment){
	        .vaddr = header->p_vaddr,
	        .offset = header->p_offset,
	        .file_size = header->p_filesz,
	        .memory_size = memory,
	        .executable = header->p_flags & PF_X,
	        .writable = header->p_flags & PF_W,
	};
	return 0;
}

static int segments_load(struct elf_file *file)
{
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		Elf64_Phdr header;
		if (program_header(file, i, &header))
			return -ENOEXEC;
		if (header.p_type == PT_LOAD && segment_add(file, &header))
			return -ENOEXEC;
		if (header.p_type == PT_DYNAMIC) {
			file->dynamic_addr = header.p_vaddr;
			file->dynamic_size = header.p_filesz;
		}
	}
	return file->segment_count ? 0 : -ENOEXEC;
}

static int headers_load(struct elf_file *file, const char *path, struct error *err)
{
	const void *bytes = elf_file_bytes(file, 0, SELFMAG);

	if (!bytes || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return error_set(err, ENOEXEC, "%s: not an ELF executable; give a program file",
		                 path);
	bytes = elf_file_bytes(file, 0, sizeof(file->header));
	if (!bytes)
		return error_set(err, ENOEXEC, "%s: cut off in the ELF header; copy it again",
		                 path);
	memcpy(&file->header, bytes, sizeof(file->header));
	int rc = header_check(&file->header, path, err);
	if (rc)
		return rc;
	if (segments_load(file))
		return error_set(
		        err, ENOEXEC,
		        "%s: its segments lie outside the file or overlap; it is cut off or "
		        "damaged, copy it again",
		        path);
	return 0;
}

static int image_take(struct elf_image *image, const char *name, struct elf_file **out,
                      struct error *err)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	int rc;

	if (!file) {
		elf_image_close(image);
		return error_no_memory(err);
	}
	file->image = image;
	rc = headers_load(file, name, err);
	if (rc) {
		elf_file_close(file);
		return rc;
	}
	*out = file;
	return 0;
}

int elf_file_open_fd(int fd, const char *name, struct elf_file **out, struct error *err)
{
	struct elf_image *image;
	int rc;

	*out = NULL;
	rc = elf_image_open_fd(fd, name, &image, err);
	return rc ? rc : image_take(image, name, out, err);
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	elf_relocations_free(&file->relocations);
	elf_image_close(file->image);
	free(file);
}

int elf_file_descriptor(const struct elf_file *file)
{
	return elf_image_descriptor(file->image);
}

uint64_t elf_file_size(const struct elf_file *file)
{
	return elf_image_size(file->image);
}

int elf_file_machine(const struct elf_file *file)
{
	return file->header.e_machine;
}

bool elf_file_is_pie(const struct elf_file *file)
{
	return file->header.e_type == ET_DYN;
}

size_t elf_file_segment_count(const struct elf_file *file)
{
	return file->segment_count;
}

const struct elf_segment *elf_file_segment(const struct elf_file *file, size_t index)
{
	return index < file->segment_count ? &file->segments[index] : NULL;
}
