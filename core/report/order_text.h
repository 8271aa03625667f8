/* SPDX-License-Identifier: MIT */
/*
 * order_text: how the accesses to a map are ordered, in words: pairs, and the lock that guards it.
 *
 * Names are as the target has them: who prints the text passes it through sanitize().
 */
#ifndef GOMAPTOP_CORE_ORDER_TEXT_H
#define GOMAPTOP_CORE_ORDER_TEXT_H

#include <stddef.h>

#include "core/model/model.h"

/* What is said of an unordered pair, wherever it is said. */
#define UNORDERED_WORDS "two goroutines used it with nothing between them that orders them"

/* All are cut off where size is too small, always ended with a 0, and empty where nothing is known.
 */

/* "1,204: 1,000 under one lock, 200 ordered otherwise, 4 unknown, 0 unordered"; what is 0 is left
 * out, but for the last. */
void order_pairs_text(const struct pair_counts *order, char *text, size_t size);
/* "1,200 of 1,204 accesses seen were under RWMutex main.mu at 0x5b2340, taken at ledger.go:88
 * main.f"; where it is all of them with "always: " in front. Kind and name where they are known. */
void order_guard_text(const struct map_guard *guard, char *text, size_t size);
/* Of accesses without that lock: "last at book.go:88 main.(*book).add" */
void order_bare_text(const struct map_guard *guard, char *text, size_t size);
/* Of pairs that are ordered or unknown: "166 by channel, 4 unknown for atomics" */
void order_how_text(const struct pair_counts *order, char *text, size_t size);
/* "handed over by channel"; empty: no reason, or a lock. Static. */
const char *order_reason_text(enum map_reason reason);

#endif
