/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* SEEK_DATA */
#include "core/elf/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file_identity.h"

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

#define CHUNK_SHIFT 12
#define CHUNK_SIZE  (UINT64_C(1) << CHUNK_SHIFT)
#define PAGE_MASK   UINT64_C(4095)
#define SCAN_AHEAD  64   /* chunks read at once in a scan, */
#define SCAN_MAX    1024 /* and how many of them are there at a time */

struct elf_image {
	int fd;
	struct file_identity seen; /* when it was opened */
	uint64_t size;
	unsigned char *bytes;
	size_t reserved;
	uint64_t *loaded; /* one bit a chunk */
	uint64_t *kept;   /* the same: not to be given back by this scan */
	size_t words;     /* of either */
	uint64_t held;    /* chunks that are loaded */
	uint64_t scanned; /* chunks brought in by this scan and not given back yet */
	bool scanning;
};

/* Written to since it was opened? Bytes of two versions must not be taken for one. */
static bool is_unwritten(const struct elf_image *image)
{
	struct file_identity now;

	return !file_identity_read(image->fd, &now) && file_identity_unwritten(&now, &image->seen);
}

static bool read_fully(const struct elf_image *image, uint64_t offset, unsigned char *out,
                       uint64_t want)
{
	for (uint64_t got = 0; got < want;) {
		ssize_t n = pread(image->fd, out + got, want - got, (off_t)(offset + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* an error, or the file became shorter since it was opened */
			return false;
		got += (uint64_t)n;
	}
	return is_unwritten(image);
}

static bool chunk_loaded(const struct elf_image *image, uint64_t chunk)
{
	return image->loaded[chunk / 64] >> (chunk % 64) & 1;
}

/* How many chunks to read at once: in a scan those behind are going to be wanted, too. */
static uint64_t chunks_wanted(const struct elf_image *image, uint64_t chunk)
{
	uint64_t count = 1;

	while (image->scanning && count < SCAN_AHEAD &&
	       (chunk + count) << CHUNK_SHIFT < image->size && !chunk_loaded(image, chunk + count))
		count++;
	return count;
}

static bool chunk_load(struct elf_image *image, uint64_t chunk)
{
	uint64_t count = chunks_wanted(image, chunk);
	uint64_t start = chunk << CHUNK_SHIFT;
	uint64_t want = count << CHUNK_SHIFT;

	want = image->size - start < want ? image->size - start : want;
	if ((image->held + count) << CHUNK_SHIFT > ELF_IMAGE_LOADED_MAX)
		return false;
	ASAN_UNPOISON_MEMORY_REGION(image->bytes + start, want);
	bool ok = read_fully(image, start, image->bytes + start, want);
	ASAN_POISON_MEMORY_REGION(image->bytes + start, want);
	for (uint64_t i = chunk; ok && i < chunk + count; i++)
		image->loaded[i / 64] |= UINT64_C(1) << (i % 64);
	image->held += ok ? count : 0;
	image->scanned += count;
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
	if (len > ELF_IMAGE_LOADED_MAX)
		return NULL;
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
	return read_fully(image, offset, buf, len) ? buf : NULL;
}

uint64_t elf_image_next_data(const struct elf_image *image, uint64_t offset)
{
	off_t data = lseek(image->fd, (off_t)offset, SEEK_DATA);

	if (data < 0) /* only a hole is left; or the file system cannot tell */
		return errno == ENXIO ? image->size : offset;
	return (uint64_t)data < image->size ? (uint64_t)data : image->size;
}

/* ---- scans --------------------------------------------------------------------------- */

static void chunks_drop(struct elf_image *image, uint64_t first, uint64_t end)
{
	uint64_t start = first << CHUNK_SHIFT;
	uint64_t size = (end - first) << CHUNK_SHIFT;

	image->held -= end - first;
	size = image->reserved - start < size ? image->reserved - start : size;
	/* What the kernel does not take back stays as it is, and will be read again. */
	madvise(image->bytes + start, size, MADV_DONTNEED);
	ASAN_POISON_MEMORY_REGION(image->bytes + start, size);
}

static void scan_give_back(struct elf_image *image)
{
	uint64_t first = 0, run = 0; /* chunks next to each other, to be dropped at once */

	for (size_t word = 0; word < image->words; word++) {
		uint64_t drop = image->loaded[word] & ~image->kept[word];
		for (uint64_t bit = 0; bit < 64 && (drop || run); bit++) {
			if (drop >> bit & 1) {
				first = run++ ? first : 64 * word + bit;
				continue;
			}
			if (run)
				chunks_drop(image, first, first + run);
			run = 0;
		}
		image->loaded[word] &= image->kept[word];
	}
	if (run)
		chunks_drop(image, first, first + run);
	image->scanned = 0;
}

void elf_image_scan_begin(struct elf_image *image)
{
	memcpy(image->kept, image->loaded, image->words * sizeof(*image->kept));
	image->scanned = 0;
	image->scanning = true;
}

void elf_image_scan_keep(struct elf_image *image, const void *at, uint64_t len)
{
	uint64_t offset = (uint64_t)((const unsigned char *)at - image->bytes);

	for (uint64_t i = offset >> CHUNK_SHIFT; i <= (offset + len) >> CHUNK_SHIFT; i++)
		if (i < 64 * image->words)
			image->kept[i / 64] |= UINT64_C(1) << (i % 64);
}

void elf_image_scan_step(struct elf_image *image)
{
	if (image->scanned >= SCAN_MAX)
		scan_give_back(image);
}

void elf_image_scan_end(struct elf_image *image)
{
	scan_give_back(image);
	image->scanning = false;
}

/* ---- open and close ------------------------------------------------------------------ */

static int image_reserve(struct elf_image *image, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(image->fd, &st))
		return error_set(err, errno, "%s: %s; check the path", path, strerror(errno));
	image->seen = file_identity_of(&st);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ENOEXEC, "%s: not a regular file; give a program file", path);
	if (st.st_size <= 0 || (uint64_t)st.st_size > ELF_IMAGE_SIZE_MAX)
		return error_set(err, ENOEXEC,
		                 "%s: empty or far too large for a program; check the path", path);
	image->size = (uint64_t)st.st_size;
	image->reserved = (size_t)((image->size + PAGE_MASK) & ~PAGE_MASK);
	uint64_t chunks = (image->size + CHUNK_SIZE - 1) >> CHUNK_SHIFT;
	image->words = (size_t)(chunks + 63) / 64;
	image->loaded = calloc(image->words, sizeof(*image->loaded));
	image->kept = calloc(image->words, sizeof(*image->kept));
	image->bytes = mmap(NULL, image->reserved, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image->bytes == MAP_FAILED)
		image->bytes = NULL;
	if (!image->loaded || !image->kept || !image->bytes)
		return error_no_memory(err);
	ASAN_POISON_MEMORY_REGION(image->bytes, image->reserved);
	return 0;
}

int elf_image_open_fd(int fd, const char *name, struct elf_image **out, struct error *err)
{
	struct elf_image *image = calloc(1, sizeof(*image));
	int rc;

	*out = NULL;
	if (!image)
		return error_no_memory(err);
	image->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	rc = image->fd < 0
	             ? error_set(err, errno, "%s: %s; raise `ulimit -n`", name, strerror(errno))
	             : image_reserve(image, name, err);
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
	free(image->kept);
	free(image);
}

int elf_image_descriptor(const struct elf_image *image)
{
	return image->fd;
}

uint64_t elf_image_size(const struct elf_image *image)
{
	return image->size;
}
