/* SPDX-License-Identifier: MIT */
/*
 * synthetic_names: the made-up program behind tests/synthetic/synthetic: its functions, lines and
 * map types.
 *
 * Addresses encode what they stand for, so that names need no state: function number, then line.
 */
#ifndef GOMAPTOP_TESTS_SYNTHETIC_NAMES_H
#define GOMAPTOP_TESTS_SYNTHETIC_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event/event.h"
#include "core/go/frame.h"

/* Functions that use a map, functions between, and first functions of goroutines. */
enum synthetic_role { SYNTHETIC_USER, SYNTHETIC_MIDDLE, SYNTHETIC_ROOT };

/* Return address of a call at a line of the number-th function of a role. */
uint64_t synthetic_pc(enum synthetic_role role, unsigned int number, unsigned int line);
/* Address of the number-th map type. */
uint64_t synthetic_type_addr(unsigned int number);
/* Index in the table of probe sites of a function that does op. */
unsigned int synthetic_site(enum map_op op);

/* Of struct model_symbols; ctx points to the struct synthetic_config. */
int synthetic_call_chain(void *ctx, const struct access *access, struct frame *out, int max);
const struct frame *synthetic_frames(void *ctx, uint32_t tgid, uint64_t pc, bool is_return_address,
                                     int *count);
const char *synthetic_site_function(void *ctx, unsigned int site);
const char *synthetic_type_name(void *ctx, uint32_t tgid, uint64_t type_addr);
const char *synthetic_first_function(void *ctx, uint32_t tgid, uint64_t startpc);

#endif
