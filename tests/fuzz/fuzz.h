/* SPDX-License-Identifier: MIT */
/*
 * fuzz: readers of executables, each fed with a file that may hold anything.
 *
 * A target is a function that takes the file's bytes, asks the reader everything there is to ask
 * and checks what must hold of any answer. fuzz_main.c makes a libFuzzer program of each;
 * test_regressions.c, an ordinary program, replays the inputs that once found something.
 */
#ifndef GOMAPTOP_TESTS_FUZZ_FUZZ_H
#define GOMAPTOP_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/elf/elf_file.h"

void fuzz_elf(const uint8_t *data, size_t size);
void fuzz_buildinfo(const uint8_t *data, size_t size);
void fuzz_pclntab(const uint8_t *data, size_t size);
void fuzz_type_name(const uint8_t *data, size_t size);
void fuzz_go_binary(const uint8_t *data, size_t size);
void fuzz_order(const uint8_t *data, size_t size);

/* A file with these bytes, in memory; the path is good until the next call. NULL: no memory. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* The same, opened; to be closed. NULL: nothing that elf_file_open() takes. */
struct elf_file *fuzz_open(const uint8_t *data, size_t size);

/* Reads every byte, for AddressSanitizer to see. NULL is allowed. */
void fuzz_touch(const void *bytes, size_t len);

/* Addresses worth asking for: the edges of segments, places in them, nonsense. Calls visit for
 * each. */
void fuzz_addresses(const struct elf_file *file, void (*visit)(uint64_t addr, void *ctx),
                    void *ctx);

#define FUZZ_CHECK(condition)                                                           \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

#endif
