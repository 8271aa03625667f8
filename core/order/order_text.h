/* SPDX-License-Identifier: MIT */
/*
 * order_text: the code of all functions of an executable, one after the other.
 *
 * The text is read through a window and not kept. Work is in proportion to the file: no byte is
 * shown twice, whatever the table of functions says.
 */
#ifndef GOMAPTOP_CORE_ORDER_TEXT_H
#define GOMAPTOP_CORE_ORDER_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "core/go/pclntab.h"

#define ORDER_TEXT_MAX (UINT64_C(1) << 28) /* bytes of code; the largest programs have 90 MB */

struct order_body {
	uint64_t index; /* in the pclntab */
	uint64_t addr;
	size_t size;
	const unsigned char
	        *code; /* good during the call; NULL: not in the file, or far too long */
};

/* Call visit for each function in order of address until it returns something other than 0, which
 * is then returned. 0; -E2BIG: more than ORDER_TEXT_MAX; -EIO: the file cannot be read any more;
 * -ENOMEM. */
int order_text_walk(const struct pclntab *tab,
                    int (*visit)(void *ctx, const struct order_body *body), void *ctx);

#endif
