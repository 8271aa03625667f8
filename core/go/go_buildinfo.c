/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/go/go_buildinfo.h"

static const char magic[] = "\xff Go buildinf:";
#define MAGIC_LENGTH (sizeof(magic) - 1)
#define BLOCK_SIZE   32
#define BLOCK_ALIGN  16
#define MODULES_MARK 16
#define MODULES_MAX  (1 << 20)
#define VERSION_MAX  64
#define SCAN_STEP    16384
#define SCAN_MAX     (UINT64_C(512) << 20) /* bytes of data; the largest programs have 50 MB */
#define STRINGS_MAX  (1u << 18)            /* pairs of words that may be a string, 1 us each */

#define FLAG_BIG_ENDIAN 1
#define FLAG_INLINE     2 /* 1.18 and later: strings follow the block, no pointers */

static bool block_is_at(struct elf_file *file, uint64_t addr)
{
	const void *bytes = elf_file_at(file, addr, BLOCK_SIZE);

	return bytes && memcmp(bytes, magic, MAGIC_LENGTH) == 0;
}

static int block_scan(struct elf_file *file, const struct elf_segment *segment, uint64_t *addr)
{
	unsigned char buffer[SCAN_STEP];
	uint64_t start = (segment->vaddr + BLOCK_ALIGN - 1) & ~(uint64_t)(BLOCK_ALIGN - 1);
	uint64_t end = segment->vaddr + segment->file_size;

	for (uint64_t at = start, done = 0; at < end && done < SCAN_MAX;
	     at += SCAN_STEP, done += SCAN_STEP) {
		at = elf_file_next_data(file, at);
		uint64_t len = end - at < SCAN_STEP ? end - at : SCAN_STEP;
		const char *bytes = elf_file_peek(file, at, len, buffer);
		for (uint64_t i = 0; bytes && i + MAGIC_LENGTH <= len; i += BLOCK_ALIGN)
			if (memcmp(bytes + i, magic, MAGIC_LENGTH) == 0) {
				*addr = at + i;
				return 0;
			}
	}
	return -ENODATA;
}

static int block_find(struct elf_file *file, uint64_t *addr)
{
	uint64_t size;

	if (elf_file_section(file, ".go.buildinfo", addr, &size) == 0 && block_is_at(file, *addr))
		return 0;
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		const struct elf_segment *segment = elf_file_segment(file, i);
		if (segment->writable && block_scan(file, segment, addr) == 0)
			return 0;
	}
	return -ENODATA;
}

static int text_copy(struct elf_file *file, uint64_t addr, uint64_t len, char *out, size_t size)
{
	if (len == 0)
		return -ENODATA;
	if (len >= size)
		len = size - 1;
	const void *text = elf_file_at(file, addr, len);
	if (!text)
		return -ENODATA;
	memcpy(out, text, len);
	out[len] = '\0';
	for (uint64_t i = 0; i < len; i++)
		if (!isprint((unsigned char)out[i]))
			out[i] = '?';
	return 0;
}

/* The length before a string in the block; *addr moves behind it. */
static int inline_length(struct elf_file *file, uint64_t *addr, uint64_t *len)
{
	uint8_t byte = 0x80;

	*len = 0;
	for (int shift = 0; byte & 0x80 && shift < 28; shift += 7) {
		if (elf_file_u8(file, (*addr)++, &byte))
			return -ENODATA;
		*len |= (uint64_t)(byte & 0x7f) << shift;
	}
	return 0;
}

static int inline_version(struct elf_file *file, uint64_t addr, char *out, size_t size)
{
	uint64_t len;

	if (inline_length(file, &addr, &len))
		return -ENODATA;
	return text_copy(file, addr, len, out, size);
}

/* Before 1.18 the block holds a pointer to the Go string runtime.buildVersion. */
static int pointed_version(struct elf_file *file, uint64_t addr, char *out, size_t size)
{
	uint64_t string;
	uint64_t text;
	uint64_t len;

	if (elf_file_pointer(file, addr, &string) || elf_file_pointer(file, string, &text) ||
	    elf_file_u64(file, string + 8, &len))
		return -ENODATA;
	return text_copy(file, text, len, out, size);
}

int go_buildinfo_version(struct elf_file *file, char *out, size_t size)
{
	uint64_t addr;

	if (block_find(file, &addr))
		return -ENODATA;
	const unsigned char *block = elf_file_at(file, addr, BLOCK_SIZE);
	if (!block || block[15] & FLAG_BIG_ENDIAN)
		return -ENODATA;
	if (block[15] & FLAG_INLINE)
		return inline_version(file, addr + BLOCK_SIZE, out, size);
	return pointed_version(file, addr + 16, out, size);
}

