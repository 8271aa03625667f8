/* SPDX-License-Identifier: MIT */
/*
 * source_text: a line of the program's source, where its file is at hand.
 *
 * Source paths are those of the machine that built the program, so most often there is nothing;
 * they are looked for under the root of the process (a container's) and here. Lines are remembered.
 * Only regular files of bounded size are read, and only those that the process's own user may read.
 * The screen's thread.
 */
#ifndef GOMAPTOP_TUI_SOURCE_TEXT_H
#define GOMAPTOP_TUI_SOURCE_TEXT_H

#include <stdint.h>

#include "core/go/frame.h"

/* Remember whose rights this process has, for the time after its end. Cheap when it is known. */
void source_text_know(uint32_t tgid);

/* The line of a frame without its indentation, not sanitized; NULL: not to be had. Valid until
 * another line is asked for. */
const char *source_text_line(uint32_t tgid, const struct frame *frame);

#endif
