/* SPDX-License-Identifier: MIT */
/*
 * order_place: where to probe a function of the table that orders goroutines.
 *
 * At the instruction of its prologue, as for map functions; small ones without a prologue at their
 * first conditional jump or, where the kernel has to step, at their first instruction.
 * runtime.newproc.func1 is probed at its call of runtime.runqput, which is handed the new
 * goroutine.
 */
#ifndef GOMAPTOP_CORE_ORDER_PLACE_H
#define GOMAPTOP_CORE_ORDER_PLACE_H

#include <stdbool.h>

#include "core/order/amd64_function.h"
#include "core/order/order_site.h"

/* Set addr, instruction, condition and object of a site of that row. scratch: for decoding. False:
 * there is no place, *why (static) says what is in the way. */
bool order_place_function(struct go_binary *binary, const struct order_function_row *row,
                          const struct go_function *function, struct amd64_function *scratch,
                          struct order_site *site, const char **why);

#endif