/* Where the list of modules lies: marks of 16 bytes stand before and behind it. */
static int modules_find(struct elf_file *file, uint64_t *text, uint64_t *len)
{
	const unsigned char *block;
	uint64_t addr, string;

	if (block_find(file, &addr))
		return -ENODATA;
	block = elf_file_at(file, addr, BLOCK_SIZE);
	if (!block || block[15] & FLAG_BIG_ENDIAN)
		return -ENODATA;
	if (block[15] & FLAG_INLINE) {
		*text = addr + BLOCK_SIZE;
		if (inline_length(file, text, len))
			return -ENODATA;
		*text += *len;
		if (inline_length(file, text, len))
			return -ENODATA;
	} else if (elf_file_pointer(file, addr + 24, &string) ||
	           elf_file_pointer(file, string, text) || elf_file_u64(file, string + 8, len)) {
		return -ENODATA;
	}
	if (*len <= 2 * MODULES_MARK || *len > MODULES_MAX)
		return -ENODATA;
	*text += MODULES_MARK;
	*len -= 2 * MODULES_MARK;
	return 0;
}

int go_buildinfo_field(struct elf_file *file, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);
	uint64_t addr, len;
	const char *line, *end;

	if (modules_find(file, &addr, &len))
		return -ENODATA;
	line = elf_file_at(file, addr, len);
	for (end = line + len; line && line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t rest = (size_t)((stop ? stop : end) - line);

		if (rest > length && memcmp(line, name, length) == 0)
			return text_copy(file, addr + len - (uint64_t)(end - line) + length,
			                 rest - length, out, size);
		line = stop ? stop + 1 : end;
	}
	return -ENODATA;
}

/* "go1.NN" and whatever a version may have behind it: "go1.26.5", "go1.27rc1 X:noswissmap". */
static bool is_version(const char *text, uint64_t len)
{
	static const char prefix[] = "go1.";

	if (len <= sizeof(prefix) - 1 || memcmp(text, prefix, sizeof(prefix) - 1) != 0 ||
	    !isdigit((unsigned char)text[sizeof(prefix) - 1]))
		return false;
	for (uint64_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr(".-+: ,", text[i])))
			return false;
	return true;
}

/* Are these two words a Go string that is a version? Then it is put into out, or compared with what
 * is there. Strings are peeked at: there is one in a hundred thousand that is wanted. */
static int version_note(struct elf_file *file, const unsigned char *words, unsigned int *strings,
                        char *out, size_t size)
{
	char buffer[VERSION_MAX];
	uint64_t text;
	uint64_t len;

	memcpy(&text, words, sizeof(text));
	memcpy(&len, words + sizeof(text), sizeof(len));
	if (!text || len == 0 || len >= size || len > VERSION_MAX || ++*strings > STRINGS_MAX)
		return 0;
	const char *bytes = elf_file_peek(file, text, len, buffer);
	if (!bytes || !is_version(bytes, len))
		return 0;
	if (out[0])
		return strlen(out) == len && memcmp(out, bytes, len) == 0 ? 0 : -ENODATA;
	return text_copy(file, text, len, out, size);
}

static int segment_versions(struct elf_file *file, const struct elf_segment *segment, char *out,
                            size_t size)
{
	unsigned char buffer[SCAN_STEP + 8]; /* the second word may lie behind the step */
	uint64_t end = segment->vaddr + segment->file_size;
	unsigned int strings = 0;

	for (uint64_t at = (segment->vaddr + 7) & ~UINT64_C(7), done = 0;
	     at < end && done < SCAN_MAX; at += SCAN_STEP, done += SCAN_STEP) {
		at = elf_file_next_data(file, at);
		uint64_t len = end - at < sizeof(buffer) ? end - at : sizeof(buffer);
		const unsigned char *bytes = elf_file_peek(file, at, len, buffer);
		for (uint64_t i = 0; bytes && i + 16 <= len; i += 8)
			if (version_note(file, bytes + i, &strings, out, size))
				return -ENODATA;
	}
	return 0;
}

int go_build_version(struct elf_file *file, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		const struct elf_segment *segment = elf_file_segment(file, i);
		if (segment->writable && segment_versions(file, segment, out, size))
			return -ENODATA;
	}
	return out[0] ? 0 : -ENODATA;
}

int go_version_minor(const char *version)
{
	const char *at = strstr(version, "go1.");
	int minor = 0;

	if (!at || !isdigit((unsigned char)at[4]))
		return -EINVAL;
	for (at += 4; isdigit((unsigned char)*at) && minor < 1000; at++)
		minor = minor * 10 + (*at - '0');
	return minor;
}
