/* SPDX-License-Identifier: MIT */
/*
 * amd64_effect: may an instruction change a register, or the flags?
 *
 * Answers for what Go's compiler emits near atomic instructions; of all others it says that they
 * may. So a "no" can be relied on. Intel SDM volume 2, appendix A. Pure functions, any thread.
 */
#ifndef GOMAPTOP_CORE_AMD64_EFFECT_H
#define GOMAPTOP_CORE_AMD64_EFFECT_H

#include <stdbool.h>

#include "core/probe/amd64_length.h"

/* reg: a general register, 0 to 15. */
bool amd64_may_write(const struct amd64_parts *parts, unsigned int reg);
bool amd64_may_set_flags(const struct amd64_parts *parts);

#endif
