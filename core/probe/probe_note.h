/* SPDX-License-Identifier: MIT */
/*
 * probe_note: the ways to touch a map that no probe sees, told so that nobody has to guess.
 */
#ifndef GOMAPTOP_CORE_PROBE_NOTE_H
#define GOMAPTOP_CORE_PROBE_NOTE_H

#include "core/go/go_binary.h"
#include "core/probe/probe_site.h"

/* Fill plan->unseen with what applies to the binary's release. Any thread. */
void probe_notes_find(const struct go_binary *binary, struct probe_plan *plan);

#endif
