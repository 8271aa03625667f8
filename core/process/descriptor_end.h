/* SPDX-License-Identifier: MIT */
/* descriptor_end: does what is written to a descriptor leave the process? */
#ifndef GOMAPTOP_CORE_DESCRIPTOR_END_H
#define GOMAPTOP_CORE_DESCRIPTOR_END_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct descriptor_ends;
int descriptor_ends_create(struct descriptor_ends **out);   /* 0 or -ENOMEM */
void descriptor_ends_destroy(struct descriptor_ends *ends); /* accepts NULL */

/* For certain? */
bool descriptor_ends_goes_out(struct descriptor_ends *ends, pid_t pid, uint64_t descriptor);

#endif
