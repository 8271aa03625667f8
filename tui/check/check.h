/* SPDX-License-Identifier: MIT */
/*
 * check: `gomaptop check`: what can be watched of a process or a file, and what not.
 *
 * Nothing is attached to any process but gomaptop itself; the target is only read.
 */
#ifndef GOMAPTOP_TUI_CHECK_H
#define GOMAPTOP_TUI_CHECK_H

#include <stdio.h>

#include "core/base/error.h"
#include "tui/options/options.h"

/* Look at the one process or file that the options name and write the report to out. 1: watching
 * would work; 0: it would not, the report says why and what to do, and so does err; -errno with
 * words: no report. */
int check_run(const struct options *options, FILE *out, struct error *err);

#endif
