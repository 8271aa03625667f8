/* SPDX-License-Identifier: MIT */
/*
 * finding_hook: what --exec and --bell do when something is found.
 *
 * The command is run once for each new pair of lines that conflict or are unordered, and for each
 * crash, by `sh -c`, one at a time, in the order in which they were found; no more than
 * FINDING_HOOK_QUEUE wait for their turn. It gets what was found in its environment (GOMAPTOP_*),
 * never in its words. Nothing here waits for it, and it may outlive gomaptop.
 */
#ifndef GOMAPTOP_TUI_FINDING_HOOK_H
#define GOMAPTOP_TUI_FINDING_HOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model/model.h"

#define FINDING_HOOK_QUEUE 64

struct finding_hook;

struct finding_hook_config {
	const char *command; /* borrowed; NULL: nothing is run */
	bool bell;  /* ring on standard error, if that is a terminal, at the first finding */
	bool quiet; /* the command's output goes nowhere, else to standard error */
};

/* 0 or -ENOMEM. */
int finding_hook_create(const struct finding_hook_config *config, struct finding_hook **out);

/* After events were applied to the model: note what is new, begin the next run. The session's
 * thread; costs nothing where nothing is new. */
void finding_hook_look(struct finding_hook *hook, const struct model *model);

/* How many runs were not begun: the queue was full, or sh could not be started, or they still wait
 * for their turn. */
unsigned int finding_hook_left_out(const struct finding_hook *hook);

void finding_hook_destroy(struct finding_hook *hook); /* accepts NULL; leaves what runs alone */

#endif
