/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

struct asked {
	struct elf_file *file;
	size_t size;
};

static void values_ask(struct elf_file *file, uint64_t addr)
{
	uint64_t backed = elf_file_extent(file, addr);
	uint64_t word;
	uint32_t half;
	uint8_t byte;

	FUZZ_CHECK((elf_file_u8(file, addr, &byte) == 0) == (backed >= 1));
	FUZZ_CHECK((elf_file_u32(file, addr, &half) == 0) == (backed >= 4));
	FUZZ_CHECK((elf_file_u64(file, addr, &word) == 0) == (backed >= 8));
	FUZZ_CHECK((elf_file_pointer(file, addr, &word) == 0) == (backed >= 8));
}

static void address_ask(uint64_t addr, void *ctx)
{
	struct asked *asked = ctx;
	uint64_t backed = elf_file_extent(asked->file, addr);
	const void *bytes = elf_file_at(asked->file, addr, backed);
	const char *text = elf_file_string(asked->file, addr);
	int64_t offset = elf_file_text_offset(asked->file, addr);
	unsigned char copy[64];

	FUZZ_CHECK(backed <= asked->size);
	if (backed) {
		FUZZ_CHECK(bytes);
		fuzz_touch(bytes, backed);
		FUZZ_CHECK(!elf_file_at(asked->file, addr, backed + 1));
	}
	FUZZ_CHECK(!elf_file_at(asked->file, addr, UINT64_MAX));
	if (text)
		FUZZ_CHECK(strlen(text) < backed);
	FUZZ_CHECK(offset < (int64_t)asked->size);
	memset(copy, 1, sizeof(copy));
	if (elf_file_read(asked->file, addr, copy, sizeof(copy)) == 0)
		for (size_t i = backed < sizeof(copy) ? backed : sizeof(copy); i < sizeof(copy);
		     i++)
			FUZZ_CHECK(copy[i] == 0);
	values_ask(asked->file, addr);
}

static bool relocation_visit(uint64_t addr, void *ctx)
{
	int *left = ctx;

	(void)addr;
	return --*left == 0;
}

static void file_ask(struct elf_file *file, size_t size)
{
	static const char *const names[] = {".text", ".gopclntab", ".go.buildinfo", "", ".none"};
	static const char *const owners[] = {"GNU", "Go", ""};
	const struct elf_segment *first = elf_file_segment(file, 0);
	uint64_t addr;
	uint64_t length;
	size_t note_size = 0;
	int left = 100;

	FUZZ_CHECK(elf_file_machine(file) == EM_X86_64 || elf_file_machine(file) == EM_AARCH64);
	FUZZ_CHECK(first && !elf_file_segment(file, elf_file_segment_count(file)));
	FUZZ_CHECK(!elf_file_bytes(file, 0, size + 1) && !elf_file_bytes(file, size, 1));
	FUZZ_CHECK(!elf_file_bytes(file, UINT64_MAX, 1) && !elf_file_bytes(file, 1, UINT64_MAX));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		elf_file_section(file, names[i], &addr, &length);
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		for (uint32_t type = 0; type < 5; type++)
			fuzz_touch(elf_file_note(file, owners[i], type, &note_size), note_size);
	elf_file_relocations_to(file, first->vaddr, relocation_visit, &left);
}

void fuzz_elf(const uint8_t *data, size_t size)
{
	struct asked asked = {.file = fuzz_open(data, size), .size = size};

	if (!asked.file)
		return;
	file_ask(asked.file, size);
	fuzz_addresses(asked.file, address_ask, &asked);
	elf_file_close(asked.file);
}
