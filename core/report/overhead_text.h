/* SPDX-License-Identifier: MIT */
/*
 * overhead_text: what watching has cost the targets so far and what that is made of, in words.
 */
#ifndef GOMAPTOP_CORE_OVERHEAD_TEXT_H
#define GOMAPTOP_CORE_OVERHEAD_TEXT_H

#include <stddef.h>

#include "core/model/model.h"

#define OVERHEAD_TEXT_MAX 256

/* Both are cut off where size is too small, always ended with a 0, and empty as long as nothing is
 * known. overhead_limit: 0.03 = 3 %; 0, 1 and above: there is none to speak of. */
void overhead_text(const struct coverage_row *coverage, double overhead_limit, char *text,
                   size_t size);
void overhead_parts_text(const struct coverage_row *coverage, char *text, size_t size);

#endif
