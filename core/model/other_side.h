/* SPDX-License-Identifier: MIT */
/*
 * other_side: what is known of the goroutine that the runtime's fatal error does not name.
 *
 * The runtime stops at one side of the conflict. The other one was not caught in the act; but which
 * lines change that map was perhaps seen before. No side is accused: it says what was seen, where,
 * and how often. Pure; any thread.
 */
#ifndef GOMAPTOP_CORE_OTHER_SIDE_H
#define GOMAPTOP_CORE_OTHER_SIDE_H

#include "core/model/model.h"

#define OTHER_SIDE_MAX 768

/* A sentence without its first capital letter and its full stop, of a conflict row whose evidence
 * is EVIDENCE_FATAL; its map may be NULL. Names are as the program has them: to be sanitized.
 * Returns out. */
const char *other_side_text(const struct conflict_row *fatal, char out[OTHER_SIDE_MAX]);

#endif
