/* SPDX-License-Identifier: MIT */
/*
 * rate_text: operations per second as reports say them: "812 ops/s", and "~19.4k ops/s" where they
 * were seen in a part of the time only.
 */
#ifndef GOMAPTOP_CORE_RATE_TEXT_H
#define GOMAPTOP_CORE_RATE_TEXT_H

#include "core/model/model.h"

#define RATE_TEXT_MAX 32

/* Of the whole of the last interval; where the probes were never in place in it nothing was seen
 * that could be told. Returns out. */
const char *rate_text(const struct coverage_row *coverage, char out[RATE_TEXT_MAX]);
/* The same of the whole run. */
const char *rate_average_text(const struct coverage_row *coverage, char out[RATE_TEXT_MAX]);

#endif
