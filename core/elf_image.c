/* SPDX-License-Identifier: MIT */
#include "core/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ /* as gcc calls it */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)   ((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

#define CHUNK_SHIFT 16
#define CHUNK_SIZE  (UINT64_C(1) << CHUNK_SHIFT)
#define FILE_MAX    (UINT64_C(1) << 36) /* no executable comes near; bounds the reservation */
#define PAGE_MASK   UINT64_C(4095)

struct elf_image {
	int fd;
	uint64_t size;
	unsigned char *bytes;
	size_t reserved;
	uint64_t *loaded; /* one bit a chunk */
};

static bool read_fully(int fd, uint64_t offset, unsigned char *out, uint64_t want)
{
	for (uint64_t got = 0; got < want;) {
		ssize_t n = pread(fd, out + got, want - got, (off_t)(offset + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* an error, or the file became shorter since it was opened */
			return false;
		got += (uint64_t)n;
	}
	return true;
}

static bool chunk_loaded(const struct elf_image *image, uint64_t chunk)
{
	return image->loaded[chunk / 64] >> (chunk % 64) & 1;
}

static bool chunk_load(struct elf_image *image, uint64_t chunk)
{
	uint64_t start = chunk << CHUNK_SHIFT;
	uint64_t want = image->size - start < CHUNK_SIZE ? image->size - start : CHUNK_SIZE;

	ASAN_UNPOISON_MEMORY_REGION(image->bytes + start, want);
	bool ok = read_fully(image->fd, start, image->bytes + start, want);
	ASAN_POISON_MEMORY_REGION(image->bytes + start, want);
	if (ok)
		image->loaded[chunk / 64] |= UINT64_C(1) << (chunk % 64);
	return ok;
}

static bool in_file(const struct elf_image *image, uint64_t offset, uint64_t len)
{
	return offset <= image->size && len <= image->size - offset;
}

const void *elf_image_bytes(struct elf_image *image, uint64_t offset, uint64_t len)
{
	if (!in_file(image, offset, len))
		return NULL;
	if (len == 0)
		return image->bytes + offset;
	uint64_t last = (offset + len - 1) >> CHUNK_SHIFT;
	for (uint64_t chunk = offset >> CHUNK_SHIFT; chunk <= last; chunk++)
		if (!chunk_loaded(image, chunk) && !chunk_load(image, chunk))
			return NULL;
	ASAN_UNPOISON_MEMORY_REGION(image->bytes + offset, len);
	return image->bytes + offset;
}

const void *elf_image_peek(struct elf_image *image, uint64_t offset, uint64_t len, void *buf)
{
	if (!in_file(image, offset, len))
		return NULL;
	bool loaded = len > 0;
	uint64_t last = (offset + len - loaded) >> CHUNK_SHIFT;
	for (uint64_t chunk = offset >> CHUNK_SHIFT; loaded && chunk <= last; chunk++)
		loaded = chunk_loaded(image, chunk);
	if (loaded)
		return elf_image_bytes(image, offset, len);
	return read_fully(image->fd, offset, buf, len) ? buf : NULL;
}

static int image_reserve(struct elf_image *image, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(image->fd, &st))
		return error_set(err, errno, "%s: %s; check the path", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, ENOEXEC, "%s: not a regular file; give a program file", path);
	if (st.st_size <= 0 || (uint64_t)st.st_size > FILE_MAX)
		return error_set(err, ENOEXEC,
		                 "%s: empty or far too large for a program; check the path", path);
	image->size = (uint64_t)st.st_size;
	image->reserved = (size_t)((image->size + PAGE_MASK) & ~PAGE_MASK);
	uint64_t chunks = (image->size + CHUNK_SIZE - 1) >> CHUNK_SHIFT;
	image->loaded = calloc((size_t)(chunks + 63) / 64, sizeof(*image->loaded));
	image->bytes = mmap(NULL, image->reserved, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image->bytes == MAP_FAILED)
		image->bytes = NULL;
	if (!image->loaded || !image->bytes)
		return error_set(err, ENOMEM, "%s: out of memory; free some and try again", path);
	ASAN_POISON_MEMORY_REGION(image->bytes, image->reserved);
	return 0;
}

int elf_image_open(const char *path, struct elf_image **out, struct error *err)
{
	struct elf_image *image = calloc(1, sizeof(*image));
	int rc;

	*out = NULL;
	if (!image)
		return error_set(err, ENOMEM, "%s: out of memory; free some and try again", path);
	/* O_NONBLOCK: opening a FIFO must not wait for its other end. */
	image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	rc = image->fd < 0 ? error_set(err, errno, "%s: %s; check the path and who may read it",
	                               path, strerror(errno))
	                   : image_reserve(image, path, err);
	if (rc) {
		elf_image_close(image);
		return rc;
	}
	*out = image;
	return 0;
}

void elf_image_close(struct elf_image *image)
{
	if (!image)
		return;
	if (image->bytes) {
		ASAN_UNPOISON_MEMORY_REGION(image->bytes, image->reserved);
		munmap(image->bytes, image->reserved);
	}
	if (image->fd >= 0)
		close(image->fd);
	free(image->loaded);
	free(image);
}

uint64_t elf_image_size(const struct elf_image *image)
{
	return image->size;
}
