/* SPDX-License-Identifier: MIT */
/*
 * heat_scale: conflicts per second -> one of nine levels, half a decade each.
 */
#ifndef GOMAPTOP_TUI_HEAT_SCALE_H
#define GOMAPTOP_TUI_HEAT_SCALE_H

#include <stdint.h>

/* 0: never a conflict. 1: at most 0.03/s, also where there were conflicts but none lately. 9:
 * above 100/s. */
int heat_level(double conflicts_per_second, uint64_t conflicts);
/* The rate above which a level begins, "0.3"; "0" for level 1. Static text. */
const char *heat_level_from(int level);

#endif
