/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"
#include "tests/open_path.h"

#include <sys/mman.h>
#include <unistd.h>

#define STEPS 16 /* places looked at in a segment */

const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || ftruncate(fd, (off_t)size) ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		return NULL;
	return path;
}

struct elf_file *fuzz_open(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct elf_file *file;
	struct error err;

	return path && !elf_file_open(path, &file, &err) ? file : NULL;
}

void fuzz_touch(const void *bytes, size_t len)
{
	for (size_t i = 0; bytes && i < len; i++)
		(void)((const volatile unsigned char *)bytes)[i];
}

void fuzz_addresses(const struct elf_file *file, void (*visit)(uint64_t addr, void *ctx), void *ctx)
{
	static const uint64_t nonsense[] = {0, 1, INT64_MAX, UINT64_MAX, UINT64_MAX - 7};

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		visit(nonsense[i], ctx);
	for (size_t i = 0; i < elf_file_segment_count(file); i++) {
		const struct elf_segment *segment = elf_file_segment(file, i);
		visit(segment->vaddr - 1, ctx);
		for (uint64_t k = 0; k < STEPS; k++)
			visit(segment->vaddr + segment->file_size / STEPS * k, ctx);
		visit(segment->vaddr + segment->file_size - 1, ctx);
		visit(segment->vaddr + segment->file_size, ctx);
		visit(segment->vaddr + segment->memory_size, ctx);
	}
}
