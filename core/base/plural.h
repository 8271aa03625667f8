/* SPDX-License-Identifier: MIT */
/*
 * plural: "1 hold", "2 holds": the ending or the word that goes with a count.
 */
#ifndef GOMAPTOP_CORE_PLURAL_H
#define GOMAPTOP_CORE_PLURAL_H

#include <stdint.h>

static inline const char *plural_word(uint64_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

/* What comes behind a word that ends in s where there are several. */
static inline const char *plural(uint64_t count)
{
	return plural_word(count, "", "s");
}

#endif
