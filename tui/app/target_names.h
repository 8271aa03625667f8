/* SPDX-License-Identifier: MIT */
/*
 * target_names: from what people type behind -p, names and ids of threads included, to processes.
 *
 * Of a name all processes that run Go are watched: in an incident it is not known yet which of them
 * has the fault, and conflicts say of which process they are. What else has the name is told, and
 * left alone.
 */
#ifndef GOMAPTOP_TUI_TARGET_NAMES_H
#define GOMAPTOP_TUI_TARGET_NAMES_H

#include "core/base/error.h"
#include "tui/options/options.h"

#define TARGET_NOTES_MAX 1024

/* Turn options->names and ids of threads into options->pids. notes: sentences to be said of it, one
 * a line, empty where there is none (one process of that name, which is what was asked for). 0, or
 * -errno with words: no such process, or none that runs Go. May wait for a file system, at most
 * PARSE_JOB_MS for each process of that name. */
int target_names_resolve(struct options *options, char notes[TARGET_NOTES_MAX], struct error *err);

#endif
