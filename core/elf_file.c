/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/elf_file.h"

#define CHUNK_SHIFT  16
#define CHUNK_SIZE   (UINT64_C(1) << CHUNK_SHIFT)
#define FILE_MAX     (UINT64_C(1) << 36) /* no executable comes near; bounds the reservation */
#define SEGMENTS_MAX 64
#define STRING_MAX   65536
#define PAGE_MASK    UINT64_C(4095)

struct elf_file {
	int fd;
	uint64_t size;
	unsigned char *image;
	size_t reserved;
	uint64_t *loaded; /* one bit a chunk */
	Elf64_Ehdr header;
	struct elf_segment segments[SEGMENTS_MAX];
	size_t segment_count;
	size_t segment_last; /* where the last look-up ended: the next one is likely there too */
	uint64_t dynamic_addr, dynamic_size;
};

/* ---- bytes --------------------------------------------------------------------------- */

static bool chunk_loaded(const struct elf_file *file, uint64_t chunk)
{
	return file->loaded[chunk / 64] >> (chunk % 64) & 1;
}

static bool chunk_load(struct elf_file *file, uint64_t chunk)
{
	uint64_t start = chunk << CHUNK_SHIFT;
	uint64_t want = file->size - start < CHUNK_SIZE ? file->size - start : CHUNK_SIZE;
	uint64_t got = 0;

	while (got < want) {
		ssize_t n = pread(file->fd, file->image + start + got, want - got,
		                  (off_t)(start + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* an error, or the file became shorter since it was opened */
			return false;
		got += (uint64_t)n;
	}
	file->loaded[chunk / 64] |= UINT64_C(1) << (chunk % 64);
	return true;
}

const void *elf_file_bytes(struct elf_file *file, uint64_t offset, uint64_t len)
{
	if (offset > file->size || len > file->size - offset)
		return NULL;
	if (len == 0)
		return file->image + offset;
	uint64_t last = (offset + len - 1) >> CHUNK_SHIFT;
	for (uint64_t chunk = offset >> CHUNK_SHIFT; chunk <= last; chunk++)
		if (!chunk_loaded(file, chunk) && !chunk_load(file, chunk))
			return NULL;
	return file->image + offset;
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

const void *elf_file_at(struct elf_file *file, uint64_t addr, uint64_t len)
{
	const struct elf_segment *segment = segment_find(file, addr);

	if (!segment)
		return NULL;
	file->segment_last = (size_t)(segment - file->segments);
	uint64_t into = addr - segment->vaddr;
	if (into > segment->file_size || len > segment->file_size - into)
		return NULL;
	return elf_file_bytes(file, segment->offset + into, len);
}

const char *elf_file_string(struct elf_file *file, uint64_t addr)
{
	uint64_t extent = elf_file_extent(file, addr);
	uint64_t limit = extent < STRING_MAX ? extent : STRING_MAX;
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
static const unsigned char *relocations(struct elf_file *file, size_t *count)
{
	uint64_t table = 0;
	uint64_t size = 0;

	for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= file->dynamic_size;
	     at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn dyn;
		if (value_read(file, file->dynamic_addr + at, &dyn, sizeof(dyn)) ||
		    dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag == DT_RELA)
			table = dyn.d_un.d_ptr;
		if (dyn.d_tag == DT_RELASZ)
			size = dyn.d_un.d_val;
	}
	*count = size / sizeof(Elf64_Rela);
	return table && size ? elf_file_at(file, table, size) : NULL;
}

static bool rela_is_relative(const struct elf_file *file, const Elf64_Rela *rela)
{
	uint32_t relative =
	        file->header.e_machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE;

	return ELF64_R_TYPE(rela->r_info) == relative;
}

int elf_file_pointer(struct elf_file *file, uint64_t addr, uint64_t *value)
{
	size_t count;

	if (elf_file_u64(file, addr, value))
		return -EFAULT;
	if (*value || !elf_file_is_pie(file))
		return 0;
	const unsigned char *table = relocations(file, &count);
	for (size_t i = 0; table && i < count; i++) {
		Elf64_Rela rela;
		memcpy(&rela, table + i * sizeof(rela), sizeof(rela));
		if (rela.r_offset == addr && rela_is_relative(file, &rela)) {
			*value = (uint64_t)rela.r_addend;
			break;
		}
	}
	return 0;
}

bool elf_file_relocations_to(struct elf_file *file, uint64_t value,
                             bool (*visit)(uint64_t addr, void *ctx), void *ctx)
{
	size_t count;
	const unsigned char *table = relocations(file, &count);

	for (size_t i = 0; table && i < count; i++) {
		Elf64_Rela rela;
		memcpy(&rela, table + i * sizeof(rela), sizeof(rela));
		if ((uint64_t)rela.r_addend == value && rela_is_relative(file, &rela) &&
		    visit(rela.r_offset, ctx))
			return true;
	}
	return false;
}

/* ---- sections and notes -------------------------------------------------------------- */

static int section_header(struct elf_file *file, size_t index, Elf64_Shdr *out)
{
	uint64_t table = file->header.e_shoff;

	if (!table || file->header.e_shentsize != sizeof(*out) || index >= file->header.e_shnum ||
	    table > file->size)
		return -ENOENT;
	const void *bytes = elf_file_bytes(file, table + index * sizeof(*out), sizeof(*out));
	if (!bytes)
		return -ENOENT;
	memcpy(out, bytes, sizeof(*out));
	return 0;
}

int elf_file_section(struct elf_file *file, const char *name, uint64_t *addr, uint64_t *size)
{
	Elf64_Shdr names;
	size_t length = strlen(name) + 1;

	if (section_header(file, file->header.e_shstrndx, &names) || names.sh_offset > file->size)
		return -ENOENT;
	for (size_t i = 1; i < file->header.e_shnum; i++) {
		Elf64_Shdr header;
		if (section_header(file, i, &header))
			return -ENOENT;
		const char *candidate =
		        elf_file_bytes(file, names.sh_offset + header.sh_name, length);
		if (candidate && memcmp(candidate, name, length) == 0) {
			*addr = header.sh_addr;
			*size = header.sh_size;
			return 0;
		}
	}
	return -ENOENT;
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

	if (table > file->size)
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
		if (program_header(file, i, &header) || header.p_type != PT_NOTE)
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
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0)
		return error_set(err, ENOEXEC,
		                 "%s: ELF without program headers; check that the file is whole",
		                 path);
	return 0;
}

static int segment_add(struct elf_file *file, const Elf64_Phdr *header)
{
	uint64_t memory = header->p_memsz > header->p_filesz ? header->p_memsz : header->p_filesz;

	if (header->p_offset > file->size || header->p_filesz > file->size - header->p_offset ||
	    memory > UINT64_MAX - header->p_vaddr)
		return -ENOEXEC;
	if (file->segment_count == SEGMENTS_MAX)
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
		return error_set(err, ENOEXEC,
		                 "%s: its segments lie outside the file; it is cut off or damaged, "
		                 "copy it again",
		                 path);
	return 0;
}

static int image_reserve(struct elf_file *file, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(file->fd, &st))
		return error_set(err, errno, "%s: %s; check the path", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, ENOEXEC, "%s: not a regular file; give a program file", path);
	if (st.st_size <= 0 || (uint64_t)st.st_size > FILE_MAX)
		return error_set(err, ENOEXEC,
		                 "%s: empty or far too large for a program; check the path", path);
	file->size = (uint64_t)st.st_size;
	file->reserved = (size_t)((file->size + PAGE_MASK) & ~PAGE_MASK);
	uint64_t chunks = (file->size + CHUNK_SIZE - 1) >> CHUNK_SHIFT;
	file->loaded = calloc((size_t)(chunks + 63) / 64, sizeof(*file->loaded));
	file->image = mmap(NULL, file->reserved, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (file->image == MAP_FAILED)
		file->image = NULL;
	if (!file->loaded || !file->image)
		return error_set(err, ENOMEM, "%s: out of memory; free some and try again", path);
	return 0;
}

int elf_file_open(const char *path, struct elf_file **out, struct error *err)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	int rc;

	*out = NULL;
	if (!file)
		return error_set(err, ENOMEM, "%s: out of memory; free some and try again", path);
	/* O_NONBLOCK: opening a FIFO must not wait for its other end. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0) {
		rc = error_set(err, errno, "%s: %s; check the path and who may read it", path,
		               strerror(errno));
		goto cleanup;
	}
	rc = image_reserve(file, path, err);
	if (rc)
		goto cleanup;
	rc = headers_load(file, path, err);
	if (rc)
		goto cleanup;
	*out = file;
	return 0;
cleanup:
	elf_file_close(file);
	return rc;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	if (file->image)
		munmap(file->image, file->reserved);
	if (file->fd >= 0)
		close(file->fd);
	free(file->loaded);
	free(file);
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
