/* SPDX-License-Identifier: MIT */
/*
 * enough_text: how much was seen of a program in which nothing was found, and how much more it
 * takes to say that there is no conflict, in words. Never "no conflict" where too little was seen.
 */
#ifndef GOMAPTOP_CORE_ENOUGH_TEXT_H
#define GOMAPTOP_CORE_ENOUGH_TEXT_H

#include <stddef.h>

#include "core/model/enough.h"

#define ENOUGH_TEXT_MAX 320

/* "none seen; 0.9 overlaps were to be expected if nothing guarded these maps; 5 are needed to say
 * more: about 4 min at this rate". How long is left out where no rate is known. Where enough was
 * seen: "no conflicts seen". Returns text. */
const char *enough_text(const struct enough *enough, char text[ENOUGH_TEXT_MAX]);

/* The same in few words, the fewer the higher `level` is, from 0 on: "none seen; 0.9 of 5 overlaps
 * expected, about 4 min more", "none seen; 0.9 of 5 expected", "none seen". NULL: there is none so
 * short. */
#define ENOUGH_LEVELS 4
const char *enough_short(const struct enough *enough, int level, char text[ENOUGH_TEXT_MAX]);

#endif
