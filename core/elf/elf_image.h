/* SPDX-License-Identifier: MIT */
/*
 * elf_image: the bytes of a file, brought in on demand.
 *
 * Whole chunks are read (pread) into a private reservation as large as the file, rather than
 * mapped: pointers into it stay valid until close, memory is in proportion to what was looked at,
 * and a file that is truncated while it is open gives NULL instead of SIGBUS. So does one that is
 * written to: what is read later belongs to what was read before, or there is nothing to read. At
 * most ELF_IMAGE_LOADED_MAX bytes are held at a time: what does not fit any more is answered with
 * NULL like what is not in the file, which only a hostile file or address comes to.
 *
 * In builds with AddressSanitizer only bytes that were asked for may be touched: reading a byte
 * beside them is reported like one beside an allocation. One thread at a time.
 */
#ifndef GOMAPTOP_CORE_ELF_IMAGE_H
#define GOMAPTOP_CORE_ELF_IMAGE_H

#include <stdint.h>

#include "core/base/error.h"

#define ELF_IMAGE_SIZE_MAX   (UINT64_C(1) << 36)   /* bytes of a file; bounds the reservation */
#define ELF_IMAGE_LOADED_MAX (UINT64_C(112) << 20) /* the largest programs need 30 MB */

struct elf_image;

/* Of what is open at fd, which is borrowed for the call: the image has a duplicate. name is for
 * messages. -ENOEXEC: not a regular file, empty, or far too large for a program. */
int elf_image_open_fd(int fd, const char *name, struct elf_image **out, struct error *err);
void elf_image_close(struct elf_image *image); /* accepts NULL */

int elf_image_descriptor(const struct elf_image *image); /* stays the image's */
uint64_t elf_image_size(const struct elf_image *image);

/* The first offset from this one on that is not in a hole of a sparse file; the file's size when
 * only holes follow. */
uint64_t elf_image_next_data(const struct elf_image *image, uint64_t offset);

/* The len bytes at an offset, or NULL when the file does not have them all. */
const void *elf_image_bytes(struct elf_image *image, uint64_t offset, uint64_t len);

/* The same for a look that keeps nothing: the bytes are read into buf, unless they are there
 * already. Returns where they are until the next call with that buf. */
const void *elf_image_peek(struct elf_image *image, uint64_t offset, uint64_t len, void *buf);

/* For a look through much of the file of which little is kept. What is brought in from begin on is
 * given back at end, and at each step by which it has become much; pointers into it end there,
 * except into what was kept. Scans do not nest. */
void elf_image_scan_begin(struct elf_image *image);
void elf_image_scan_keep(struct elf_image *image, const void *at, uint64_t len);
void elf_image_scan_step(struct elf_image *image);
void elf_image_scan_end(struct elf_image *image);

#endif
