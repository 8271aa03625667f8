/* SPDX-License-Identifier: MIT */
/*
 * elf_file: a 64-bit little-endian ELF executable, read by address.
 *
 * The file's bytes are brought in on demand (elf_image): pointers to them stay valid until close,
 * memory is in proportion to what was looked at, and bounded. Only the program headers are
 * required; section headers are used when they are there. Every length and offset in the file is
 * treated as hostile: what the segments have in the file is at most 2 GiB together, no address is
 * above 2^63, and no two segments overlap.
 *
 * "Address" is a virtual address as linked (p_vaddr). One thread at a time.
 */
#ifndef GOMAPTOP_CORE_ELF_FILE_H
#define GOMAPTOP_CORE_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct elf_file;

struct elf_segment {
	uint64_t vaddr, offset, file_size, memory_size;
	bool executable, writable;
};

/* Of what is open at fd, which is borrowed for the call. name is for messages. -ENOEXEC: no ELF, or
 * cut off; -EPROTONOSUPPORT: ELF of a kind that gomaptop cannot read (32-bit, big-endian, another
 * machine, object file). */
int elf_file_open_fd(int fd, const char *name, struct elf_file **out, struct error *err);
void elf_file_close(struct elf_file *file); /* accepts NULL */

int elf_file_descriptor(const struct elf_file *file); /* that it reads from; stays the file's */
uint64_t elf_file_size(const struct elf_file *file);  /* bytes */
int elf_file_machine(const struct elf_file *file);    /* EM_X86_64 or EM_AARCH64 */
bool elf_file_is_pie(const struct elf_file *file);
size_t elf_file_segment_count(const struct elf_file *file); /* PT_LOAD only, in file order */
const struct elf_segment *elf_file_segment(const struct elf_file *file, size_t index);

/* For a look through much of the file of which little is kept: see elf_image_scan_begin. */
void elf_file_scan_begin(struct elf_file *file);
void elf_file_scan_keep(struct elf_file *file, const char *text);
void elf_file_scan_step(struct elf_file *file);
void elf_file_scan_end(struct elf_file *file);

/* The len bytes at an offset of the file, or NULL when the file does not have them all. */
const void *elf_file_bytes(struct elf_file *file, uint64_t offset, uint64_t len);

/* For scans that keep nothing: the len bytes at an address, or NULL. They are read into buf unless
 * they are in memory already; good until the next call with that buf. */
const void *elf_file_peek(struct elf_file *file, uint64_t addr, uint64_t len, void *buf);

/* For scans: the first address from addr on that is not in a hole of a sparse file, in steps of 16
 * bytes; the end of the segment's part of the file when there is nothing but a hole. */
uint64_t elf_file_next_data(struct elf_file *file, uint64_t addr);

/* The len bytes at an address, or NULL when they do not all lie in the file-backed part of one
 * segment. The pointer has no alignment. */
const void *elf_file_at(struct elf_file *file, uint64_t addr, uint64_t len);

/* How many file-backed bytes there are from addr to the end of its segment; 0: none. */
uint64_t elf_file_extent(const struct elf_file *file, uint64_t addr);

/* NUL-terminated string at addr, or NULL when it runs out of its segment or past 64 KiB. */
const char *elf_file_string(struct elf_file *file, uint64_t addr);

/* The same with another limit: room is that of the text and its NUL. */
const char *elf_file_string_within(struct elf_file *file, uint64_t addr, uint64_t room);

/* Copy what the loader would put at addr: file-backed bytes, zeroes behind them. 0 or -EFAULT. */
int elf_file_read(struct elf_file *file, uint64_t addr, void *buf, size_t len);

/* Little-endian values at addr. 0 or -EFAULT; on failure *value is 0. */
int elf_file_u8(struct elf_file *file, uint64_t addr, uint8_t *value);
int elf_file_u32(struct elf_file *file, uint64_t addr, uint32_t *value);
int elf_file_u64(struct elf_file *file, uint64_t addr, uint64_t *value);

/* A pointer in data, as file address. In a PIE it is filled in by a relative relocation at run
 * time: Go's linker and GNU ld leave the addend in place too, others leave zero there; then the
 * relocation is looked up. 0 or -EFAULT. */
int elf_file_pointer(struct elf_file *file, uint64_t addr, uint64_t *value);

/* Call visit for each place that a relative relocation fills with value, until it returns true.
 * Returns that verdict. */
bool elf_file_relocations_to(struct elf_file *file, uint64_t value,
                             bool (*visit)(uint64_t addr, void *ctx), void *ctx);

struct elf_section {
	uint64_t addr, offset, size; /* as the header says: nothing of it was checked */
	uint64_t flags;              /* SHF_* */
};

/* 0, or -ENOENT: no section header of that name. */
int elf_file_section_find(struct elf_file *file, const char *name, struct elf_section *out);

/* 0, or -ENOENT: no section header of that name. addr is 0 for sections that are not loaded. */
int elf_file_section(struct elf_file *file, const char *name, uint64_t *addr, uint64_t *size);

/* Offset in the file of an address inside the file-backed part of an executable segment, or
 * -EFAULT. */
int64_t elf_file_text_offset(const struct elf_file *file, uint64_t addr);

/* Descriptor of the first note with this owner ("GNU", "Go") and type; NULL: none. */
const void *elf_file_note(struct elf_file *file, const char *owner, uint32_t type, size_t *size);

#endif
