/* SPDX-License-Identifier: MIT */
/*
 * arm64_place: where to probe a function of the table that orders goroutines, in arm64 programs.
 *
 * As order_place: at the b.ls of its prologue; those without one at their first conditional jump
 * or, where the kernel has to step, at their first instruction; runtime.newproc.func1 at its call
 * of runtime.runqput.
 */
#ifndef GOMAPTOP_CORE_ARM64_PLACE_H
#define GOMAPTOP_CORE_ARM64_PLACE_H

#include <stdbool.h>

#include "core/order/arm64_function.h"
#include "core/order/order_site.h"

/* As order_place_function(). */
bool arm64_place_function(struct go_binary *binary, const struct order_function_row *row,
                          const struct go_function *function, struct arm64_function *scratch,
                          struct order_site *site, const char **why);

#endif
